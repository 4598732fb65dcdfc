//! Cases: encoding of commits.

use super::world::{Key, seal, sign};
use crate::trust::commit::{Commit, Seal};
use crate::trust::{Trailer, armor, parse_tree, verify};
use proptest::prelude::*;

const TREE: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
const PARENT: &str = "parent 1111111111111111111111111111111111111111\n";
const AUTHOR: &str = "author Alice <a@acme.example> 1767225600 +0000\n";
const COMMITTER: &str = "committer Alice <a@acme.example> 1767225600 +0100\n";

fn headers() -> String {
    [TREE, PARENT, AUTHOR, COMMITTER].concat()
}

fn signed(message: &str) -> String {
    String::from_utf8(seal(&headers(), message, &Key::plain(1))).unwrap()
}

/// Whether the bytes are a commit whose signature verifies.
fn stands(raw: &[u8]) -> bool {
    let Ok(commit) = Commit::parse(raw) else { return false };
    matches!(commit.seal, Seal::Ssh { blob, payload } if verify(&blob, &payload).is_ok())
}

#[test]
fn a_signed_commit_stands_with_and_without_a_newline_at_its_end() {
    for message in ["Subject\n", "Subject", "", "Subject\n\nBody\n\nTrailer: x\n"] {
        assert!(stands(signed(message).as_bytes()), "{message:?}");
    }
    let encoding = format!("{}encoding UTF-8\n", headers());
    assert!(stands(&seal(&encoding, "Ü\n", &Key::plain(1))));
}

#[test]
fn whatever_git_would_not_write_does_not_stand() {
    let good = signed("Subject\n");
    let gpgsig = &good[good.find("gpgsig").unwrap()..=good.find("\n\n").unwrap()];
    let without = good.replace(gpgsig, "");
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    let armored = |text: String| without.replacen("\n\n", &format!("\ngpgsig {}\n\n", text.replace('\n', "\n ")), 1);
    let payload = without.as_bytes();
    let blob = sign(&Key::plain(1), 0, payload).encode();
    let ragged = armor::encode(&blob, 70).replacen('\n', "\n\n", 1);
    let mut lines: Vec<String> = armor::encode(&blob, 70).lines().map(str::to_owned).collect();
    let moved = lines[1].split_off(60);
    lines[2].insert_str(0, &moved);
    let cases: Vec<(&str, String)> = vec![
        ("NUL after the message", format!("{good}\0")),
        ("NUL in a header", swap("Alice", "Al\0ice")),
        ("NUL and a second message", format!("{good}\0more\n")),
        ("gpgsig in the body", format!("{without}\n{gpgsig}")),
        ("gpgsig twice", swap(gpgsig, &format!("{gpgsig}{gpgsig}"))),
        ("gpgsig-sha256 beside it", swap(gpgsig, &format!("{gpgsig}gpgsig-sha256 x\n"))),
        ("gpgsig-evil before it", swap(gpgsig, &format!("gpgsig-evil x\n{gpgsig}"))),
        ("between tree and parent", format!("{TREE}{gpgsig}{}", &without[TREE.len()..])),
        ("before tree", format!("{gpgsig}{without}")),
        ("duplicate tree", swap(TREE, &TREE.repeat(2))),
        ("duplicate author", swap(AUTHOR, &AUTHOR.repeat(2))),
        ("duplicate committer", swap(COMMITTER, &COMMITTER.repeat(2))),
        ("parent after author", swap(&format!("{PARENT}{AUTHOR}"), &format!("{AUTHOR}{PARENT}"))),
        ("parent after the signature", swap(gpgsig, &format!("{gpgsig}{PARENT}"))),
        ("mergetag", swap(gpgsig, &format!("mergetag object x\n{gpgsig}"))),
        ("encoding after the signature", swap(gpgsig, &format!("{gpgsig}encoding UTF-8\n"))),
        ("another encoding", swap(gpgsig, &format!("encoding latin1\n{gpgsig}"))),
        ("uppercase hex", swap("4b825dc", "4B825DC")),
        ("short hex", swap("4b825dc", "4b825d")),
        ("time with a leading zero", swap("1767225600 +0000", "01767225600 +0000")),
        ("email with a second bracket", swap("<a@", "<x> 1 +0000 <a@")),
        ("text before the armor", swap("gpgsig -----", "gpgsig x\n -----")),
        ("text after the armor", swap("-----END SSH SIGNATURE-----", "-----END SSH SIGNATURE-----\n x")),
        ("a blank line in the armor", armored(ragged)),
        ("ragged armor", armored(lines.join("\n"))),
        ("armor too narrow", armored(armor::encode(&blob, 60))),
        ("armor too wide", armored(armor::encode(&blob, 80))),
        ("CRLF armor", armored(armor::encode(&blob, 70).replace('\n', "\r\n"))),
        (
            "PGP armor",
            without.replacen(
                "\n\n",
                "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n\n",
                1,
            ),
        ),
        ("no signature", without.clone()),
        ("another message", swap("Subject", "subject")),
        ("another parent", swap("1111111", "1111112")),
        ("no blank line", good.replace("\n\n", "\n")),
    ];
    assert!(stands(armored(armor::encode(&blob, 70)).as_bytes()), "the base of these cases");
    for (case, raw) in cases {
        assert_ne!(raw, good, "{case}: the case is the good commit");
        assert!(!stands(raw.as_bytes()), "{case}");
    }
}

