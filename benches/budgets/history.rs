//! A history of signed commits, each changing one instance of a small fleet.

use super::documents;
use super::fleet::{fast_import, git, ours};
use super::signing::{allowed_signers, people};
use pintle_core::change::Oid;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const INSTANCES: usize = 25;
const SECOND: i64 = 1_750_000_000;

/// The repository.
pub struct History {
    pub path: PathBuf,
    /// Oldest first.
    pub commits: Vec<Oid>,
}

impl History {
    pub fn make(path: &Path, length: usize) -> Self {
        git(path, &["init", "--quiet", "--bare", "--initial-branch=main", path.to_str().unwrap()]);
        fast_import(path, &stream(length));
        let trees = git(path, &["log", "--reverse", "--format=%T", "refs/unsigned/main"]);
        let commits = sign(path, trees.lines());
        git(path, &["update-ref", "refs/heads/main", &commits.last().unwrap().to_string()]);
        git(path, &["update-ref", "-d", "refs/unsigned/main"]);
        git(path, &["repack", "-adq"]);
        let signers = path.join("allowed_signers");
        std::fs::write(&signers, allowed_signers()).unwrap();
        git(path, &["config", "gpg.format", "ssh"]);
        git(path, &["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()]);
        Self { path: path.to_owned(), commits }
    }
}

fn stream(length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for at in 0..length {
        let files = match at {
            0 => documents::platform(INSTANCES)
                .into_iter()
                .chain((0..INSTANCES).map(|at| (documents::path(at), documents::instance(at, 0))))
                .collect(),
            // Another memory each time: every commit is a change.
            _ => vec![(documents::path(at % INSTANCES), documents::instance(at % INSTANCES, 1 + at % 64))],
        };
        write!(out, "commit refs/unsigned/main\ncommitter Bench <bench@bench.example> {SECOND} +0000\ndata 0\n")
            .unwrap();
        for (path, text) in files {
            write!(out, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
        }
        writeln!(out).unwrap();
    }
    out
}

/// Signs a chain of commits over `trees` and puts it into the repository as one pack.
fn sign<'t>(path: &Path, trees: impl Iterator<Item = &'t str>) -> Vec<Oid> {
    let (repository, people) = (git2::Repository::open_bare(path).unwrap(), people());
    let odb = repository.odb().unwrap();
    let memory = odb.add_new_mempack_backend(1000).unwrap();
    let (mut parent, mut commits) = (None, Vec::new());
    for (at, tree) in trees.enumerate() {
        let raw = people[at % people.len()].commit(
            tree.parse().unwrap(),
            parent,
            SECOND + at as i64,
            &format!("Change {at}\n"),
        );
        let oid = odb.write(git2::ObjectType::Commit, &raw).unwrap();
        parent = Some(oid);
        commits.push(ours(oid));
    }
    let mut pack = git2::Buf::new();
    memory.dump(&repository, &mut pack).unwrap();
    let mut child = Command::new("git")
        .args(["index-pack", "--stdin", "--fix-thin"])
        .current_dir(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&pack).unwrap();
    assert!(child.wait().unwrap().success());
    commits
}
