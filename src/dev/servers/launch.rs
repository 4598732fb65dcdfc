//! How a server process is started.
//!
//! Owns the promise that it does not outlive us: if we are killed, the kernel signals it. Its own
//! process group keeps a terminal's Ctrl-C for the caller. Refuses to pass on our environment.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::account::Account;
use super::error::cannot;
use super::log::fresh;
use super::process::Running;
use super::{ServerError, binaries, keeper};

/// How to start a program.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: &'static str,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) log: PathBuf,
    pub(super) account: Account,
    /// Sent when this process dies or drops the server: must end it at once, without loss.
    pub(super) farewell: Signal,
}

impl Launch {
    pub(super) fn start(&self) -> Result<Running, ServerError> {
        let log = fresh(&self.log).map_err(cannot("write", &self.log))?;
        let command = self.command(log).map_err(cannot("write", &self.log))?;
        let spawned = keeper::spawn(command);
        let child = spawned.map_err(|source| ServerError::Spawn { program: self.program, source })?;
        tracing::debug!(program = self.program, pid = child.id(), "private server started");
        Ok(Running { program: self.program, child, log: self.log.clone(), farewell: self.farewell })
    }

    fn command(&self, log: File) -> io::Result<Command> {
        let mut command = self.tied_to_us();
        command.args(&self.arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        self.account.apply(&mut command);
        Ok(command)
    }

    /// `setpriv` asks the kernel for a signal at our death, then becomes the program itself.
    fn tied_to_us(&self) -> Command {
        let Some(setpriv) = binaries::find_setpriv() else {
            tracing::warn!(program = self.program, "setpriv not found: the server outlives a killed parent");
            return Command::new(&self.path);
        };
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", self.farewell.as_str(), "--"]).arg(&self.path);
        command
    }
}
