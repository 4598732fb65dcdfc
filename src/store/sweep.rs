//! What was released and not heard of: found, and given a new delivery. A Redis id is never rung twice.

use super::release::{Lane, by_delivery};
use super::{LeaderProof, Store, StoreError};
use crate::queue::delivery::Delivery;
use sqlx::Row;
use std::time::Duration;
use uuid::Uuid;

const SILENT: &str = "SELECT delivery, job_id, (extract(epoch FROM clock_timestamp() - changed_at) * 1000)::bigint AS age_ms FROM pintle.job_state
    WHERE queue = $2 AND state = 'released' AND changed_at <= clock_timestamp() - make_interval(secs => $1) ORDER BY delivery, job_id LIMIT 10000";

const REMINT: &str = "UPDATE pintle.job_state SET delivery = $2, changed_at = clock_timestamp()
    WHERE delivery = $1 AND state = 'released' RETURNING job_id";

/// Finished states are kept this long for `jobs list`; the immutable jobs stay.
const PRUNE: &str = "DELETE FROM pintle.job_state WHERE job_id IN (SELECT job_id FROM pintle.job_state
    WHERE state IN ('done', 'superseded', 'cancelled') AND changed_at < clock_timestamp() - interval '7 days' LIMIT 5000)";

/// Nobody missed it for so long.
const PRUNE_DEAD_WORK: &str = "DELETE FROM pintle.job_state WHERE job_id IN (SELECT job_id FROM pintle.job_state
    WHERE state = 'dead' AND queue <> 'rows' AND changed_at < clock_timestamp() - interval '30 days' LIMIT 5000)";

/// What waits for long goes first: nothing starves behind what is always more urgent. Urgent is 10.
const AGE: &str = "WITH old AS (SELECT job_id FROM pintle.job_state WHERE state = 'queued' AND priority > 10 AND not_before <= clock_timestamp() AND changed_at < clock_timestamp() - interval '10 minutes'
        ORDER BY job_id LIMIT 5000 FOR UPDATE SKIP LOCKED)
    UPDATE pintle.job_state s SET priority = 10 FROM old WHERE s.job_id = old.job_id";

/// Ticks are told of for so long; they were decided about in about the order of their ids.
const FORGET_RUNS: &str = "DELETE FROM pintle.runs WHERE id IN (SELECT id FROM pintle.runs ORDER BY id LIMIT 5000) AND decided_at < clock_timestamp() - interval '90 days'";

/// A delivery that has been out for a while.
#[derive(Debug, Clone)]
pub struct Silent {
    /// The delivery.
    pub delivery: Delivery,
    /// Since when.
    pub age: Duration,
}

impl Store {
    /// Deliveries of `lane` released longer ago than `than` whose rows nobody has finished.
    pub async fn silent(&self, lane: Lane, than: Duration) -> Result<Vec<Silent>, StoreError> {
        let failed = || StoreError::during("look for silent deliveries");
        let rows = sqlx::query(SILENT)
            .bind(than.as_secs_f64())
            .bind(lane.queue)
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        let mut age = std::collections::HashMap::new();
        let mut pairs = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(delivery) = row.try_get::<Option<Uuid>, _>("delivery").map_err(failed())? else { continue };
            age.insert(
                delivery,
                Duration::from_millis(row.try_get::<i64, _>("age_ms").map_err(failed())?.max(0) as u64),
            );
            pairs.push((delivery, row.try_get("job_id").map_err(failed())?));
        }
        Ok(by_delivery(pairs)
            .into_iter()
            .map(|delivery| Silent { age: age.get(&delivery.id).copied().unwrap_or_default(), delivery })
            .collect())
    }

    /// New deliveries in place of `lost`, for the rows that are still released under them.
    pub async fn remint(&self, proof: &LeaderProof, lost: &[Uuid]) -> Result<Vec<Delivery>, StoreError> {
        let failed = || StoreError::during("ring again");
        let mut tx = self.begin_as(proof).await?;
        let mut minted = Vec::with_capacity(lost.len());
        for old in lost {
            let id = Uuid::now_v7();
            let jobs: Vec<i64> =
                sqlx::query_scalar(REMINT).bind(old).bind(id).fetch_all(&mut *tx).await.map_err(failed())?;
            if !jobs.is_empty() {
                minted.push(Delivery { id, jobs });
            }
        }
        tx.commit().await.map_err(failed())?;
        Ok(minted)
    }

    /// Forgets the states of jobs that were over long ago, and old ticks; lets what waits for long go first.
    pub async fn prune(&self, proof: &LeaderProof) -> Result<u64, StoreError> {
        let failed = || StoreError::during("prune finished jobs");
        let mut tx = self.begin_as(proof).await?;
        let pruned = sqlx::query(PRUNE).execute(&mut *tx).await.map_err(failed())?.rows_affected();
        for statement in [PRUNE_DEAD_WORK, AGE, FORGET_RUNS] {
            sqlx::query(statement).execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(pruned)
    }
}
