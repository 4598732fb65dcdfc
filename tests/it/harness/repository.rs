//! A signed repository: real git, real keys, one work tree.

use super::person;
use pintle::source::GitObjects;
use pintle_core::change::{ChangeId, Digest, Oid};
use pintle_core::model::Catalog;
use pintle_core::trust::{Memory, Session, Statement, Trailer, Word, change_id, message_of};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everyone may change anything alone, but an instance takes two, and the policy is Alice's.
const POLICY: &str = "version: 1
repoId: {repo_id}
people:
  alice: {email: alice@it.example, keys: [{key: \"{alice}\"}]}
  bob: {email: bob@it.example, keys: [{key: \"{bob}\"}]}
  carol: {email: carol@it.example, keys: [{key: \"{carol}\"}]}
groups: {root: [alice], all: [alice, bob, carol]}
rules:
  - {name: trust, match: {paths: [\".pintle/**\"]}, approvals: 1, from: [root]}
  - {name: instances, match: {kind: Instance}, approvals: 2, from: [all], reach: false}
  - {name: rest, match: {otherwise: true}, approvals: 1, from: [all], implicit: true}
";

/// What a daemon is told about the repository.
#[derive(Debug, Clone)]
pub struct Introduced {
    pub repo_id: String,
    pub commit: String,
    pub policy: String,
}

/// A repository on disk.
pub struct Repository {
    pub path: PathBuf,
    pub introduced: Introduced,
}

impl Repository {
    /// A new one in `path`: the policy and `files`, signed by Alice.
    pub fn new(path: PathBuf, files: &[(&str, String)]) -> Self {
        let repo_id = uuid::Uuid::new_v4().to_string();
        let policy = ["alice", "bob", "carol"].iter().fold(POLICY.replace("{repo_id}", &repo_id), |text, name| {
            text.replace(&format!("{{{name}}}"), &person(name).public_key)
        });
        let mut repository = Self::unborn(path, repo_id);
        repository.write(".pintle/trust.yaml", &policy);
        for (name, text) in files {
            repository.write(name, text);
        }
        repository.introduce();
        repository
    }

    /// One without a commit.
    pub fn unborn(path: PathBuf, repo_id: String) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        let introduced = Introduced { repo_id, commit: String::new(), policy: String::new() };
        let repository = Self { path, introduced };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "gpg.format", "ssh"]);
        repository
    }

    /// Makes everything written so far the first trusted commit.
    pub fn introduce(&mut self) {
        let policy = std::fs::read(self.path.join(".pintle/trust.yaml")).unwrap();
        self.introduced.commit = self.commit("alice", "Begin");
        self.introduced.policy = Digest::of(&policy).to_string();
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args(arguments)
            .current_dir(&self.path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        git
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path.join(name)).unwrap();
    }

    /// Commits everything, signed by `who`.
    pub fn commit(&self, who: &str, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.commit_with(who, subject, &["--gpg-sign"])
    }

    /// Commits everything without a signature.
    pub fn commit_unsigned(&self, who: &str, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.commit_with(who, subject, &["--no-gpg-sign"])
    }

    fn commit_with(&self, who: &str, message: &str, flags: &[&str]) -> String {
        let signer = person(who);
        let name = format!("user.name={}", signer.person);
        let email = format!("user.email={}", signer.email);
        let key = format!("user.signingKey={}", signer.signing_key);
        let fixed = ["-c", &name, "-c", &email, "-c", &key, "commit", "--quiet", "--allow-empty", "--message", message];
        self.git(&[&fixed[..], flags].concat());
        self.head()
    }

    /// Writes one file and commits it, signed by `who`.
    pub fn change(&self, who: &str, name: &str, text: &str) -> String {
        self.write(name, text);
        self.commit(who, &format!("Change {name}"))
    }

    /// The same, committed at another moment.
    pub fn say_at(&self, who: &str, message: &str, at: &str) -> String {
        let signer = person(who);
        let (name, email) = (format!("user.name={}", signer.person), format!("user.email={}", signer.email));
        let key = format!("user.signingKey={}", signer.signing_key);
        let fixed = ["-c", &name, "-c", &email, "-c", &key, "commit", "--quiet", "--allow-empty", "--gpg-sign"];
        let mut git = self.command(&[&fixed[..], &["--message", message]].concat());
        assert!(git.env("GIT_COMMITTER_DATE", at).status().unwrap().success());
        self.head()
    }

    /// Whether the object is there.
    pub fn has(&self, oid: &str) -> bool {
        self.command(&["cat-file", "-e", oid]).output().unwrap().status.success()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Approves the change from `base` to HEAD by an empty signed commit.
    pub fn approve(&self, who: &str, base: &str) -> String {
        self.commit_with(who, &self.approval(base), &["--gpg-sign"])
    }

    /// The message that approves the change from `base` to HEAD.
    pub fn approval(&self, base: &str) -> String {
        let objects = GitObjects::open(&self.path).unwrap();
        let mut memory = Memory::default();
        let mut session = Session::new(&objects, Catalog::standard(), &mut memory);
        let (base, head): (Oid, Oid) = (base.parse().unwrap(), self.head().parse().unwrap());
        let change = change_id(&mut session, &self.introduced.repo_id, base, head).unwrap();
        self.statement(Word::Approve, base, change)
    }

    /// The message that says `word` about `change`, seen from `base`.
    pub fn statement(&self, word: Word, base: Oid, change: ChangeId) -> String {
        let mut statement = Statement::new(word, self.introduced.repo_id.as_str(), "refs/heads/main", base, change);
        statement.reason = (word == Word::BreakGlass).then(|| "it burns".into());
        message_of(&Trailer::Statement(statement), "About the change")
    }

    /// Sets git up to sign as `who` in this repository.
    pub fn sign_as(&self, who: &str) {
        let signer = person(who);
        for (setting, value) in
            [("user.name", &signer.person), ("user.email", &signer.email), ("user.signingKey", &signer.signing_key)]
        {
            self.git(&["config", setting, value]);
        }
    }

    /// Commits with a message of the test's own, signed by `who`.
    pub fn say(&self, who: &str, message: &str) -> String {
        self.commit_with(who, message, &["--gpg-sign"])
    }
}