#[test]
fn an_odd_commit_of_an_old_history_is_history_and_carries_no_authority() {
    let odd = |author: &[u8]| {
        [TREE.as_bytes(), PARENT.as_bytes(), b"author ", author, b"\n", COMMITTER.as_bytes(), b"\nSubject\n"].concat()
    };
    for author in [b"J\xfcrgen <j@x> 1 +0000".as_slice(), b"x <x> 1 +051800", b"nobody", b""] {
        let commit = Commit::parse(&odd(author)).unwrap();
        assert!(matches!(commit.seal, Seal::Irregular(_)), "{author:?}");
        assert_eq!(commit.parents.len(), 1);
    }
    assert!(Commit::parse(&odd(b"x\0 <x> 1 +0000")).is_err());
}

#[test]
fn an_approve_line_counts_only_alone_in_the_last_paragraph() {
    let approval = Trailer::parse(&format!(
        "Approve: v1 repo=r ref=refs/heads/main base={} change={}",
        "1".repeat(40),
        "a".repeat(64)
    ))
    .unwrap();
    let line = approval.to_string();
    let last = |message: String| Trailer::of_message(&Commit::parse(signed(&message).as_bytes()).unwrap());
    assert_eq!(last(format!("S\n\n{line}\n")), Some(Ok(approval.clone())));
    assert_eq!(last(format!("S\n\nSigned-off-by: x\n{line}\n\n")), Some(Ok(approval)));
    assert_eq!(last(format!("S\n\n{line}\n\nmore\n")), None);
    assert_eq!(last("S\n".into()), None);
    for bad in [
        format!("{line}\n{line}"),
        format!("{line} "),
        line.replace(" ref=", "  ref="),
        line.to_uppercase().replace("APPROVE", "Approve"),
        format!("{line} x=y"),
        line.replace("v1", "v2"),
    ] {
        assert!(matches!(last(format!("S\n\n{bad}\n")), Some(Err(_))), "{bad}");
    }
}

#[test]
fn trees_hold_only_what_a_state_tree_may() {
    let entry = |mode: &str, name: &str| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[7; 20]].concat();
    let good = [entry("100644", "a"), entry("100755", "a.b"), entry("40000", "c"), entry("40000", ".pintle")];
    assert_eq!(
        parse_tree(&[good[3].clone(), good[0].clone(), good[1].clone(), good[2].clone()].concat()).unwrap().len(),
        4
    );
    for name in [
        "",
        ".",
        "..",
        ".git",
        ".GIT",
        "git~1",
        ".git ",
        ".g\u{200c}it",
        "a\\b",
        "a/b",
        ".Pintle",
        "a\nb",
        "a\u{202e}b",
    ] {
        assert!(parse_tree(&entry("100644", name)).is_err(), "{name:?}");
    }
    for mode in ["120000", "160000", "100664", "040000", "1", ""] {
        assert!(parse_tree(&entry(mode, "a")).is_err(), "{mode}");
    }
    let pairs = [
        (("100644", "b"), ("100644", "a")),
        (("100644", "a"), ("100644", "a")),
        (("40000", "a"), ("100644", "a.b")),
        (("100644", "a"), ("40000", "a")),
    ];
    for ((m1, n1), (m2, n2)) in pairs {
        assert!(parse_tree(&[entry(m1, n1), entry(m2, n2)].concat()).is_err(), "{n1} {n2}");
    }
    assert!(parse_tree(&[entry("100644", "a"), vec![0]].concat()).is_err());
    assert!(parse_tree(&[b"100644 \xff\0".as_slice(), &[7; 20]].concat()).is_err());
}

proptest! {
    #[test]
    fn parsers_are_total(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..2000, byte in any::<u8>()) {
        let _ = Commit::parse(&bytes);
        let _ = parse_tree(&bytes);
        let _ = verify(&bytes, b"x");
        let _ = crate::trust::read_policy(&bytes, jiff::Timestamp::UNIX_EPOCH);
        let mut raw = signed("Subject\n").into_bytes();
        let at = at % raw.len();
        let changed = raw[at] != byte;
        raw[at] = byte;
        prop_assert!(!changed || !stands(&raw), "byte {at} is covered by nothing");
    }
}
