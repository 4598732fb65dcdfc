//! The user's own git, in a work tree of theirs: for signing, committing, pushing. Their agents,
//! tokens and configuration do the work; we only say what.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// git failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It cannot be run.
    #[error("git cannot be run")]
    Run(#[source] std::io::Error),
    /// It says no.
    #[error("git {command} failed: {said}")]
    Failed {
        /// The subcommand.
        command: String,
        /// What it said.
        said: String,
    },
}

/// git in one folder.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
}

impl Git {
    /// git in `folder`.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What a configuration key is set to, if it is.
    pub fn config(&self, key: &str) -> Option<String> {
        self.run(&["config", "--get", key]).ok().filter(|value| !value.is_empty())
    }

    /// The commit that `rev` names, if it names one.
    pub fn commit(&self, rev: &str) -> Option<String> {
        self.run(&["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{rev}^{{commit}}")]).ok()
    }

    /// Makes a signed commit of `tree` on `parent`, without touching a work tree, an index or a branch.
    pub fn signed_commit(&self, tree: &str, parent: &str, message: &str) -> Result<String, GitError> {
        let file = tempfile::NamedTempFile::new().map_err(GitError::Run)?;
        std::fs::write(file.path(), message).map_err(GitError::Run)?;
        let path = file.path().display().to_string();
        self.run(&["commit-tree", "-S", tree, "-p", parent, "-F", &path])
    }

    /// Makes a branch that is not there yet.
    pub fn new_branch(&self, name: &str, commit: &str, why: &str) -> Result<(), GitError> {
        let nothing = "0".repeat(40);
        self.run(&["update-ref", "-m", why, &format!("refs/heads/{name}"), commit, &nothing]).map(drop)
    }

    /// Runs it and gives what it printed, without the last newline. A terminal stays connected, so
    /// that a token can ask for its PIN.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Result<String, GitError> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::inherit())
            .output()
            .map_err(GitError::Run)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let command = arguments.first().map(|first| first.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        Err(GitError::Failed { command, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }
}
