//! Encoding: a commit that alice signed, bent in one place. Nothing bent counts as hers, and what
//! leaves tree or parents in doubt is no history at all. The base of every case is accepted.

use crate::notation::Story;
use crate::people::armor;
use git2::ObjectType;

/// How a raw commit is bent.
type Bend = fn(&Parts) -> Vec<u8>;

/// Each: a name, how the raw commit is bent, and how its tip ends: `refused` or `held`.
const MUTATIONS: &[(&str, Bend, &str)] = &[
    ("NUL after the message", |p| [p.good.as_bytes(), b"\0"].concat(), "held"),
    ("NUL and a second message", |p| [p.good.as_bytes(), b"\0more\n"].concat(), "held"),
    ("NUL in a header", |p| p.good.replacen("alice", "al\0ice", 1).into(), "refused"),
    ("gpgsig in the body", |p| format!("{}\n{}", p.without, p.gpgsig).into(), "held"),
    ("gpgsig twice", |p| p.with(&p.gpgsig.repeat(2)), "held"),
    ("two different signers", |p| p.with(&(p.gpgsig.clone() + &p.other)), "held"),
    ("gpgsig-sha256 beside it", |p| p.with(&format!("{}gpgsig-sha256 x\n", p.gpgsig)), "held"),
    ("gpgsig-evil before it", |p| p.with(&format!("gpgsig-evil x\n{}", p.gpgsig)), "held"),
    ("gpgsig before tree", |p| format!("{}{}", p.gpgsig, p.without).into(), "refused"),
    ("gpgsig between tree and parent", |p| p.after("tree ", &p.gpgsig), "refused"),
    ("duplicate tree", |p| p.twice("tree "), "refused"),
    ("duplicate author", |p| p.twice("author "), "refused"),
    ("duplicate committer", |p| p.twice("committer "), "refused"),
    ("parent after author", |p| p.moved("parent ", "author "), "refused"),
    ("mergetag", |p| p.with(&format!("mergetag object x\n{}", p.gpgsig)), "held"),
    ("ragged armor", |p| p.with(&p.gpgsig.replacen("\n U1", "\n U\n 1", 1)), "held"),
    ("CRLF armor", |p| p.with(&p.gpgsig.replace('\n', "\r\n")), "held"),
    ("text before the armor", |p| p.with(&p.gpgsig.replacen("gpgsig ", "gpgsig x\n ", 1)), "held"),
    ("text after the armor", |p| p.with(&format!("{} x\n", p.gpgsig)), "held"),
    ("PGP armor", |p| p.with(&p.gpgsig.replace("SSH", "PGP")), "held"),
    ("uppercase hex in the tree", |p| p.upper("tree "), "refused"),
    ("uppercase hex in the parent", |p| p.upper("parent "), "refused"),
    ("a signature without its padding", |p| p.with(&p.gpgsig.replacen('=', "", 1)), "held"),
    ("another message", |p| p.good.replacen("Docs", "docs", 1).into(), "held"),
    (
        "a time that git cannot read",
        |p| p.good.replacen(" +0000\ncommitter", "99999 +0000\ncommitter", 1).into(),
        "held",
    ),
    ("no signature", |p| p.without.clone().into(), "held"),
];

struct Parts {
    good: String,
    without: String,
    gpgsig: String,
    other: String,
}

impl Parts {
    fn with(&self, gpgsig: &str) -> Vec<u8> {
        self.good.replacen(&self.gpgsig, gpgsig, 1).into()
    }

    fn line(&self, prefix: &str) -> String {
        self.good.lines().find(|line| line.starts_with(prefix)).map(|line| format!("{line}\n")).unwrap()
    }

    fn after(&self, prefix: &str, text: &str) -> Vec<u8> {
        let line = self.line(prefix);
        self.without.replacen(&line, &format!("{line}{text}"), 1).into()
    }

    fn twice(&self, prefix: &str) -> Vec<u8> {
        let line = self.line(prefix);
        self.good.replacen(&line, &line.repeat(2), 1).into()
    }

    fn moved(&self, what: &str, behind: &str) -> Vec<u8> {
        let (line, after) = (self.line(what), self.line(behind));
        self.good.replacen(&line, "", 1).replacen(&after, &format!("{after}{line}"), 1).into()
    }

    fn upper(&self, prefix: &str) -> Vec<u8> {
        let line = self.line(prefix);
        let (word, rest) = line.split_once(' ').unwrap();
        self.good.replacen(&line, &format!("{word} {}", rest.to_uppercase()), 1).into()
    }
}

/// A commit by alice that only changes docs, which her signature alone may.
fn begin() -> (Story, Parts) {
    let mut story = Story::begin();
    let first = story.repository.first;
    let mut files = story.repository.files[&first].clone();
    files.insert("docs/x.md".into(), (crate::repository::PLAIN, b"hi".to_vec()));
    let tree = story.repository.tree(&files);
    let headers = story.repository.headers("alice", &[first], tree);
    let without = format!("{headers}\nDocs\n");
    let seal = |who: &str| format!("gpgsig {}\n", armor(who, without.as_bytes()).replace('\n', "\n "));
    let (gpgsig, other) = (seal("alice"), seal("bob"));
    let good = format!("{headers}{gpgsig}\nDocs\n");
    (story, Parts { good, without, gpgsig, other })
}

fn ends(raw: &[u8]) -> &'static str {
    let (story, _) = begin();
    // The bytes may be no commit that libgit2 would write: hashed and stored as they are.
    let tip = story.repository.put(ObjectType::Commit, raw);
    let verdict = story.repository.verdict(tip);
    assert!(verdict.refused.iter().all(|refused| ["PIN0515"].contains(&refused.reason.code.as_str())));
    match (verdict.accepted.map(|accepted| accepted.commit()) == Some(tip), verdict.refused, verdict.held) {
        (true, ..) => "accepted",
        (_, Some(_), _) => "refused",
        (_, _, Some(held)) => {
            assert!(held.reasons.iter().any(|reason| reason.code.as_str() == "PIN0510"), "{held:?}");
            "held"
        }
        _ => "nothing",
    }
}

#[test]
fn the_base_of_the_mutations_is_accepted_with_and_without_a_newline_at_its_end() {
    let (_, parts) = begin();
    assert_eq!(ends(parts.good.as_bytes()), "accepted");
    let headers = parts.without.split("\n\n").next().unwrap().to_owned() + "\n";
    let bare = format!("{headers}\nDocs");
    let seal = format!("gpgsig {}\n", armor("alice", bare.as_bytes()).replace('\n', "\n "));
    assert_eq!(ends(format!("{headers}{seal}\nDocs").as_bytes()), "accepted");
}

#[test]
fn every_mutation_ends_as_it_should() {
    for (case, bend, expected) in MUTATIONS {
        let (_, parts) = begin();
        let bent = bend(&parts);
        assert_ne!(bent, parts.good.as_bytes(), "{case}: nothing is bent");
        assert_eq!(ends(&bent), *expected, "{case}");
    }
}
