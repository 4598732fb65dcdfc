//! Queued jobs that are due become deliveries: fair over partners, within a bounded window. The
//! doorbell is rung only after the commit.

use super::{LeaderProof, Store, StoreError};
use crate::queue::delivery::Delivery;
use sqlx::Row;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows of one delivery.
pub const BATCH: usize = 500;
/// Rows that may be released and not yet done.
pub const WINDOW: i64 = 16 * BATCH as i64;

/// Due jobs, one turn of every partner after the other (a loose index scan over partners).
const DUE: &str = "WITH RECURSIVE partners AS (
        (SELECT partner FROM pintle.job_state WHERE state = 'queued' ORDER BY partner LIMIT 1)
        UNION ALL
        SELECT (SELECT s.partner FROM pintle.job_state s WHERE s.state = 'queued' AND s.partner > p.partner ORDER BY s.partner LIMIT 1)
        FROM partners p WHERE p.partner IS NOT NULL),
    due AS (
        SELECT d.job_id, row_number() OVER (PARTITION BY p.partner ORDER BY d.priority, d.job_id) AS turn
        FROM partners p CROSS JOIN LATERAL (
            SELECT s.job_id, s.priority FROM pintle.job_state s
            WHERE s.state = 'queued' AND s.partner = p.partner AND s.not_before <= clock_timestamp()
              AND NOT EXISTS (SELECT FROM pintle.job_needs n JOIN pintle.job_state b ON b.job_id = n.needs WHERE n.job_id = s.job_id AND b.state <> 'done')
            ORDER BY s.priority, s.job_id LIMIT $1) d
        WHERE p.partner IS NOT NULL)
    SELECT s.job_id, s.object_kind, j.uid FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    WHERE s.state = 'queued' AND s.job_id IN (SELECT job_id FROM due ORDER BY turn, job_id LIMIT $1)
    FOR UPDATE OF s SKIP LOCKED";

const MARK: &str =
    "UPDATE pintle.job_state s SET state = 'released', delivery = r.delivery, changed_at = clock_timestamp()
    FROM unnest($1::bigint[], $2::uuid[]) AS r (id, delivery) WHERE s.job_id = r.id AND s.state = 'queued'";

/// What waits for a job that will never be done is planned anew.
const CANCEL_DEPENDENTS: &str =
    "UPDATE pintle.job_state s SET state = 'cancelled', reason = 'dependency', changed_at = clock_timestamp()
    WHERE s.state = 'queued' AND EXISTS (SELECT FROM pintle.job_needs n JOIN pintle.job_state b ON b.job_id = n.needs
        WHERE n.job_id = s.job_id AND b.state IN ('superseded', 'cancelled', 'dead'))";

impl Store {
    /// Releases what is due. Commits before it returns; ring the deliveries then.
    pub async fn release(&self, proof: &LeaderProof) -> Result<Vec<Delivery>, StoreError> {
        let failed = || StoreError::during("release jobs");
        let mut tx = self.begin_derived(proof).await?;
        let out: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pintle.job_state WHERE state IN ('released', 'running')")
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
        if out >= WINDOW {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(DUE).bind(WINDOW - out).fetch_all(&mut *tx).await.map_err(failed())?;
        let mut due = rows
            .iter()
            .map(|row| {
                Ok((
                    row.try_get::<String, _>("object_kind")?,
                    row.try_get::<Uuid, _>("uid")?,
                    row.try_get::<i64, _>("job_id")?,
                ))
            })
            .collect::<Result<Vec<_>, sqlx::Error>>()
            .map_err(failed())?;
        due.sort();
        let deliveries: Vec<Delivery> = due
            .chunks(BATCH)
            .map(|part| Delivery { id: Uuid::now_v7(), jobs: part.iter().map(|(_, _, id)| *id).collect() })
            .collect();
        if deliveries.is_empty() {
            return Ok(deliveries);
        }
        let ids: Vec<i64> = deliveries.iter().flat_map(|one| one.jobs.iter().copied()).collect();
        let minted: Vec<Uuid> = deliveries.iter().flat_map(|one| std::iter::repeat_n(one.id, one.jobs.len())).collect();
        sqlx::query(MARK).bind(ids).bind(minted).execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(deliveries)
    }

    /// Cancels queued jobs that need one which will never be done; the next tick plans them anew.
    pub async fn cancel_dependents(&self, proof: &LeaderProof) -> Result<u64, StoreError> {
        let failed = || StoreError::during("cancel dependents");
        let mut tx = self.begin_derived(proof).await?;
        let cancelled = sqlx::query(CANCEL_DEPENDENTS).execute(&mut *tx).await.map_err(failed())?.rows_affected();
        if cancelled > 0 {
            sqlx::query("SELECT pg_notify('pintle_jobs', 'cancelled')").execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(cancelled)
    }
}

/// Jobs by the delivery that carries them.
pub(super) fn by_delivery(rows: impl IntoIterator<Item = (Uuid, i64)>) -> Vec<Delivery> {
    let mut deliveries: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for (delivery, job) in rows {
        deliveries.entry(delivery).or_default().push(job);
    }
    deliveries.into_iter().map(|(id, jobs)| Delivery { id, jobs }).collect()
}
