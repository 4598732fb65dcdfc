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

/// Finished states are kept this long for `jobs list`; the immutable jobs stay. What a run in waves has moved is counted for
/// as long as it is under way.
const PRUNE: &str = "DELETE FROM pintle.job_state WHERE job_id IN (SELECT job_id FROM pintle.job_state
    WHERE state IN ('done', 'superseded', 'cancelled') AND changed_at < now() - interval '7 days'
      AND NOT EXISTS (SELECT FROM pintle.paced_runs r JOIN pintle.jobs j ON j.id = job_state.job_id JOIN pintle.plans p ON p.id = j.plan_id
          WHERE r.source_id = p.source_id AND p.seq >= r.since_seq) LIMIT 5000)";

/// Nobody missed it for so long.
const PRUNE_DEAD_WORK: &str = "DELETE FROM pintle.job_state WHERE job_id IN (SELECT job_id FROM pintle.job_state
    WHERE state = 'dead' AND queue <> 'rows' AND changed_at < now() - interval '30 days' LIMIT 5000)";

/// What waits for long goes a step further to the front with every look, but never before what is urgent (10 and 20): nothing
/// starves behind what is always more urgent, and nothing that waited becomes it.
const AGE: &str = "WITH old AS (SELECT job_id FROM pintle.job_state WHERE state = 'queued' AND priority > 21 AND not_before <= now() AND changed_at < now() - interval '10 minutes'
        ORDER BY job_id LIMIT 5000 FOR UPDATE SKIP LOCKED)
    UPDATE pintle.job_state s SET priority = greatest(21, priority - 1) FROM old WHERE s.job_id = old.job_id";

/// Ticks are told of for so long; they were decided about in about the order of their ids.
const FORGET_RUNS: &str = "DELETE FROM pintle.runs WHERE id IN (SELECT id FROM pintle.runs ORDER BY id LIMIT 5000) AND decided_at < now() - interval '90 days'";

/// Who asked for what was told of in its effects.
const FORGET_REQUESTS: &str = "DELETE FROM pintle.requests WHERE id IN (SELECT id FROM pintle.requests ORDER BY id LIMIT 5000) AND created_at < now() - interval '90 days'";

/// Rows that one of these statements forgets, and how often in a row: more than the fastest ledger ends in a minute.
const BATCH: u64 = 5_000;
const BATCHES: usize = 200;

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

    /// Lets what waits for long go first; forgets the states of jobs that were over long ago, old ticks and requests. Each
    /// batch proves the lead as it is then: there may be many.
    pub async fn prune(&self, proof: impl Fn() -> LeaderProof) -> Result<u64, StoreError> {
        self.tidy(&proof(), AGE).await?;
        let mut pruned = 0;
        for statement in [PRUNE, PRUNE_DEAD_WORK, FORGET_RUNS, FORGET_REQUESTS] {
            // Each batch in a transaction of its own: what was forgotten stays so, whatever the next one meets.
            for _ in 0..BATCHES {
                let rows = self.tidy(&proof(), statement).await?;
                pruned += rows;
                if rows < BATCH {
                    break;
                }
            }
        }
        Ok(pruned)
    }

    async fn tidy(&self, proof: &LeaderProof, statement: &'static str) -> Result<u64, StoreError> {
        let failed = || StoreError::during("prune finished jobs");
        let mut tx = self.begin_derived(proof).await?;
        let rows = sqlx::query(statement).execute(&mut *tx).await.map_err(failed())?.rows_affected();
        tx.commit().await.map_err(failed())?;
        Ok(rows)
    }
}
