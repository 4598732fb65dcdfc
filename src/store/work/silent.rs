//! Processes that fell silent with work in hand. The leader takes it back; their fence is worth nothing from then on.
//! Whether the tries are spent is asked by whoever starts it next.

use super::piece::lost;
use crate::store::audit::AuditWriter;
use crate::store::{LeaderProof, Store, StoreError};
use pintle_core::audit::Draft;
use sqlx::postgres::PgRow;
use std::time::Duration;
use uuid::Uuid;

const SILENT: &str = "WITH silent AS (
        SELECT s.job_id FROM pintle.job_state s LEFT JOIN pintle.processes p ON p.id = s.process
        WHERE s.queue <> 'rows' AND s.state = 'running' AND (p.id IS NULL OR p.expires_at < clock_timestamp()) ORDER BY s.job_id FOR UPDATE OF s SKIP LOCKED)
    UPDATE pintle.job_state s SET state = CASE WHEN s.cancel IS NULL THEN 'queued' ELSE 'cancelled' END,
        reason = coalesce(s.cancel, 'the process that ran it fell silent'), cancel = NULL, attempts = s.attempts + 1, delivery = NULL, process = NULL,
        not_before = clock_timestamp(), changed_at = clock_timestamp()
    FROM silent JOIN pintle.jobs j ON j.id = silent.job_id WHERE s.job_id = silent.job_id
    RETURNING s.job_id, s.fence, s.state, s.reason, s.partner, j.object_name, j.uid, j.body";

/// It is not the job's fault: the try is not counted.
const GIVE_BACK: &str = "UPDATE pintle.job_state s SET state = CASE WHEN s.cancel IS NULL THEN 'queued' ELSE 'cancelled' END, reason = coalesce(s.cancel, 'the process that ran it stopped'),
        cancel = NULL, delivery = NULL, process = NULL, not_before = clock_timestamp(), changed_at = clock_timestamp()
    FROM pintle.jobs j
    WHERE j.id = s.job_id AND s.state = 'running' AND s.process = $1 AND s.job_id <> ALL($2) AND s.started_at <= clock_timestamp() - make_interval(secs => $3)
    RETURNING s.job_id, s.fence, s.state, s.reason, s.partner, j.object_name, j.uid, j.body";

/// Nobody began it.
const PUT_BACK: &str = "WITH back AS (UPDATE pintle.job_state SET state = 'queued', delivery = NULL WHERE job_id = $1 AND delivery = $2 AND state = 'released' RETURNING job_id)
    SELECT pg_notify('pintle_jobs', 'work') FROM back";

impl Store {
    /// Takes back what silent processes hold; the jobs. That nobody knows how the tries ended is their record.
    pub async fn take_back(&self, proof: &LeaderProof, writer: &AuditWriter) -> Result<Vec<i64>, StoreError> {
        let failed = || StoreError::during("take back what silent processes hold");
        let mut tx = self.begin_as(proof).await?;
        let rows = sqlx::query(SILENT).fetch_all(&mut *tx).await.map_err(failed())?;
        let drafts = drafts(&rows, "silent").map_err(failed())?;
        writer.append(&mut tx, &drafts).await?;
        tx.commit().await.map_err(failed())?;
        Ok(drafts.iter().filter_map(|draft| Some(draft.job.as_ref()?.id)).collect())
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
    pub async fn give_back(
        &self,
        writer: &AuditWriter,
        process: Uuid,
        in_hand: &[i64],
        longer: Duration,
    ) -> Result<usize, StoreError> {
        let failed = || StoreError::during("give back work");
        let mut tx = self.begin().await.map_err(failed())?;
        let given = sqlx::query(GIVE_BACK).bind(process).bind(in_hand).bind(longer.as_secs_f64());
        let rows = given.fetch_all(&mut *tx).await.map_err(failed())?;
        writer.append(&mut tx, &drafts(&rows, "stopped").map_err(failed())?).await?;
        tx.commit().await.map_err(failed())?;
        Ok(rows.len())
    }
}

fn drafts(rows: &[PgRow], code: &str) -> Result<Vec<Draft>, sqlx::Error> {
    rows.iter().map(|row| lost(row, code)).collect()
}
