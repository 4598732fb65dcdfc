//! One running server process: awaited, signalled, reaped.
//!
//! Owns the child; dropped, it ends it. Refuses to know which server it is.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep;

use super::ServerError;
use super::log::tail;

/// How often a starting or ending process is looked at.
pub(super) const POLL: Duration = Duration::from_millis(20);
const DROP_PATIENCE: Duration = Duration::from_secs(2);
const CRASH_PATIENCE: Duration = Duration::from_secs(5);

/// A program that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) program: &'static str,
    pub(super) child: Child,
    pub(super) log: PathBuf,
    pub(super) farewell: Signal,
}

impl Running {
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(), ServerError> {
        kill(self.pid(), signal).map_err(|source| ServerError::Signal { program: self.program, source })
    }

    /// Polls `probe` until it holds; fails at once if the process ends.
    pub(super) async fn ready(&mut self, patience: Duration, probe: impl AsyncFn() -> bool) -> Result<(), ServerError> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                return Err(self.ended_with(status));
            }
            // A probe that hangs must not outlive the deadline.
            if tokio::time::timeout(POLL * 10, probe()).await.unwrap_or(false) {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(self.late("ready", patience))
    }

    /// Waits for a program that ends by itself, successfully.
    pub(super) async fn done(mut self, patience: Duration) -> Result<(), ServerError> {
        match self.end_within(patience).await? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.ended_with(status)),
            None => Err(self.late("done", patience)),
        }
    }

    /// Asks with `signal`, waits, and kills at the deadline.
    pub(super) async fn stop(mut self, signal: Signal, patience: Duration) -> Result<(), ServerError> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        self.signal(signal)?;
        if self.end_within(patience).await?.is_some() {
            return Ok(());
        }
        tracing::warn!(program = self.program, "private server ignored its stop signal; killed");
        self.crash().await
    }

    /// Kills the process and its children as a power cut would: all at once, no clean-up.
    pub(super) async fn crash(mut self) -> Result<(), ServerError> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        // Stopped first, so that no child appears between the listing and the kill.
        self.signal(Signal::SIGSTOP)?;
        let children = children(self.pid());
        self.signal(Signal::SIGKILL)?;
        for child in &children {
            // A child that just ended by itself is what we want.
            let _ = kill(*child, Signal::SIGKILL);
        }
        self.end_within(CRASH_PATIENCE).await?;
        gone(&children).await;
        Ok(())
    }

    async fn end_within(&mut self, patience: Duration) -> Result<Option<ExitStatus>, ServerError> {
        let deadline = Instant::now() + patience;
        loop {
            match self.ended()? {
                None if Instant::now() < deadline => sleep(POLL).await,
                ended => return Ok(ended),
            }
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, ServerError> {
        self.child.try_wait().map_err(|source| ServerError::Wait { program: self.program, source })
    }

    fn ended_with(&self, status: ExitStatus) -> ServerError {
        ServerError::Ended { program: self.program, status, log: tail(&self.log) }
    }

    fn late(&self, awaited: &'static str, patience: Duration) -> ServerError {
        let deadline_s = patience.as_secs();
        ServerError::Late { program: self.program, awaited, deadline_s, log: tail(&self.log) }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Running {
    /// Blocks briefly: the caller's next step may be to remove the directory we write to.
    fn drop(&mut self) {
        // Reaped already: the id may be another process's by now.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let deadline = Instant::now() + DROP_PATIENCE;
        let _ = kill(self.pid(), self.farewell);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL / 4);
        }
        // Both do nothing to a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|id| id.parse().ok()).map(Pid::from_raw).collect()
}

/// Orphans are reaped by someone else, perhaps never; a zombie holds nothing and counts as gone.
async fn gone(processes: &[Pid]) {
    let deadline = Instant::now() + CRASH_PATIENCE;
    while processes.iter().any(|pid| lives(*pid)) && Instant::now() < deadline {
        sleep(POLL).await;
    }
}

fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
