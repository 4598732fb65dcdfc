//! A bare, packed repository with a fleet, and signed commits on top of it that change one instance,
//! the channel, or every instance at once.

use super::documents::{self, CHANNEL, PROFILE};
use super::signing::{Person, REPO_ID, people};
use pintle::source::GitObjects;
use pintle_core::change::{Digest, Oid};
use pintle_core::trust::Introduction;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The repository.
pub struct Fleet {
    pub path: PathBuf,
    pub size: usize,
    /// Bytes of all documents.
    pub bytes: usize,
    /// The first commit.
    pub base: Oid,
    /// Each changes one more instance than the one before.
    pub edits: Vec<Oid>,
    /// `base` with another channel target.
    pub channel: Oid,
    /// On the last edit, one on the other: the profile changes, and every instance with it.
    pub waves: Vec<Oid>,
}

const WAVES: usize = 3;
const SECOND: i64 = 1_750_000_000;

impl Fleet {
    /// Makes it in `path`.
    pub fn make(path: &Path, size: usize, edits: usize) -> Self {
        git(path, &["init", "--quiet", "--bare", "--initial-branch=main", path.to_str().unwrap()]);
        let mut files = documents::platform(size);
        files.extend((0..size).map(|at| (documents::path(at), documents::instance(at, 0))));
        let bytes = files.iter().map(|(_, text)| text.len()).sum();
        fast_import(path, &stream(&files, size, edits));
        git(path, &["repack", "-adq"]);
        let mut signed = Signed::open(path);
        let base = signed.commit("base", None);
        let channel = signed.commit("channel", Some(base));
        let mut last = base;
        let mut next = |signed: &mut Signed, name: String| {
            last = signed.commit(&name, Some(last));
            ours(last)
        };
        let edits = (0..edits).map(|at| next(&mut signed, format!("edit-{at}"))).collect();
        let waves = (0..WAVES).map(|at| next(&mut signed, format!("wave-{at}"))).collect();
        git(path, &["update-ref", "refs/heads/main", &base.to_string()]);
        Self { path: path.to_owned(), size, bytes, base: ours(base), edits, channel: ours(channel), waves }.named()
    }

    fn named(self) -> Self {
        // Keeps every commit reachable, so that nothing prunes it.
        for (at, oid) in self.edits.iter().chain(&self.waves).chain([&self.channel]).enumerate() {
            git(&self.path, &["update-ref", &format!("refs/bench/{at}"), &oid.to_string()]);
        }
        self
    }

    pub fn objects(&self) -> Arc<GitObjects> {
        Arc::new(GitObjects::open(&self.path).unwrap())
    }

    /// The introduction at `commit`.
    pub fn introduction(commit: Oid) -> Introduction {
        Introduction {
            repo_id: REPO_ID.into(),
            git_ref: "refs/heads/main".into(),
            commit,
            policy_sha256: Digest::of(super::signing::policy().as_bytes()),
        }
    }

    /// The blobs of `base`, a line each.
    pub fn blobs(&self) -> String {
        git(&self.path, &["ls-tree", "-r", "--format=%(objectname)", &self.base.to_string()])
    }
}

/// What the edits and waves are called on the way in: unsigned commits on refs of their own.
fn stream(files: &[(String, String)], size: usize, edits: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(files.len() * 800);
    let mut commit = |name: &str, from: &str, files: &[(String, String)]| {
        write!(
            out,
            "commit refs/unsigned/{name}\ncommitter Bench <bench@bench.example> {SECOND} +0000\ndata 0\n{from}"
        )
        .unwrap();
        for (path, text) in files {
            write!(out, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
        }
        writeln!(out).unwrap();
    };
    let from = |name: &str| format!("from refs/unsigned/{name}\n");
    commit("base", "", files);
    commit("channel", &from("base"), &[(CHANNEL.to_owned(), documents::channel("4.6.1"))]);
    let mut last = "base".to_owned();
    for at in 0..edits {
        let instance = at * size / edits;
        commit(
            &format!("edit-{at}"),
            &from(&last),
            &[(documents::path(instance), documents::instance(instance, 1 + at / size))],
        );
        last = format!("edit-{at}");
    }
    for at in 0..WAVES {
        commit(&format!("wave-{at}"), &from(&last), &[(PROFILE.to_owned(), documents::profile(31 + at))]);
        last = format!("wave-{at}");
    }
    out
}

pub fn fast_import(path: &Path, stream: &[u8]) {
    let mut child =
        Command::new("git").args(["fast-import", "--quiet"]).current_dir(path).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Signs what fast-import brought.
struct Signed {
    repository: git2::Repository,
    people: Vec<Person>,
    count: usize,
}

impl Signed {
    fn open(path: &Path) -> Self {
        Self { repository: git2::Repository::open_bare(path).unwrap(), people: people(), count: 0 }
    }

    fn commit(&mut self, name: &str, parent: Option<git2::Oid>) -> git2::Oid {
        let tree =
            self.repository.find_reference(&format!("refs/unsigned/{name}")).unwrap().peel_to_tree().unwrap().id();
        let person = &self.people[self.count % self.people.len()];
        self.count += 1;
        let raw = person.commit(tree, parent, SECOND + self.count as i64, &format!("{name}\n"));
        self.repository.odb().unwrap().write(git2::ObjectType::Commit, &raw).unwrap()
    }
}

pub fn ours(oid: git2::Oid) -> Oid {
    Oid::from_bytes(oid.as_bytes()).unwrap()
}

/// git in `folder`; what it printed.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let output = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
