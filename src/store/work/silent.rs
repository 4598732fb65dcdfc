//! Processes that fell silent with work in hand. The leader takes it back; their fence is worth nothing from then on.
//! Whether the tries are spent is asked by whoever starts it next.

use crate::store::{LeaderProof, Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

const SILENT: &str = "WITH silent AS (
        SELECT s.job_id FROM pintle.job_state s LEFT JOIN pintle.processes p ON p.id = s.process
        WHERE s.queue <> 'rows' AND s.state = 'running' AND (p.id IS NULL OR p.expires_at < clock_timestamp()) ORDER BY s.job_id FOR UPDATE OF s SKIP LOCKED)
    UPDATE pintle.job_state s SET state = CASE WHEN s.cancel IS NULL THEN 'queued' ELSE 'cancelled' END,
        reason = coalesce(s.cancel, 'the process that ran it fell silent'), cancel = NULL, attempts = s.attempts + 1, delivery = NULL, process = NULL,
        not_before = clock_timestamp(), changed_at = clock_timestamp()
    FROM silent WHERE s.job_id = silent.job_id RETURNING s.job_id";

/// It is not the job's fault: the try is not counted.
const GIVE_BACK: &str = "UPDATE pintle.job_state SET state = CASE WHEN cancel IS NULL THEN 'queued' ELSE 'cancelled' END, reason = coalesce(cancel, 'the process that ran it stopped'),
        cancel = NULL, delivery = NULL, process = NULL, not_before = clock_timestamp(), changed_at = clock_timestamp()
    WHERE state = 'running' AND process = $1 AND job_id <> ALL($2) AND started_at <= clock_timestamp() - make_interval(secs => $3)";

/// Nobody began it.
const PUT_BACK: &str = "WITH back AS (UPDATE pintle.job_state SET state = 'queued', delivery = NULL WHERE job_id = $1 AND delivery = $2 AND state = 'released' RETURNING job_id)
    SELECT pg_notify('pintle_jobs', 'work') FROM back";

impl Store {
    /// Takes back what silent processes hold; the jobs.
    pub async fn take_back(&self, proof: &LeaderProof) -> Result<Vec<i64>, StoreError> {
        let failed = || StoreError::during("take back what silent processes hold");
        let mut tx = self.begin_as(proof).await?;
        let jobs: Vec<i64> = sqlx::query_scalar(SILENT).fetch_all(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(jobs)
    }

    /// Puts `job`, which `delivery` brought and nobody began, back into the queue.
    pub async fn put_back(&self, delivery: Uuid, job: i64) -> Result<(), StoreError> {
        sqlx::query(PUT_BACK)
            .bind(job)
            .bind(delivery)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::during("put work back"))
    }

    /// Gives back what the ledger says that `process` holds since `longer`, but for what it has `in_hand`; how many.
    pub async fn give_back(&self, process: Uuid, in_hand: &[i64], longer: Duration) -> Result<u64, StoreError> {
        sqlx::query(GIVE_BACK)
            .bind(process)
            .bind(in_hand)
            .bind(longer.as_secs_f64())
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected())
            .map_err(StoreError::during("give back work"))
    }
}
