//! Private servers with fsync on, in a folder that is gone afterwards.

use pintle::dev::servers::{Options, Servers};
use pintle::store::Store;
use pintle::store::pool::migrate;
use sqlx::Connection;
use std::path::PathBuf;

/// As docs/operations.md recommends: a checkpoint every few seconds is measured otherwise, and a disk that has to take what
/// did not fit into the buffers.
const SETTINGS: [&str; 3] = ["max_wal_size = '4GB'", "min_wal_size = '1GB'", "shared_buffers = '2GB'"];

pub struct World {
    folder: tempfile::TempDir,
    servers: Servers,
}

/// A migrated database.
pub struct Database {
    pub url: String,
    pub store: Store,
}

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("pintle-bench-").tempdir().unwrap();
        let servers = Servers::start_with(&folder.path().join("servers"), Options::default()).await.unwrap();
        let mut owner = sqlx::PgConnection::connect(&servers.postgres.url("postgres")).await.unwrap();
        for setting in SETTINGS {
            sqlx::query(sqlx::AssertSqlSafe(format!("ALTER SYSTEM SET {setting}"))).execute(&mut owner).await.unwrap();
        }
        drop(owner);
        // Buffers are had at the start alone.
        servers.stop().await.unwrap();
        let servers = Servers::start_with(&folder.path().join("servers"), Options::default()).await.unwrap();
        Self { folder, servers }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn redis_url(&self) -> String {
        self.servers.redis.url()
    }

    pub async fn database(&self, name: &str) -> Database {
        let mut owner = sqlx::PgConnection::connect(&self.servers.postgres.url("postgres")).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut owner).await.unwrap();
        let url = self.servers.postgres.url(name);
        migrate(&url).await.unwrap();
        Database { store: Store::open(&url, 4).unwrap(), url }
    }

    /// Forgets all that Redis holds; the bytes that it has in use then.
    pub async fn empty_redis(&self) -> f64 {
        let mut connection = self.redis().await;
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
        self.redis_memory().await
    }

    async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.redis_url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Bytes that Redis has in use.
    pub async fn redis_memory(&self) -> f64 {
        let mut connection = self.redis().await;
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        used.trim().parse().unwrap()
    }

    pub async fn stop(self) {
        self.servers.stop().await.unwrap();
    }
}

impl Database {
    /// What was written until now is in its place, on the disk too, and the files of its log serve again, as on a server that has
    /// been running for long: a new one has to make each of them.
    pub async fn settle(&self) {
        sqlx::query("CHECKPOINT").execute(&mut self.owner().await).await.unwrap();
        assert!(std::process::Command::new("sync").status().unwrap().success());
    }

    /// A connection as the owner, for what is not measured.
    pub async fn owner(&self) -> sqlx::PgConnection {
        sqlx::PgConnection::connect(&self.url).await.unwrap()
    }
}
