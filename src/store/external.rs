//! Queues that somebody else's worker serves: which version did, and which jobs there are over here.

use super::{Store, StoreError};

const REMEMBER: &str = "INSERT INTO pintle.external_queues (name, version) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version, seen_at = clock_timestamp()";

const OVER: &str = "SELECT job FROM unnest($1::bigint[]) AS asked (job) WHERE NOT EXISTS (
    SELECT FROM pintle.job_state s WHERE s.job_id = asked.job AND s.state IN ('queued', 'released', 'running'))";

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

    /// The queues that jobs were handed to.
    pub async fn external_queues(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT name FROM pintle.external_queues ORDER BY name")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::during("read which queues others serve"))
    }

    /// Those of `jobs` that are over, dead or forgotten: how they ended is written down, or not wanted.
    pub async fn over(&self, jobs: &[i64]) -> Result<Vec<i64>, StoreError> {
        sqlx::query_scalar(OVER)
            .bind(jobs)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::during("ask which jobs are over"))
    }
}
