//! Processes and their heartbeat. One a process, however many roles it plays.

use super::{Store, StoreError};
use jiff::Timestamp;
use std::time::Duration;
use uuid::Uuid;

/// How long a silent process is believed to be alive, in seconds.
const LEASE_S: f64 = 15.0;
/// How long a process itself believes it, by its own monotonic clock: less, by a margin.
pub const BELIEVED: Duration = Duration::from_secs(10);

impl Store {
    /// Says that the process `id` is alive, and how many jobs of work it takes at one time. The database's clock.
    pub async fn beat(&self, id: Uuid, host: &str, slots: usize) -> Result<Timestamp, StoreError> {
        let now_us: i64 = sqlx::query_scalar(
            "INSERT INTO pintle.processes (id, host, pid, version, expires_at, slots)
             VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5), $6)
             ON CONFLICT (id) DO UPDATE SET expires_at = EXCLUDED.expires_at, slots = EXCLUDED.slots
             RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        )
        .bind(id)
        .bind(host)
        .bind(std::process::id() as i32)
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(LEASE_S)
        .bind(slots as i32)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("write the heartbeat"))?;
        Ok(Timestamp::from_microsecond(now_us).unwrap_or_default())
    }

    /// Says that the process `id` ends, lets go of its audit writers, and forgets processes that fell
    /// silent long ago.
    pub async fn end_process(&self, id: Uuid) -> Result<(), StoreError> {
        const FORGET: &str =
            "DELETE FROM pintle.processes WHERE id = $1 OR expires_at < clock_timestamp() - interval '1 day'";
        // What was cut off may hold a writer for a moment longer: that is waited for. A heartbeat that was cut off may have come
        // meanwhile, and is taken away again.
        for (what, statement) in [
            ("end the process", FORGET),
            (
                "let go of the audit writers",
                "UPDATE pintle.audit_writers SET lease_until = clock_timestamp() WHERE holder = $1",
            ),
            ("end the process", FORGET),
        ] {
            sqlx::query(statement).bind(id).execute(&self.pool).await.map_err(StoreError::during(what))?;
        }
        Ok(())
    }
}
