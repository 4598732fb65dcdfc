//! The bare mirror: explicit refspecs, no tags, no submodules, no hooks, objects checked on arrival.
//! Fetched by the user's own git, so that ssh and credential set-ups work.
//! `refs/replace` is never fetched, because no refspec names it, and git is told to heed none.

use super::fetch::{Git, Listed, MAX_FETCH_BYTES};
use super::objects::{APPROVALS, GitObjects, approvals_of};
use super::remains::forget_remains;
use pintle_core::change::Oid;
use pintle_core::trust::ObjectLimits;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long one fetch may take; and, where the branch and the approvals cannot be had together, the
/// branch alone and then the approvals one by one.
const FETCH_LIMIT: Duration = Duration::from_mins(1);
const TIP: &str = "refs/pintle/tip";
/// Files that make git or libgit2 see other parents, or objects of another repository.
const ODD_FILES: [&str; 4] = ["shallow", "info/grafts", "objects/info/alternates", "objects/info/http-alternates"];

/// Fetching failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// git cannot be run.
    #[error("git cannot be run")]
    Run(#[source] std::io::Error),
    /// git says no.
    #[error("git {what} failed: {message}")]
    Git {
        /// Which command.
        what: &'static str,
        /// The last line it said.
        message: String,
    },
    /// No answer in time.
    #[error("git gave no answer in time; a fetch may take {} s", FETCH_LIMIT.as_secs())]
    TimedOut,
    /// More than one fetch may write.
    #[error("git {what} would write more than {limit} bytes to one file; --max-fetch-bytes raises the limit")]
    TooLarge {
        /// Which command.
        what: &'static str,
        /// What it may write.
        limit: u64,
    },
    /// A file by which the mirror shows another history than was fetched.
    #[error(
        "{} makes the mirror show what was not fetched; move the mirror folder away, it is made again",
        .file.display()
    )]
    Odd {
        /// The file.
        file: PathBuf,
    },
    /// The mirror cannot be read.
    #[error("the mirror cannot be read")]
    Mirror(#[source] git2::Error),
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The tip of the watched ref.
    pub tip: Oid,
    /// The tips under the approvals refs, each once.
    pub evidence: Vec<Oid>,
}

/// A mirror of one ref of one repository.
pub struct Mirror {
    pub(super) folder: PathBuf,
    pub(super) url: String,
    git_ref: String,
    max_fetch_bytes: u64,
    /// Approvals that could not be fetched, and how often. No more than one listing names.
    pub(super) failed: Mutex<HashMap<Listed, u32>>,
}

impl Mirror {
    /// Opens or makes the mirror in `folder`.
    pub async fn open(folder: &Path, url: &str, git_ref: &str) -> Result<Self, FetchError> {
        let mirror = Self {
            folder: folder.to_owned(),
            url: url.to_owned(),
            git_ref: git_ref.to_owned(),
            max_fetch_bytes: MAX_FETCH_BYTES,
            failed: Mutex::default(),
        };
        forget_remains(&mirror.folder);
        if !folder.join("HEAD").exists() {
            std::fs::create_dir_all(folder).map_err(FetchError::Run)?;
            let init = ["init", "--quiet", "--bare", "--template=", "."];
            mirror.git().run("init", &init, Instant::now() + FETCH_LIMIT).await?;
        }
        mirror.refuse_odd()?;
        Ok(mirror)
    }

    /// The same, with another limit on what a fetch may write to one file.
    #[must_use]
    pub fn within(self, max_fetch_bytes: u64) -> Self {
        Self { max_fetch_bytes, ..self }
    }

