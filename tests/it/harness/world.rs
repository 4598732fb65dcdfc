//! Everything of one story.

use super::{Daemon, Database, PrivateRedis, Repository, redis, shared};
use crate::published::is_published;
use tempfile::TempDir;

/// A database, a Redis and a repository.
pub struct World {
    pub database: Database,
    pub redis: PrivateRedis,
    pub repository: Repository,
    folder: TempDir,
}

impl World {
    /// With a repository of `files`.
    pub async fn new(files: &[(&str, String)]) -> Self {
        let folder = TempDir::new_in(shared::folder()).unwrap();
        let repository = Repository::new(folder.path().join("repo"), files);
        Self::of(folder, repository, Database::new().await).await
    }

    /// With a repository made by the test.
    pub async fn with(make: impl FnOnce(&std::path::Path) -> Repository) -> Self {
        let folder = TempDir::new_in(shared::folder()).unwrap();
        let repository = make(folder.path());
        Self::of(folder, repository, Database::new().await).await
    }

    /// With a database of the test's own.
    pub async fn on(database: Database, files: &[(&str, String)]) -> Self {
        let folder = TempDir::new_in(shared::folder()).unwrap();
        let repository = Repository::new(folder.path().join("repo"), files);
        Self::of(folder, repository, database).await
    }

    async fn of(folder: TempDir, repository: Repository, database: Database) -> Self {
        Self { database, redis: redis().await, repository, folder }
    }

    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A daemon in all roles.
    pub fn daemon(&self) -> Daemon {
        Daemon::start(self, "daemon", &[])
    }

    /// Waits until HEAD is applied and nothing is on its way.
    pub async fn settled(&self) {
        let head = self.repository.head();
        self.database
            .until(&format!(
                "(SELECT applied_commit = '{head}' FROM pintle.sources) AND NOT EXISTS (SELECT FROM pintle.job_state \
                 WHERE state IN ('queued', 'released', 'running'))"
            ))
            .await;
    }

    /// Waits until the tip is held or refused, and gives the stored verdict.
    pub async fn held(&self) -> serde_json::Value {
        let head = self.repository.head();
        self.database.until(&format!("(SELECT seen_tip = '{head}' AND verdict IS NOT NULL FROM pintle.sources)")).await;
        self.database.json("SELECT verdict FROM pintle.sources").await
    }

    /// Waits until the daemon has looked at the repository twice more.
    pub async fn ticks(&self) {
        for _ in 0..2 {
            let last = self.database.ask("SELECT fetched_at FROM pintle.sources").await.unwrap();
            self.database.until(&format!("(SELECT fetched_at > '{last}' FROM pintle.sources)")).await;
        }
    }

    /// Ends a dead leader's lease at once: its waiting has a test of its own.
    pub async fn lease_expires(&self) {
        self.database.run("UPDATE pintle.leader SET expires_at = clock_timestamp() - interval '1 second'").await;
    }

    /// A command of the binary that reads this world; its exit code and output.
    pub fn pintle(&self, arguments: &[&str]) -> (i32, String) {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pintle"))
            .args(arguments)
            .env("PINTLE_DATABASE_URL", &self.database.url)
            .env("PINTLE_REPO", &self.repository.path)
            .output()
            .unwrap();
        is_published(arguments, &String::from_utf8_lossy(&output.stdout));
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// Fails unless planning HEAD against the live rows gives nothing to do.
    pub fn assert_plans_empty(&self) {
        let (code, text) = self.pintle(&["plan", "--detailed-exitcode"]);
        assert_eq!(code, 0, "the plan is not empty:\n{text}");
    }

    /// The audit records about one object, oldest first: `stage action outcome`.
    pub async fn told(&self, name: &str) -> Vec<String> {
        let sql = "SELECT stage || ' ' || action || ' ' || outcome FROM pintle.audit_logs WHERE resource_name";
        self.database.list(&format!("{sql} = '{name}' ORDER BY recorded_at, seq")).await
    }
}
