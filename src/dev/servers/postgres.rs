//! A private Postgres on a unix socket.
//!
//! Owns its data directory and settings. Refuses the network: it listens on a socket in a closed
//! folder, and the kernel's word on who connects (peer) admits only the user who started it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::cluster::{self, PORT, ROLE};
use super::folder::Folder;
use super::launch::Launch;
use super::process::{POLL, Running};
use super::{Options, PostgresBinaries, ServerError};

const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// How long a killed predecessor may hold on to the data directory.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(5);

/// A Postgres server of our own.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Before the folder: the server must be gone when its socket folder and lock are.
    running: Option<Running>,
    launch: Launch,
    folder: Folder,
}

impl PrivatePostgres {
    /// Starts on `directory`, making a new database cluster unless one is there.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, with the end of its log.
    pub async fn start(directory: &Path) -> Result<Self, ServerError> {
        Self::start_with(directory, Options::default()).await
    }

    /// Starts on `directory` with options.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, with the end of its log.
    pub async fn start_with(directory: &Path, options: Options) -> Result<Self, ServerError> {
        let binaries = PostgresBinaries::find()?;
        let folder = Folder::open(directory).await?;
        cluster::initialise(&folder, &binaries, options).await?;
        let launch = cluster::server(&folder, &binaries, options)?;
        let mut postgres = Self { running: None, launch, folder };
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// A URL for sqlx, libpq and psql; the database need not exist yet, `postgres` does.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let database = percent_encoded(database);
        let sockets = self.folder.sockets.display();
        // Port and TLS are named so that PGPORT and PGSSLMODE cannot change them.
        format!("postgres:///{database}?host={sockets}&port={PORT}&user={ROLE}&sslmode=disable")
    }

    /// The process id, while the server is meant to run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::id)
    }

    /// The log of the current run; the run before is beside it, `.previous`.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.launch.log
    }

    /// Starts the server if it was killed or stopped; waits until it answers.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, with the end of its log.
    pub async fn start_again(&mut self) -> Result<(), ServerError> {
        let deadline = Instant::now() + PREDECESSOR_PATIENCE;
        cluster::forget_stranger(&self.folder)?;
        while self.running.is_none() {
            match self.start_once().await {
                Err(ServerError::Ended { log, .. }) if cluster::held(&log) && Instant::now() < deadline => {
                    sleep(POLL).await;
                }
                started => self.running = Some(started?),
            }
        }
        Ok(())
    }

    /// Stops gracefully and starts again.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, with the end of its log.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.end(Signal::SIGINT).await?;
        self.start_again().await
    }

    /// Crashes it: SIGKILL to the server and every backend. The next start recovers.
    ///
    /// # Errors
    /// If the processes cannot be signalled or awaited.
    pub async fn kill(&mut self) -> Result<(), ServerError> {
        match self.running.take() {
            Some(running) => running.crash().await,
            None => Ok(()),
        }
    }

    /// Stops at once without a checkpoint (immediate shutdown). The next start recovers.
    ///
    /// # Errors
    /// If the process cannot be signalled or awaited.
    pub async fn stop_immediately(&mut self) -> Result<(), ServerError> {
        self.end(Signal::SIGQUIT).await
    }

    /// Disconnects everyone and stops cleanly (fast shutdown).
    ///
    /// # Errors
    /// If the process cannot be signalled or awaited.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.end(Signal::SIGINT).await
    }

    async fn end(&mut self, signal: Signal) -> Result<(), ServerError> {
        match self.running.take() {
            Some(running) => running.stop(signal, STOP_PATIENCE).await,
            None => Ok(()),
        }
    }

    async fn start_once(&self) -> Result<Running, ServerError> {
        let socket = self.folder.sockets.join(format!(".s.PGSQL.{PORT}"));
        let mut running = self.launch.start()?;
        running.ready(START_PATIENCE, async || cluster::admits(&socket).await.unwrap_or(false)).await?;
        Ok(running)
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
