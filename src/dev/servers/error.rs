//! What can go wrong while private servers start, run and stop.
//!
//! Owns the one error of this module. Refuses sources in messages, except a dead server's log:
//! the log is the only place that says why it died.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why a private server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Programs are absent; the message is one line that says what to install.
    #[error(
        "{} not found on PATH or in Debian's directories; install with: apt-get install postgresql redis-server",
        names.join(", ")
    )]
    MissingBinaries {
        /// The absent programs.
        names: Vec<&'static str>,
    },
    /// We are root and neither `postgres` nor `nobody` exists to run the servers as.
    #[error("servers refuse to run as root, and there is no user `postgres` or `nobody` to run them as")]
    NoUnprivilegedUser,
    /// The account database could not be read, or does not name a user id.
    #[error("cannot find the name of user id {uid}")]
    UnknownUser {
        /// The user id looked up.
        uid: u32,
    },
    /// The unprivileged user cannot pass a directory that is not ours to open.
    #[error("user `{user}` cannot pass through {}; use a directory it can reach", directory.display())]
    Blocked {
        /// The user the servers run as.
        user: String,
        /// The directory in the way.
        directory: PathBuf,
    },
    /// Another live set of servers holds the directory.
    #[error("{} is in use by another process", directory.display())]
    InUse {
        /// The directory asked for.
        directory: PathBuf,
    },
    /// A file or directory could not be prepared.
    #[error("cannot {operation} {}", path.display())]
    Prepare {
        /// What was attempted, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program could not be executed.
    #[error("cannot start {program}")]
    Spawn {
        /// The program.
        program: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A signal could not be sent.
    #[error("cannot signal {program}")]
    Signal {
        /// The program.
        program: &'static str,
        /// Why it failed.
        #[source]
        source: nix::errno::Errno,
    },
    /// The state of a child process could not be read.
    #[error("cannot wait for {program}")]
    Wait {
        /// The program.
        program: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program ended on its own.
    #[error("{program} ended ({status}); its log ends with:\n{log}")]
    Ended {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// A program did not get where it should in time.
    #[error("{program} was not {awaited} after {deadline_s} s; its log ends with:\n{log}")]
    Late {
        /// The program.
        program: &'static str,
        /// What was awaited.
        awaited: &'static str,
        /// How long we waited.
        deadline_s: u64,
        /// The last lines of its log.
        log: String,
    },
}

/// Names the operation and path of a failed file operation.
pub(super) fn cannot(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ServerError {
    move |source| ServerError::Prepare { operation, path: path.to_owned(), source }
}
