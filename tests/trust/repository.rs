//! A bare repository of raw objects: whatever bytes a forge could hold.

use super::people::{MAIN, REPO, armor, policy};
use jiff::Timestamp;
use pintle::source::GitObjects;
use pintle_core::change::{ChangeId, Digest, Oid};
use pintle_core::model::Catalog;
use pintle_core::trust::{
    Acceptance, AcceptedCommit, Fingerprint, Introduction, Memory, POLICY_PATH, Question, Session, Times, Verdict,
    accept, change_id, preview,
};
use std::collections::{BTreeMap, HashMap};

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600;
pub const PLAIN: i32 = 0o100_644;

/// Path → mode and content.
pub type Files = BTreeMap<String, (i32, Vec<u8>)>;

/// The repository, and what a daemon knows that watches it.
pub struct Repository {
    pub git: git2::Repository,
    pub objects: GitObjects,
    pub files: HashMap<Oid, Files>,
    pub first: Oid,
    /// Every commit is a minute after the one before.
    pub time: i64,
    pub now: Timestamp,
    pub recorded: Vec<Acceptance>,
    pub evidence: Vec<Oid>,
    pub considered: Vec<Oid>,
    pub denied: Vec<ChangeId>,
    pub denied_keys: BTreeMap<Fingerprint, String>,
    /// How many of the records this host wrote down itself.
    pub believed: u64,
    pub folder: tempfile::TempDir,
}

pub fn instance(name: &str, tier: &str, memory: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Instance\nmetadata:\n  name: {name}\n  labels: {{tier: {tier}}}\nspec:\n  type: shared-saas\n  resources: {{memory: {memory}}}\n"
    )
}

impl Repository {
    pub fn new() -> Self {
        let mut files = Files::new();
        let mut put = |path: &str, text: String| drop(files.insert(path.into(), (PLAIN, text.into_bytes())));
        for (name, tier) in [("a", "silver"), ("b", "silver"), ("c", "silver"), ("g", "gold")] {
            put(&format!("instances/{name}.yaml"), instance(name, tier, "8Gi"));
        }
        put(POLICY_PATH, policy(1));
        put("README.md", "hello\n".into());
        Self::beginning_with(&files)
    }

