//! The bare mirror: explicit refspecs, no tags, no submodules, no hooks, objects checked on arrival.
//! Fetched by the user's own git, so that ssh and credential set-ups work.

use super::GitObjects;
use pintle_core::change::Oid;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

/// How long one fetch may take.
const FETCH_LIMIT: Duration = Duration::from_mins(1);
/// Folders of refs that are looked through for locks.
const MAX_FOLDERS: usize = 1_000;
const TIP: &str = "refs/pintle/tip";
const APPROVALS: &str = "refs/pintle/approvals/";

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
    #[error("git fetch gave no answer within {} s", FETCH_LIMIT.as_secs())]
    TimedOut,
    /// The mirror cannot be read.
    #[error("the mirror cannot be read")]
    Mirror(#[source] git2::Error),
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The tip of the watched ref.
    pub tip: Oid,
    /// The tips under the approvals refs.
    pub evidence: Vec<Oid>,
}

/// A mirror of one ref of one repository.
pub struct Mirror {
    folder: PathBuf,
    url: String,
    git_ref: String,
}

impl Mirror {
    /// Opens or makes the mirror in `folder`.
    pub async fn open(folder: &Path, url: &str, git_ref: &str) -> Result<Self, FetchError> {
        let mirror = Self { folder: folder.to_owned(), url: url.to_owned(), git_ref: git_ref.to_owned() };
        mirror.forget_locks();
        if !folder.join("HEAD").exists() {
            mirror.git("init", &["init", "--quiet", "--bare", "--template=", "."], true).await?;
        }
        Ok(mirror)
    }

    /// Removes what a git that was killed leaves: with a lock on a ref in its way no fetch would ever
    /// succeed again. The mirror is ours alone, and nothing fetches before it is opened.
    fn forget_locks(&self) {
        let mut folders = vec![self.folder.clone(), self.folder.join("refs/pintle")];
        let mut seen = 0;
        while let Some(folder) = folders.pop().filter(|_| seen < MAX_FOLDERS) {
            seen += 1;
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "lock") {
                    tracing::warn!(path = %path.display(), "removing a lock that a killed git left: {}", path.display());
                    let _ = std::fs::remove_file(&path);
                } else if path.is_dir() && folder != self.folder {
                    folders.push(path);
                }
            }
        }
    }

    /// Fetches the ref and the approvals.
    pub async fn fetch(&self) -> Result<Fetched, FetchError> {
        let tip = format!("+{}:{TIP}", self.git_ref);
        let approvals = format!("+{APPROVALS}*:{APPROVALS}*");
        if let Err(error) = self.fetch_refs(&[&tip, &approvals]).await {
            // One bad approval, which anybody who may push can leave there, must not hold the branch.
            self.fetch_refs(&[&tip]).await?;
            tracing::warn!(%error, "the approvals refs cannot be fetched: {error}");
        }
        self.fetched().map_err(FetchError::Mirror)
    }

    async fn fetch_refs(&self, refspecs: &[&str]) -> Result<(), FetchError> {
        let mut arguments = vec![
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "fetch.fsckObjects=true",
            "-c",
            "protocol.ext.allow=never",
            "-c",
            "gc.auto=0",
            "-c",
            "http.lowSpeedLimit=1000",
            "-c",
            "http.lowSpeedTime=20",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--prune",
            "--refmap=",
            &self.url,
        ];
        arguments.extend_from_slice(refspecs);
        let fetched = tokio::time::timeout(FETCH_LIMIT, self.git("fetch", &arguments, false)).await;
        if fetched.is_err() {
            self.forget_locks();
        }
        fetched.map_err(|_| FetchError::TimedOut)?
    }

    /// What the last fetch brought.
    pub fn fetched(&self) -> Result<Fetched, git2::Error> {
        let repository = git2::Repository::open_bare(&self.folder)?;
        let oid = |id: git2::Oid| {
            Oid::from_bytes(id.as_bytes()).ok_or_else(|| git2::Error::from_str("not a SHA-1 object id"))
        };
        let tip = oid(repository.refname_to_id(TIP)?)?;
        let mut evidence = Vec::new();
        for reference in repository.references_glob(&format!("{APPROVALS}*"))? {
            if let Some(target) = reference?.target() {
                evidence.push(oid(target)?);
            }
        }
        evidence.sort();
        Ok(Fetched { tip, evidence })
    }

    /// The mirror's objects.
    pub fn objects(&self) -> Result<Arc<GitObjects>, git2::Error> {
        GitObjects::open(&self.folder).map(Arc::new)
    }

    async fn git(&self, what: &'static str, arguments: &[&str], make: bool) -> Result<(), FetchError> {
        if make {
            std::fs::create_dir_all(&self.folder).map_err(FetchError::Run)?;
        }
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(FetchError::Run)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(FetchError::Git { what, message: reason(&said) })
    }
}

/// Why git failed: its first `fatal:` line and what was said right before it. Below stands advice.
fn reason(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = lines.iter().position(|line| line.starts_with("fatal:")).map_or(lines.len(), |at| at + 1);
    match &lines[end.saturating_sub(2)..end] {
        [] => "no reason given".to_owned(),
        last => last.join("; ").chars().filter(|c| !c.is_control()).take(300).collect(),
    }
}
