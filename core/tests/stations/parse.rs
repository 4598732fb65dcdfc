//! What a file may not hold, each told at its line and column.

use super::documents::{Files, golden_files};
use pintle_core::change::Value;
use pintle_core::parse::{is_document_path, parse_file};
use std::fmt::Write;

/// What is told about one file that holds `bytes`.
fn told(bytes: impl AsRef<[u8]>) -> String {
    Files::one(bytes.as_ref()).told()
}

const PARTNER: &str = "apiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\n";

fn partner(rest: &str) -> String {
    format!("{PARTNER}{rest}")
}

#[test]
fn every_hostile_file_is_told_where_and_why() {
    let stories: &[(&str, String)] = &[
        ("no YAML at all", "spec: [1, 2\nkind: }".into()),
        ("text that never ends", "spec: \"open\n".into()),
        ("a key twice", partner("spec:\n  displayName: A\n  displayName: B\n")),
        ("a key twice, once quoted", partner("spec: {displayName: A, \"displayName\": B}\n")),
        ("a tag", partner("spec:\n  displayName: !!str 5\n")),
        ("a tag of its own", partner("spec: !partner {displayName: A}\n")),
        ("a merge key", partner("spec:\n  <<: {displayName: A}\n")),
        ("a tab for indentation", partner("spec:\n\tdisplayName: A\n")),
        ("an anchor and an alias", partner("spec:\n  displayName: &a A\n  contact: *a\n")),
        ("an alias of nothing", partner("spec:\n  displayName: *a\n")),
        ("an unknown field", partner("spec:\n  displayName: A\n  quota: {instances: 1}\n")),
        ("an unknown field at the top", partner("spec: {displayName: A}\nstatus: {}\n")),
        (
            "text that looks like a boolean",
            "apiVersion: pintle/v1\nkind: Capability\nmetadata: {name: sso}\nspec: {description: x, default: yes}\n"
                .into(),
        ),
        ("a number for text", partner("spec:\n  displayName: 5\n")),
        ("a value that is not allowed", partner("spec: {displayName: A, lifecycle: actve}\n")),
        ("a missing field", partner("spec: {}\n")),
        ("a missing spec", PARTNER.into()),
        ("an unknown kind", "apiVersion: pintle/v1\nkind: Partnr\nmetadata: {name: acme}\nspec: {}\n".into()),
        ("another apiVersion", "apiVersion: v1\nkind: Partner\nmetadata: {name: acme}\nspec: {}\n".into()),
        ("no envelope", "- 1\n- 2\n".into()),
        ("no name", "apiVersion: pintle/v1\nkind: Partner\nmetadata: {}\nspec: {}\n".into()),
        ("a name in capitals", "apiVersion: pintle/v1\nkind: Partner\nmetadata:\n  name: Acme\nspec: {}\n".into()),
        ("a list for a key", partner("spec:\n  ? [a]\n  : 1\n")),
        ("a private key", partner("spec: {displayName: \"-----BEGIN PRIVATE KEY-----\"}\n")),
        ("a token", partner(&format!("spec:\n  displayName: ghp_{}\n", "a".repeat(36)))),
        ("a bidirectional override in a value", partner("spec:\n  displayName: ab\u{202e}c\n")),
        ("a bidirectional override in a comment", partner("# \u{2066}x\nspec: {displayName: A}\n")),
        ("an escaped control character", partner("spec: {displayName: \"a\\x1b[2Jb\"}\n")),
        ("a bare carriage return", partner("spec: {displayName: A} # x\rhidden\n")),
    ];
    let mut all = String::new();
    for (what, text) in stories {
        let found = told(text);
        assert_ne!(found, "nothing is wrong\n", "{what}");
        writeln!(
            all,
            "# {what}\n{}\n{found}",
            text.trim_end().escape_debug().to_string().replace("\\n", "\n").replace("\\\"", "\"")
        )
        .unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_as_a_whole() {
    assert_eq!(
        told(b"apiVersion: pintle/v1\nkind: \xff\n"),
        "a.yaml PIN0108: the file is not UTF-8 (save the file as UTF-8 and remove what cannot be seen)\n"
    );
}

#[test]
fn a_file_over_a_mebibyte_is_refused() {
    let large = partner(&format!("spec: {{displayName: {}}}\n", "a".repeat(1 << 20)));
    assert_eq!(told(large), "a.yaml:1:1 PIN0106: the file is larger than 1048576 bytes (split the file)\n");
}

#[test]
fn nesting_ends_at_64_levels() {
    let nested =
        |levels: usize| partner(&format!("spec:\n  displayName: {}{}\n", "[".repeat(levels), "]".repeat(levels)));
    assert!(!told(nested(60)).contains("PIN0106"));
    assert_eq!(told(nested(70)), "a.yaml:5:79 PIN0106: more than 64 levels or 200000 values (split the file)\n");
    assert!(told(nested(400_000)).contains("PIN01"), "hostile nesting ends early");
    let blocks: Vec<String> = (0..70).map(|level| format!("{}a:", " ".repeat(level))).collect();
    assert!(told(blocks.join("\n")).contains("PIN0106"));
}

#[test]
fn a_file_of_too_many_values_is_refused() {
    let many = partner(&format!("spec: {{displayName: [{}]}}\n", "1,".repeat(250_000)));
    assert!(told(many).contains("PIN0106"));
}

#[test]
fn a_map_of_many_keys_in_the_worst_order_costs_little() {
    let keys: Vec<String> = (0..80_000).rev().map(|key| format!("k{key:05}: 1")).collect();
    let (documents, errors) =
        pintle_core::parse::read_documents(&format!("{{{}}}", keys.join(", ")), pintle_core::parse::Limits::default());
    assert!(errors.is_empty());
    assert_eq!(documents[0].0.as_map().unwrap().len(), 80_000);
}

#[test]
fn words_that_older_yaml_took_for_booleans_stay_text() {
    let (documents, errors) = pintle_core::parse::read_documents(
        "[no, on, NO, yes, Off, y, 0777, 1_000, 0x1f, .inf, 12:30:45, 2026-01-01]",
        pintle_core::parse::Limits::default(),
    );
    assert!(errors.is_empty());
    assert!(documents[0].0.as_list().unwrap().iter().all(|item| matches!(item, Value::String(_))));
}

#[test]
fn several_documents_of_a_file_are_told_apart() {
    let second = "---\napiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec:\n  displayNam: B\n";
    insta::assert_snapshot!(golden_files(&format!(
        "=== all.yaml\n# first\n{}{second}...\n---\n# nothing here\n---\nkind: Partner\n",
        partner("spec: {displayName: A}\n")
    )));
}

#[test]
fn windows_line_ends_change_neither_values_nor_places() {
    let unix = partner("spec:\n  displayName: A\n  quota: 1\n");
    let windows = unix.replace('\n', "\r\n");
    assert_eq!(told(&unix), told(&windows));
    assert_eq!(parse_file(unix.as_bytes()).documents, parse_file(windows.as_bytes()).documents);
    let block = |end: &str| partner("spec:\n  displayName: |\n    a\n    b\n").replace('\n', end);
    assert_eq!(parse_file(block("\n").as_bytes()).documents, parse_file(block("\r\n").as_bytes()).documents);
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_key() {
    assert_eq!(told(format!("\u{feff}{}", partner("spec: {displayName: A}\n"))), "nothing is wrong\n");
}

#[test]
fn every_error_of_every_file_is_told_in_one_run() {
    insta::assert_snapshot!(golden_files(
        "=== broken.yaml\nkind: [\n=== partners/acme.yaml\napiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec: {displayNam: A, lifecycle: activ}\n=== tenants/kano.yaml\napiVersion: pintle/v1\nkind: Tenant\nmetadata: {name: kano}\nspec: {partner: acmee, instance: home, displayName: Kano, extra: 1}\n"
    ));
}

#[test]
fn documents_are_yaml_files_outside_dot_folders() {
    assert!(is_document_path("a/b.yaml") && is_document_path("b.yml"));
    assert!(
        ![".pintle/guard.yaml", "a/.b/c.yaml", ".yaml", "a.json", "a/.yaml"].iter().any(|path| is_document_path(path))
    );
}

#[test]
fn a_mebibyte_of_any_sign_is_read_to_an_end() {
    for sign in [
        "{",
        "[",
        "- ",
        "? ",
        ": ",
        "a: ",
        "!",
        "&a ",
        "*a ",
        "\"",
        "'",
        "|\n",
        "#",
        " ",
        "\n",
        "---\n",
        "a\n",
        "a:\n",
        "%",
        "[{",
        "{a: ",
        "- - a\n",
        "\\",
        ",",
        "\t",
        "? a\n",
        "'' ",
        "- a: b\n  c: d\n",
    ] {
        let parsed = parse_file(sign.repeat((1 << 20) / sign.len()).as_bytes());
        assert!(parsed.errors.len() + parsed.documents.len() <= 1 << 20, "{sign:?}");
    }
}
