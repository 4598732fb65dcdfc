//! The differential oracle: over mutated signed commits, that we accept one implies that git with
//! OpenSSH says its signature is good, that libgit2 reads the same tree and parents, and that another
//! reader of SSHSIG agrees. How many mutants are tried says PINTLE_MUTANTS; the seed is printed.

use crate::dice::{Dice, number};
use crate::people::{armor, line, pem};
use crate::repository::START;
use pintle_core::trust::{Commit, Seal, verify};
use std::path::Path;
use std::process::Command;

const TOKENS: &[&str] = &[
    "\n",
    "\n\n",
    "\0",
    " ",
    "gpgsig ",
    "tree ",
    "parent ",
    "author ",
    "committer ",
    "encoding UTF-8\n",
    "mergetag ",
    "-----BEGIN SSH SIGNATURE-----",
    "-----END SSH SIGNATURE-----",
    "=",
    "A",
    "\r",
    "\t",
    "é",
    "+0000",
    "0",
    "4B",
];

/// A signed commit: with one parent, two, an encoding, a body, no newline at its end.
fn seeds() -> Vec<Vec<u8>> {
    let tree = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
    let ident = format!("alice <alice@acme.example> {START} +0000\n");
    let (one, two) =
        ("parent 1111111111111111111111111111111111111111\n", "parent 2222222222222222222222222222222222222222\n");
    let shapes = [
        (format!("{tree}{one}author {ident}committer {ident}"), "Subject\n"),
        (format!("{tree}{one}{two}author {ident}committer {ident}"), "Merge\n\nBody\n"),
        (format!("{tree}author {ident}committer {ident}encoding UTF-8\n"), "Ü\n"),
        (format!("{tree}{one}author {ident}committer {ident}"), "no newline"),
        (format!("{tree}{one}author {ident}committer {ident}"), ""),
    ];
    let seal = |(headers, message): &(String, &str)| {
        let armor = armor("alice", format!("{headers}\n{message}").as_bytes());
        format!("{headers}gpgsig {}\n\n{message}", armor.replace('\n', "\n ")).into_bytes()
    };
    shapes.iter().map(seal).collect()
}

fn mutate(raw: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut raw = raw.to_vec();
    for _ in 0..=dice.roll(2) {
        let at = dice.roll(raw.len());
        match dice.roll(8) {
            0 => raw[at] ^= 1 << dice.roll(8),
            1 => drop(raw.remove(at)),
            2 => {
                let token = TOKENS[dice.roll(TOKENS.len())].bytes();
                raw.splice(at..at, token);
            }
            3 | 4 => {
                // A whole line again, elsewhere, or gone.
                let mut lines: Vec<Vec<u8>> = raw.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let (from, to) = (dice.roll(lines.len()), dice.roll(lines.len()));
                let line = if dice.roll(2) == 0 { lines.remove(from) } else { lines[from].clone() };
                lines.insert(to.min(lines.len()), line);
                raw = lines.concat();
            }
            5 => raw.truncate(at),
            6 => {
                let end = (at + 1 + dice.roll(40)).min(raw.len());
                let part = raw[at..end].to_vec();
                let to = dice.roll(raw.len());
                raw.splice(to..to, part);
            }
            _ => raw.extend_from_slice(TOKENS[dice.roll(TOKENS.len())].as_bytes()),
        }
        if raw.is_empty() {
            raw.push(b'x');
        }
    }
    raw
}

/// Whether the signature counts as alice's, with the bytes it covers.
fn accepted(raw: &[u8]) -> Option<(Commit, Vec<u8>, Vec<u8>)> {
    let commit = Commit::parse(raw).ok()?;
    let Seal::Ssh { blob, payload } = commit.seal.clone() else { return None };
    verify(&blob, &payload).ok()?;
    Some((commit, blob, payload))
}

fn git_says_good(folder: &Path, oid: git2::Oid) -> bool {
    let signers = format!("gpg.ssh.allowedSignersFile={}", folder.join("signers").display());
    let run =
        Command::new("git").current_dir(folder).args(["-c", &signers, "verify-commit", &oid.to_string()]).output();
    run.unwrap().status.success()
}

fn agree(folder: &Path, repository: &git2::Repository, raw: &[u8]) {
    let Some((commit, blob, payload)) = accepted(raw) else { return };
    let oid = repository.odb().unwrap().write(git2::ObjectType::Commit, raw).unwrap();
    let shown = String::from_utf8_lossy(raw);
    assert!(git_says_good(folder, oid), "git does not call it good:\n{shown}");
    let theirs = repository.find_commit(oid).unwrap();
    let parents: Vec<Vec<u8>> = theirs.parent_ids().map(|oid| oid.as_bytes().to_vec()).collect();
    assert_eq!(theirs.tree_id().as_bytes(), commit.tree.0, "{shown}");
    assert_eq!(parents, commit.parents.iter().map(|oid| oid.0.to_vec()).collect::<Vec<_>>(), "{shown}");
    let public: ssh_key::PublicKey = line("alice").parse().unwrap();
    let sealed = ssh_key::SshSig::from_pem(format!("{}\n", pem(&blob))).unwrap();
    public.verify("git", &payload, &sealed).unwrap();
}

#[test]
fn what_we_accept_git_calls_good_and_libgit2_reads_alike() {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init_bare(folder.path()).unwrap();
    std::fs::write(folder.path().join("signers"), format!("alice@acme.example {}\n", line("alice"))).unwrap();
    let (mutants, seed) = (number("PINTLE_MUTANTS", 40_000), number("PINTLE_SEED", 0x9e37_79b9_7f4a_7c15));
    eprintln!("PINTLE_MUTANTS={mutants} PINTLE_SEED={seed}");
    let (seeds, mut dice, mut counted) = (seeds(), Dice(seed), 0);
    for seed in &seeds {
        assert!(accepted(seed).is_some(), "the seeds are accepted");
        agree(folder.path(), &repository, seed);
    }
    for _ in 0..mutants {
        let mutant = mutate(&seeds[dice.roll(seeds.len())], &mut dice);
        counted += usize::from(accepted(&mutant).is_some());
        agree(folder.path(), &repository, &mutant);
    }
    eprintln!("{counted} of {mutants} mutants were accepted, and git agreed on each");
}

#[test]
fn the_oracle_itself_notices_a_signature_that_is_not_good() {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init_bare(folder.path()).unwrap();
    std::fs::write(folder.path().join("signers"), format!("alice@acme.example {}\n", line("alice"))).unwrap();
    let bent = String::from_utf8(seeds().remove(0)).unwrap().replacen("Subject", "subject", 1);
    let oid = repository.odb().unwrap().write(git2::ObjectType::Commit, bent.as_bytes()).unwrap();
    assert!(!git_says_good(folder.path(), oid));
}