    /// Fetches the ref and the approvals.
    pub async fn fetch(&self) -> Result<Fetched, FetchError> {
        let tip = format!("+{}:{TIP}", self.git_ref);
        let approvals = format!("+{APPROVALS}*:{APPROVALS}*");
        if let Err(error) = self.fetch_refs(&[&tip, &approvals], Instant::now() + FETCH_LIMIT).await {
            // One bad approval, which anybody who may push can leave there, must hold neither the
            // branch nor the other approvals. The branch has its own time: the first may be used up.
            let deadline = Instant::now() + FETCH_LIMIT;
            self.fetch_refs(&[&tip], deadline).await?;
            tracing::warn!(%error, "the approvals refs cannot be fetched together: {error}");
            if let Err(error) = self.fetch_approvals(deadline).await {
                tracing::warn!(%error, "new approvals are left for the next fetch: {error}");
            }
        }
        self.refuse_odd()?;
        self.fetched().map_err(FetchError::Mirror)
    }

    pub(super) async fn fetch_refs(&self, refspecs: &[&str], deadline: Instant) -> Result<(), FetchError> {
        let mut arguments = vec![
            // Named, so that git looks for no other repository above a mirror that is broken.
            "--git-dir=.",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--prune",
            "--refmap=",
            "--",
            &self.url,
        ];
        arguments.extend_from_slice(refspecs);
        let fetched = self.git().run("fetch", &arguments, deadline).await;
        if fetched.is_err() {
            forget_remains(&self.folder);
        }
        fetched.map(drop)
    }

    /// What the last fetch brought.
    pub fn fetched(&self) -> Result<Fetched, git2::Error> {
        self.refuse_odd().map_err(|error| git2::Error::from_str(&error.to_string()))?;
        let repository = git2::Repository::open_bare(&self.folder)?;
        let tip = Oid::from_bytes(repository.refname_to_id(TIP)?.as_bytes())
            .ok_or_else(|| git2::Error::from_str("not a SHA-1 object id"))?;
        Ok(Fetched { tip, evidence: approvals_of(&repository)? })
    }

    /// The mirror's objects.
    pub fn objects(&self, limits: ObjectLimits) -> Result<Arc<GitObjects>, git2::Error> {
        GitObjects::open(&self.folder).map(|objects| Arc::new(objects.with_limits(limits)))
    }

