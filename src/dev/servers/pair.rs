//! Both servers as one.
//!
//! Owns the pair and its directory. Refuses to do one thing after the other that can be done at
//! the same time.

use std::path::Path;

use super::account::Account;
use super::folder;
use super::{Binaries, PrivatePostgres, PrivateRedis, ServerError};

/// How the servers treat their data; the default keeps what `pintle dev` should keep.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Postgres without fsync: for tests, whose data need not survive the machine.
    pub fast: bool,
    /// Redis with an append-only file: its data survives a restart.
    pub keep_redis: bool,
}

/// A private Postgres and a private Redis; dropped, both end.
#[derive(Debug)]
pub struct Servers {
    /// The Postgres.
    pub postgres: PrivatePostgres,
    /// The Redis.
    pub redis: PrivateRedis,
}

impl Servers {
    /// Starts both on `directory`, which they may open to be passed through by other users.
    ///
    /// # Errors
    /// The first of whatever keeps a server from answering.
    pub async fn start(directory: &Path) -> Result<Self, ServerError> {
        Self::start_with(directory, Options::default()).await
    }

    /// Starts both with options.
    ///
    /// # Errors
    /// The first of whatever keeps a server from answering.
    pub async fn start_with(directory: &Path, options: Options) -> Result<Self, ServerError> {
        Binaries::find()?;
        let directory = folder::make(directory)?;
        Account::choose(&directory.join("postgres/data"))?.reach(&directory)?;
        let (in_postgres, in_redis) = (directory.join("postgres"), directory.join("redis"));
        let (postgres, redis) = tokio::try_join!(
            PrivatePostgres::start_with(&in_postgres, options),
            PrivateRedis::start_with(&in_redis, options),
        )?;
        Ok(Self { postgres, redis })
    }

    /// Stops both gracefully.
    ///
    /// # Errors
    /// If a server cannot be signalled or awaited; the other is stopped all the same.
    pub async fn stop(self) -> Result<(), ServerError> {
        let (postgres, redis) = tokio::join!(self.postgres.stop(), self.redis.stop());
        postgres.and(redis)
    }
}
