//! A connection that one caller uses again and again: giving one back to the pool asks each time whether it still stands.

use super::{Store, StoreError};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One that was not used for as long goes back to the pool, which asks.
const IDLE: Duration = Duration::from_millis(500);

/// Keeps one, from one use to the next.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Option<(PoolConnection<Postgres>, Instant)>>);

impl Kept {
    /// What is kept, or another of the pool of `store`.
    pub async fn take(&self, store: &Store) -> Result<PoolConnection<Postgres>, StoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept.filter(|(_, used)| used.elapsed() < IDLE) {
            Some((connection, _)) => Ok(connection),
            None => store.pool.acquire().await.map_err(StoreError::during("connect")),
        }
    }

    /// Keeps `connection`, after a use that ended well.
    pub fn keep(&self, connection: PoolConnection<Postgres>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((connection, Instant::now()));
    }
}
