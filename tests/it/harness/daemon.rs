//! A daemon: a child process of the real binary, whose log is shown when its test fails.

use super::{World, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running `pintle run`.
pub struct Daemon {
    child: Child,
    log: PathBuf,
    /// How much others of its name had logged before.
    before: usize,
}

impl Daemon {
    /// Starts one for `world`; `state` and `log` are its own names.
    pub fn start(world: &World, name: &str, settings: &[(&str, &str)]) -> Self {
        let log = world.path().join(format!("{name}.log"));
        let before = read(&log).len();
        let introduced = &world.repository.introduced;
        let child = Command::new(env!("CARGO_BIN_EXE_pintle"))
            .args(["run", "--poll-interval", "1", "--log", "pintle=debug,warn"])
            .arg("--state-dir")
            .arg(world.path().join(format!("{name}.state")))
            .arg("--repo-url")
            .arg(&world.repository.path)
            .args(["--database-url", &world.database.url, "--redis-url", world.redis.address()])
            .args(["--repo-id", &introduced.repo_id, "--introduction-commit", &introduced.commit])
            .args(["--introduction-policy", &introduced.policy])
            .env("PINTLE_NO_METRICS", "true")
            .env("PINTLE_GRACE", "5")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, before }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn ends(&mut self) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        eventually("the daemon ends", async || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// SIGTERM; it must drain and end well. What it logged.
    pub async fn stop(mut self) -> String {
        // Before its first word it may not listen yet, and SIGTERM ends it as it ends any program.
        eventually("the daemon says anything", async || self.log().len() > self.before).await;
        self.signal(Signal::SIGTERM);
        let status = self.ends().await;
        assert_eq!(status.code(), Some(0), "SIGTERM did not end it well: {status}");
        self.log()
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.ends().await.signal(), Some(9));
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Waits until it has logged `text`.
    pub async fn says(&self, text: &str) {
        eventually(&format!("the daemon says {text:?}"), async || self.log().contains(text)).await;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = read(&self.log);
            let from = log.len().saturating_sub(6_000);
            eprintln!("--- {}\n{}", self.log.display(), log.get(from..).unwrap_or(&log));
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
