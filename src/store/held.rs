//! A connection that one caller uses again and again: giving one back to the pool asks each time whether it still stands.

use super::pool::IDLE;
use super::{Store, StoreError};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Holds one, from one use to the next: the pool has one less, and does not renew it.
#[derive(Debug, Default)]
pub struct HeldConnection(Mutex<Option<(PoolConnection<Postgres>, Instant)>>);

impl HeldConnection {
    /// What is held, or another of the pool of `store` where it was not used for long.
    pub async fn take(&self, store: &Store) -> Result<PoolConnection<Postgres>, StoreError> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match held.filter(|(_, used)| used.elapsed() < IDLE) {
            Some((connection, _)) => Ok(connection),
            None => store.pool.acquire().await.map_err(StoreError::during("connect")),
        }
    }

    /// Holds `connection`, after a use that ended well.
    pub fn hold(&self, connection: PoolConnection<Postgres>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((connection, Instant::now()));
    }
}