    /// One whose first commit, signed by alice, holds `files`.
    pub fn beginning_with(files: &Files) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(folder.path()).unwrap();
        let objects = GitObjects::open(folder.path()).unwrap();
        let mut repository = Self {
            git,
            objects,
            files: HashMap::new(),
            first: Oid([0; 20]),
            time: START,
            now: Timestamp::from_second(START + 86_400).unwrap(),
            recorded: Vec::new(),
            evidence: Vec::new(),
            considered: Vec::new(),
            denied: Vec::new(),
            denied_keys: BTreeMap::new(),
            believed: u64::MAX,
            folder,
        };
        repository.first = repository.commit(Some("alice"), &[], files, "Begin\n");
        repository
    }

    pub fn put(&self, kind: git2::ObjectType, raw: &[u8]) -> Oid {
        let oid = self.git.odb().unwrap().write(kind, raw).unwrap();
        Oid::from_bytes(oid.as_bytes()).unwrap()
    }

    /// The raw tree of `files`; a file whose mode is that of a submodule names a commit.
    pub fn tree(&self, files: &Files) -> Oid {
        let mut entries: BTreeMap<Vec<u8>, (i32, String, Oid)> = BTreeMap::new();
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        for (path, (mode, content)) in files {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder.to_owned()).or_default().insert(rest.to_owned(), (*mode, content.clone()));
            } else {
                let oid = self.put(git2::ObjectType::Blob, content);
                entries.insert(path.clone().into_bytes(), (*mode, path.clone(), oid));
            }
        }
        for (folder, files) in folders {
            entries.insert(format!("{folder}/").into_bytes(), (0o040_000, folder.clone(), self.tree(&files)));
        }
        let mut raw = Vec::new();
        for (mode, name, oid) in entries.values() {
            raw.extend_from_slice(format!("{mode:o} {name}\0").as_bytes());
            raw.extend_from_slice(&oid.0);
        }
        self.put(git2::ObjectType::Tree, &raw)
    }

    /// The headers of the next commit, without a signature.
    pub fn headers(&mut self, who: &str, parents: &[Oid], tree: Oid) -> String {
        self.time += 60;
        let parents = parents.iter().fold(String::new(), |text, parent| text + &format!("parent {parent}\n"));
        let ident = format!("{who} <{who}@acme.example> {} +0000", self.time);
        format!("tree {tree}\n{parents}author {ident}\ncommitter {ident}\n")
    }

    pub fn commit(&mut self, who: Option<&str>, parents: &[Oid], files: &Files, message: &str) -> Oid {
        let tree = self.tree(files);
        let headers = self.headers(who.unwrap_or("nobody"), parents, tree);
        let oid = self.put(git2::ObjectType::Commit, &sealed(who, &headers, message));
        self.files.insert(oid, files.clone());
        oid
    }

    pub fn introduction(&self) -> Introduction {
        let policy_sha256 = Digest::of(&self.files[&self.first][POLICY_PATH].1);
        Introduction { repo_id: REPO.into(), git_ref: MAIN.into(), commit: self.first, policy_sha256 }
    }

    pub fn change(&self, base: Oid, rev: Oid) -> ChangeId {
        let mut memory = Memory::default();
        change_id(&mut Session::new(&self.objects, Catalog::standard(), &mut memory), REPO, base, rev).unwrap()
    }

    fn question<'a>(
        &'a self,
        introduction: &'a Introduction,
        recorded: &'a [Acceptance],
        tip: Oid,
        times: Times,
    ) -> Question<'a> {
        Question {
            recorded,
            evidence: &self.evidence,
            considered: &self.considered,
            denied: &self.denied,
            denied_keys: &self.denied_keys,
            believed: self.believed,
            times,
            ..Question::new(introduction, tip, self.now)
        }
    }

    /// Whether `candidate` may come next after the last of `recorded`, with what is said up to `tip`.
    pub fn may_follow(&self, recorded: &[Acceptance], candidate: Oid, tip: Oid) -> bool {
        let introduction = self.introduction();
        let mut memory = Memory::default();
        let mut session = Session::new(&self.objects, Catalog::standard(), &mut memory);
        let base = recorded.last().map_or(self.first, |last| last.commit);
        let accepted = accept(&self.question(&introduction, recorded, base, Times::Clock), &mut session).accepted;
        let question = self.question(&introduction, recorded, tip, Times::Clock);
        preview(&accepted.unwrap(), candidate, &question, &mut session).unwrap().accepted
    }

    pub fn ask(&self, recorded: &[Acceptance], tip: Oid, times: Times) -> Verdict {
        let introduction = self.introduction();
        let question = self.question(&introduction, recorded, tip, times);
        let mut memory = Memory::default();
        accept(&question, &mut Session::new(&self.objects, Catalog::standard(), &mut memory))
    }

    pub fn verdict(&self, tip: Oid) -> Verdict {
        self.ask(&self.recorded, tip, Times::Clock)
    }

    /// Polls: what is accepted is recorded.
    pub fn poll(&mut self, tip: Oid) -> Verdict {
        let verdict = self.verdict(tip);
        self.recorded = verdict.steps().to_vec();
        let fresh: Vec<Oid> = verdict.keep.iter().filter(|oid| !self.evidence.contains(oid)).copied().collect();
        self.evidence.splice(0..0, fresh);
        verdict
    }

    /// A restart with the records says what was said, without the approvals ref and a year later.
    pub fn derives_again(&self, verdict: &Verdict) {
        let Some(accepted) = &verdict.accepted else { return };
        let introduction = self.introduction();
        let now = self.now + jiff::SignedDuration::from_hours(24 * 365);
        let question = Question { recorded: accepted.steps(), ..Question::new(&introduction, accepted.commit(), now) };
        let mut memory = Memory::default();
        let again = accept(&question, &mut Session::new(&self.objects, Catalog::standard(), &mut memory));
        assert!(again.refused.is_none(), "{:?}", again.refused);
        assert_eq!(again.steps(), accepted.steps());
        assert_eq!(again.accepted.map(|again| again.commit()), Some(AcceptedCommit::commit(accepted)));
    }
}

/// A raw commit, signed by `who` if someone signs.
pub fn sealed(who: Option<&str>, headers: &str, message: &str) -> Vec<u8> {
    let Some(who) = who else { return format!("{headers}\n{message}").into_bytes() };
    let armor = armor(who, format!("{headers}\n{message}").as_bytes());
    format!("{headers}gpgsig {}\n\n{message}", armor.replace('\n', "\n ")).into_bytes()
}
