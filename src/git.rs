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

    /// Runs it and gives what it printed, without the last newline. A terminal stays connected, so
    /// that a token can ask for its PIN.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Result<String, GitError> {
        let output = Command::new("git").args(arguments).current_dir(&self.folder).stdin(Stdio::inherit()).output().map_err(GitError::Run)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let command = arguments.first().map(|first| first.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        Err(GitError::Failed { command, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }
}
