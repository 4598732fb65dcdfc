//! A private Redis on a unix socket.
//!
//! Owns its folder and settings. Refuses the network: no port, and a socket in a folder that only
//! the server's user (and root) may enter, which is why it needs no password.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::binaries::find_redis_server;
use super::folder::Folder;
use super::launch::Launch;
use super::process::Running;
use super::{Options, ServerError};

const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const PONG: &[u8] = b"+PONG\r\n";

/// A Redis server of our own.
#[derive(Debug)]
pub struct PrivateRedis {
    // Before the folder: the server must be gone when its socket folder and lock are.
    running: Option<Running>,
    launch: Launch,
    folder: Folder,
}

impl PrivateRedis {
    /// Starts on `directory`.
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
        let binary = find_redis_server()?;
        let folder = Folder::open(directory).await?;
        folder.account.private_folder(&folder.data())?;
        let launch = server(&folder, binary, options);
        let mut redis = Self { running: None, launch, folder };
        redis.start_again().await?;
        Ok(redis)
    }

    /// A URL for the crates `redis` and `bullmq-official`; `redis-cli -s` wants only its path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.folder).display())
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
        if self.running.is_none() {
            let socket = socket(&self.folder);
            let mut running = self.launch.start()?;
            running.ready(START_PATIENCE, async || answers(&socket).await.unwrap_or(false)).await?;
            self.running = Some(running);
        }
        Ok(())
    }

    /// Stops gracefully and starts again.
    ///
    /// # Errors
    /// Whatever keeps the server from answering, with the end of its log.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.end().await?;
        self.start_again().await
    }

    /// Crashes it: SIGKILL. What is not in the append-only file is lost.
    ///
    /// # Errors
    /// If the process cannot be signalled or awaited.
    pub async fn kill(&mut self) -> Result<(), ServerError> {
        match self.running.take() {
            Some(running) => running.crash().await,
            None => Ok(()),
        }
    }

    /// Stops cleanly.
    ///
    /// # Errors
    /// If the process cannot be signalled or awaited.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.end().await
    }

    async fn end(&mut self) -> Result<(), ServerError> {
        match self.running.take() {
            Some(running) => running.stop(Signal::SIGTERM, STOP_PATIENCE).await,
            None => Ok(()),
        }
    }
}

fn socket(folder: &Folder) -> PathBuf {
    folder.sockets.join("redis.sock")
}

fn server(folder: &Folder, binary: PathBuf, options: Options) -> Launch {
    let append_only = if options.keep_redis { "yes" } else { "no" };
    let fixed = ["--port", "0", "--unixsocketperm", "700", "--daemonize", "no"];
    let lasting = ["--save", "", "--appendonly", append_only, "--maxmemory-policy", "noeviction"];
    let mut arguments: Vec<OsString> = fixed.into_iter().chain(lasting).map(OsString::from).collect();
    arguments.extend(["--unixsocket".into(), socket(folder).into(), "--dir".into(), folder.data().into()]);
    Launch {
        program: "redis-server",
        path: binary,
        arguments,
        log: folder.path.join("redis.log"),
        account: folder.account.clone(),
        farewell: Signal::SIGTERM,
    }
}

/// A server that still loads its data answers with an error instead.
async fn answers(socket: &Path) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; PONG.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer == PONG)
}