    pub(super) fn git(&self) -> Git<'_> {
        Git { folder: &self.folder, max_fetch_bytes: self.max_fetch_bytes }
    }

    /// Refuses a mirror that somebody grafted or made shallow, or that borrows objects. A fetch does
    /// none of it: from a shallow remote it takes only what is whole.
    fn refuse_odd(&self) -> Result<(), FetchError> {
        let mut files = ODD_FILES.iter().map(|name| self.folder.join(name));
        match files.find(|file| file.symlink_metadata().is_ok()) {
            Some(file) => Err(FetchError::Odd { file }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// A repository that is watched, and where its mirror is.
    struct Remote(tempfile::TempDir);

    impl Remote {
        fn new() -> Self {
            let remote = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir(remote.0.path().join("remote")).unwrap();
            remote.git(&["init", "--quiet", "--initial-branch=main"]);
            remote.git(&["commit", "--quiet", "--allow-empty", "--message=first"]);
            remote
        }

        fn git(&self, arguments: &[&str]) -> String {
            let output = Command::new("git")
                .args(["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgSign=false"])
                .args(arguments)
                .current_dir(self.0.path().join("remote"))
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }

        /// Hashes `bytes` as they are, whatever git thinks of them.
        fn object(&self, kind: &str, bytes: &[u8]) -> String {
            let file = self.0.path().join("object");
            std::fs::write(&file, bytes).unwrap();
            self.git(&["hash-object", "-t", kind, "-w", "--literally", file.to_str().unwrap()])
        }

        /// A tree of one empty file under each of `names`, in that order.
        fn tree(&self, names: [&str; 2]) -> String {
            let blob = hex::decode(self.object("blob", b"")).unwrap();
            let entries = names.map(|name| [format!("100644 {name}\0").as_bytes(), &blob].concat());
            self.object("tree", &entries.concat())
        }

        fn commit(&self, tree: &str, author: &str) -> String {
            let text = format!("tree {tree}\nauthor {author}\ncommitter {author}\n\nmessage\n");
            self.object("commit", text.as_bytes())
        }

        async fn mirror(&self) -> Mirror {
            let url = self.0.path().join("remote").display().to_string();
            Mirror::open(&self.0.path().join("mirror.git"), &url, "refs/heads/main").await.unwrap()
        }
    }

    fn names(fetched: &Fetched) -> Vec<String> {
        fetched.evidence.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn one_bad_approval_keeps_none_of_the_others_away() {
        let remote = Remote::new();
        let tree = remote.git(&["rev-parse", "HEAD^{tree}"]);
        let (good, later) = (remote.commit(&tree, "a <a@b> 1 +0000"), remote.commit(&tree, "a <a@b> 2 +0000"));
        let bad = remote.commit(&remote.tree(["x", "x"]), "a <a@b> 3 +0000");
        for (name, oid) in [("a", &bad), ("b", &good), ("c", &later), ("d", &later)] {
            remote.git(&["update-ref", &format!("refs/pintle/approvals/{name}"), oid]);
        }
        let mirror = remote.mirror().await;
        let mut both = vec![good, later.clone()];
        both.sort();
        assert_eq!(names(&mirror.fetch().await.unwrap()), both);
        assert_eq!(mirror.failed.lock().unwrap().values().copied().collect::<Vec<_>>(), [1]);
        remote.git(&["update-ref", "-d", "refs/pintle/approvals/b"]);
        assert_eq!(names(&mirror.fetch().await.unwrap()), [later]);
        assert_eq!(mirror.failed.lock().unwrap().values().copied().collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn old_author_lines_keep_no_branch_away_and_a_bad_tree_does() {
        let remote = Remote::new();
        let tree = remote.git(&["rev-parse", "HEAD^{tree}"]);
        let mirror = remote.mirror().await;
        for author in ["a <a@b> 1 +000000", "a <a@b>1 +0000", "a 1 +0000", "a <a@b> 01 +0000", "a <a<b> x +0000"] {
            let odd = remote.commit(&tree, author);
            remote.git(&["update-ref", "refs/heads/main", &odd]);
            assert_eq!(mirror.fetch().await.unwrap().tip.to_string(), odd, "{author}");
        }
        let bad = remote.commit(&remote.tree(["y", "x"]), "a <a@b> 4 +0000");
        remote.git(&["update-ref", "refs/heads/main", &bad]);
        assert!(mirror.fetch().await.is_err_and(|error| error.to_string().contains("treeNotSorted")));
    }

    #[tokio::test]
    async fn a_fetch_beyond_its_limit_leaves_nothing() {
        let remote = Remote::new();
        let mut noise = vec![0; 3 << 20];
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut noise).unwrap();
        std::fs::write(remote.0.path().join("remote/noise"), noise).unwrap();
        remote.git(&["add", "noise"]);
        remote.git(&["commit", "--quiet", "--message=noise"]);
        let mirror = remote.mirror().await.within(1 << 20);
        assert!(matches!(mirror.fetch().await, Err(FetchError::TooLarge { .. })));
        let objects = mirror.folder.join("objects");
        let left = std::fs::read_dir(&objects).unwrap().flatten().flat_map(|folder| std::fs::read_dir(folder.path()));
        assert_eq!(left.flatten().flatten().map(|file| file.path()).collect::<Vec<_>>(), Vec::<PathBuf>::new());
        assert!(mirror.within(MAX_FETCH_BYTES).fetch().await.is_ok());
    }

    #[tokio::test]
    async fn a_mirror_that_was_grafted_is_refused() {
        let remote = Remote::new();
        let mirror = remote.mirror().await;
        mirror.fetch().await.unwrap();
        std::fs::create_dir_all(mirror.folder.join("info")).unwrap();
        std::fs::write(mirror.folder.join("info/grafts"), "").unwrap();
        assert!(matches!(mirror.fetch().await, Err(FetchError::Odd { .. })));
        assert!(mirror.fetched().is_err_and(|error| error.message().contains("info/grafts")));
    }
}
