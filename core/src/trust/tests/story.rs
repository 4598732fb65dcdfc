//! A small language for histories: who edits, merges, approves; then what trust says.

use super::world::{Files, Key, Store, seal};
use crate::change::{ChangeId, Digest, Oid};
use crate::model::Catalog;
use crate::trust::*;
use jiff::Timestamp;
use std::collections::HashMap;

pub const REPO: &str = "5b1c7c0e-0000-4000-8000-000000000001";
pub const MAIN: &str = "refs/heads/main";
/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600;

pub fn key(who: &str) -> Key {
    match who {
        "alice2" => Key::plain(9),
        "gina" => Key::fido(b'g'),
        _ => Key::plain(who.as_bytes()[0]),
    }
}

pub fn policy(version: u64) -> String {
    let person = |who: &str| format!("  {who}: {{keys: [{{key: \"{}\"}}]}}\n", key(who).line());
    let alice =
        format!("  alice: {{keys: [{{key: \"{}\"}}, {{key: \"{}\"}}]}}\n", key("alice").line(), key("alice2").line());
    let people: String = ["bob", "carol", "dave", "erin"].into_iter().map(person).collect();
    let machine = format!("  zbot: {{machine: true, keys: [{{key: \"{}\"}}]}}\n", key("zbot").line());
    let gina = format!("  gina: {{keys: [{{key: \"{}\", require: [touch, pin]}}]}}\n", key("gina").line());
    format!(
        "version: {version}\nrepoId: {REPO}\npeople:\n{alice}{people}{gina}{machine}\
groups: {{root: [alice, bob, carol], release: [alice, dave], sre: [bob, erin, zbot], acme: [gina]}}
rules:
  - {{name: trust, match: {{paths: [\".pintle/**\"]}}, approvals: 2, from: [root]}}
  - {{name: gold, match: {{kind: Instance, labels: {{tier: gold}}}}, approvals: 2, from: [sre, release], independent: 1}}
  - {{name: removal, match: {{kind: Instance, actions: [delete]}}, approvals: 2, from: [sre, release]}}
  - {{name: acme, match: {{partner: acme, kind: Instance}}, approvals: 1, from: [acme, sre]}}
  - {{name: secure, match: {{paths: [\"secure/**\"]}}, approvals: 2, from: [sre, release]}}
  - {{name: docs, match: {{paths: [\"docs/**\"]}}, approvals: 1, from: [root, release, sre, acme], implicit: true}}
  - {{name: rest, match: {{otherwise: true}}, approvals: 1, from: [sre, release]}}
"
    )
}

pub fn instance(name: &str, tier: &str, memory: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Instance\nmetadata:\n  name: {name}\n  labels: {{tier: {tier}}}\nspec:\n  type: shared-saas\n  resources: {{memory: {memory}}}\n"
    )
}

/// A history under work. Every commit is a minute after the one before.
pub struct Story {
    pub store: Store,
    pub files: HashMap<Oid, Files>,
    pub first: Oid,
    pub time: i64,
    pub now: Timestamp,
    pub recorded: Vec<Acceptance>,
    pub evidence: Vec<Oid>,
    pub considered: Vec<Oid>,
}

impl Default for Story {
    fn default() -> Self {
        let mut story = Self {
            store: Store::default(),
            files: HashMap::new(),
            first: Oid([0; 20]),
            time: START,
            now: Timestamp::from_second(START + 86_400).unwrap(),
            recorded: Vec::new(),
            evidence: Vec::new(),
            considered: Vec::new(),
        };
        let silver = |name| (format!("instances/{name}.yaml"), instance(name, "silver", "8Gi"));
        let files = [
            silver("a"),
            silver("b"),
            ("instances/g.yaml".into(), instance("g", "gold", "8Gi")),
            (POLICY_PATH.into(), policy(1)),
            ("README.md".into(), "hello\n".into()),
        ];
        let files = files.into_iter().map(|(path, text)| (path, (0o100_644, text.into_bytes()))).collect();
        story.first = story.raw_commit(Some("alice"), &[], &files, "Begin\n");
        story
    }
}

impl Story {
    pub fn raw_commit(&mut self, who: Option<&str>, parents: &[Oid], files: &Files, message: &str) -> Oid {
        let tree = self.store.tree(files);
        self.time += 60;
        let parents = parents.iter().fold(String::new(), |text, parent| text + &format!("parent {parent}\n"));
        let name = who.unwrap_or("nobody");
        let headers = format!(
            "tree {tree}\n{parents}author {name} <{name}@acme.example> {0} +0000\ncommitter {name} <{name}@acme.example> {0} +0000\n",
            self.time
        );
        let raw = match who {
            Some(who) => seal(&headers, message, &key(who)),
            None => format!("{headers}\n{message}").into_bytes(),
        };
        let oid = self.store.put(ObjectKind::Commit, raw);
        self.files.insert(oid, files.clone());
        oid
    }

    /// `edits`: path and new text, `None` to delete.
    pub fn edited(&self, parent: Oid, edits: &[(&str, Option<&str>)]) -> Files {
        let mut files = self.files[&parent].clone();
        for (path, text) in edits {
            match text {
                Some(text) => files.insert((*path).into(), (0o100_644, text.as_bytes().to_vec())),
                None => files.remove(*path),
            };
        }
        files
    }

    pub fn edit(&mut self, who: &str, parent: Oid, edits: &[(&str, Option<&str>)]) -> Oid {
        let files = self.edited(parent, edits);
        self.raw_commit((who != "nobody").then_some(who), &[parent], &files, "Edit\n\nWhy not.\n")
    }

    /// Raises the memory of an instance.
    pub fn raise(&mut self, who: &str, parent: Oid, name: &str, memory: &str) -> Oid {
        let tier = if name == "g" { "gold" } else { "silver" };
        self.edit(who, parent, &[(&format!("instances/{name}.yaml"), Some(&instance(name, tier, memory)))])
    }

    /// The forge's merge button: unsigned; takes what the branch changed since `base`, plus `extra`.
    pub fn merge(&mut self, first: Oid, second: Oid, base: Oid, extra: &[(&str, Option<&str>)]) -> Oid {
        let (before, after) = (self.files[&base].clone(), self.files[&second].clone());
        let mut files = self.edited(first, extra);
        for (path, content) in &after {
            if before.get(path) != Some(content) {
                files.insert(path.clone(), content.clone());
            }
        }
        before.keys().filter(|path| !after.contains_key(*path)).for_each(|path| {
            files.remove(path);
        });
        self.raw_commit(None, &[first, second], &files, "Merge branch\n")
    }

    pub fn change(&mut self, base: Oid, rev: Oid) -> ChangeId {
        let mut memory = Memory::default();
        change_id(&mut Session::new(&self.store, Catalog::standard(), &mut memory), REPO, base, rev).unwrap()
    }

    /// An empty commit on `parent` that approves the change from `base` to `rev`.
    pub fn approve(&mut self, who: &str, parent: Oid, base: Oid, rev: Oid) -> Oid {
        let change = self.change(base, rev);
        self.state(who, parent, Word::Approve, base, change)
    }

    /// An empty commit on `parent` that says `word` about `change`, seen from `base`.
    pub fn state(&mut self, who: &str, parent: Oid, word: Word, base: Oid, change: ChangeId) -> Oid {
        let mut statement = Statement::new(word, REPO, MAIN, base, change);
        statement.reason = (word == Word::BreakGlass).then(|| "it burns".into());
        self.say(who, parent, &message_of(&Trailer::Statement(statement), "About the change"))
    }

    /// An empty commit with a message.
    pub fn say(&mut self, who: &str, parent: Oid, message: &str) -> Oid {
        let files = self.files[&parent].clone();
        self.raw_commit((who != "nobody").then_some(who), &[parent], &files, message)
    }

    pub fn introduction(&self) -> Introduction {
        let policy_sha256 = Digest::of(&self.files[&self.first][POLICY_PATH].1);
        Introduction { repo_id: REPO.into(), git_ref: MAIN.into(), commit: self.first, policy_sha256 }
    }

    pub fn ask(&self, tip: Oid, times: Times) -> Verdict {
        let introduction = self.introduction();
        let question = Question {
            recorded: &self.recorded,
            evidence: &self.evidence,
            considered: &self.considered,
            times,
            ..Question::new(&introduction, tip, self.now)
        };
        let mut memory = Memory::default();
        accept(&question, &mut Session::new(&self.store, Catalog::standard(), &mut memory))
    }

    pub fn verdict(&self, tip: Oid) -> Verdict {
        self.ask(tip, Times::Clock)
    }

    /// Polls: what is accepted is recorded.
    pub fn poll(&mut self, tip: Oid) -> Verdict {
        let verdict = self.verdict(tip);
        self.recorded = verdict.steps().to_vec();
        verdict
    }

    pub fn accepted(&self, tip: Oid) -> Oid {
        self.verdict(tip).accepted.unwrap().commit()
    }

    /// A restart with the records says what was said before, without the approvals ref and a year later.
    fn derives_again(&self, verdict: &Verdict, case: &str) {
        let Some(accepted) = &verdict.accepted else { return };
        let introduction = self.introduction();
        let now = self.now + jiff::SignedDuration::from_hours(24 * 365);
        let question = Question { recorded: accepted.steps(), ..Question::new(&introduction, accepted.commit(), now) };
        let mut memory = Memory::default();
        let again = accept(&question, &mut Session::new(&self.store, Catalog::standard(), &mut memory));
        assert!(again.refused.is_none(), "{case}: {:?}", again.refused);
        assert_eq!(again.steps(), accepted.steps(), "{case}");
    }

    /// Whether the tip is accepted as a whole; the verdict if not what was expected.
    pub fn expect(&self, tip: Oid, accepted: bool, case: &str) {
        let verdict = self.verdict(tip);
        let is = verdict.accepted.as_ref().map(AcceptedCommit::commit) == Some(tip);
        self.derives_again(&verdict, case);
        assert_eq!(is, accepted, "{case}: {:#?} {:#?}", verdict.held, verdict.refused);
        assert!(
            is || verdict.held.as_ref().is_some_and(|held| !held.reasons.is_empty()) || verdict.refused.is_some(),
            "{case}: no reason"
        );
    }
}
