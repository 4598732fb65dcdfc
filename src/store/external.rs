//! Queues that somebody else's worker serves: which version did, and which jobs were given up here.

use super::{Store, StoreError};
use std::collections::BTreeMap;

const REMEMBER: &str = "INSERT INTO pintle.external_queues (name, version) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version, seen_at = clock_timestamp()";

/// Newest first, and none that ended long ago: Redis was looked through for it every minute since.
const GIVEN_UP: &str = "SELECT j.body #>> '{job,queue}' AS queue, s.job_id FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    WHERE s.queue = 'external' AND s.state IN ('cancelled', 'dead') AND s.changed_at > now() - interval '1 day' AND j.body #>> '{job,queue}' IS NOT NULL
    ORDER BY s.changed_at DESC LIMIT 1000";

impl Store {
    /// The version of BullMQ that served the queue `name` when somebody said so last.
    pub async fn external_version(&self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT version FROM pintle.external_queues WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::during("read who serves a queue"))
    }

    /// Remembers that `version` serves the queue `name`.
    pub async fn remember_queue(&self, name: &str, version: &str) -> Result<(), StoreError> {
        let remember = sqlx::query(REMEMBER).bind(name).bind(version).execute(&self.pool).await;
        remember.map(|_| ()).map_err(StoreError::during("remember who serves a queue"))
    }

    /// Jobs that were handed to others and given up here within the day, by queue: what becomes of them there, nobody waits for.
    pub async fn given_up(&self) -> Result<BTreeMap<String, Vec<i64>>, StoreError> {
        let failed = StoreError::during("read which jobs of others were given up");
        let rows: Vec<(String, i64)> = sqlx::query_as(GIVEN_UP).fetch_all(&self.pool).await.map_err(failed)?;
        let mut by_queue: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (queue, job) in rows {
            by_queue.entry(queue).or_default().push(job);
        }
        Ok(by_queue)
    }
}
