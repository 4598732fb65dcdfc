//! The ledger in numbers, by queue.

use super::acceptance::SOURCE;
use super::{Store, StoreError};
use sqlx::FromRow;
use std::time::Duration;

const STATS: &str = "SELECT s.queue, s.state, count(*) AS jobs,
        coalesce(max(extract(epoch FROM clock_timestamp() - CASE s.state WHEN 'queued' THEN greatest(s.not_before, j.created_at) ELSE s.changed_at END))
            FILTER (WHERE s.state IN ('queued', 'released', 'running')), 0)::float8 AS oldest_s
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id WHERE s.source_id = $1 GROUP BY s.queue, s.state ORDER BY s.queue, s.state";

const HOUR: &str = "SELECT s.queue, count(*) AS done, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.took) AS p50_s, percentile_cont(0.95) WITHIN GROUP (ORDER BY t.took) AS p95_s
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    CROSS JOIN LATERAL (SELECT extract(epoch FROM s.changed_at - greatest(j.created_at, s.not_before))::float8 AS took) t
    WHERE s.source_id = $1 AND s.state = 'done' AND s.changed_at > now() - interval '1 hour' GROUP BY s.queue ORDER BY s.queue";

/// Jobs of one queue in one state.
#[derive(Debug, Clone, FromRow, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InState {
    /// `rows` or `work`.
    pub queue: String,
    /// `queued`, …
    pub state: String,
    /// How many.
    pub jobs: i64,
    /// Since when the oldest of those that are not over is in this state, in seconds.
    pub oldest_s: f64,
}

/// What a queue did within the last hour.
#[derive(Debug, Clone, FromRow, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastHour {
    /// `rows` or `work`.
    pub queue: String,
    /// Jobs done.
    pub done: i64,
    /// From due to done, in seconds: half of them took less.
    pub p50_s: f64,
    /// 95 of 100 took less.
    pub p95_s: f64,
}

/// The first in line, or the first that was let out and nobody began; it is not looked for the oldest of all.
const FIRST: &str = "SELECT extract(epoch FROM clock_timestamp() - least(
        (SELECT not_before FROM pintle.job_state WHERE queue = $1 AND state = 'queued' AND not_before <= clock_timestamp() ORDER BY queue, partner, priority, job_id LIMIT 1),
        (SELECT min(changed_at) FROM pintle.job_state WHERE queue = $1 AND state = 'released')))::float8";

impl Store {
    /// For how long the first of `queue` that is due has waited for a hand; zero if none waits.
    pub async fn waits_since(&self, queue: &str) -> Result<Duration, StoreError> {
        let age: Option<f64> = sqlx::query_scalar(FIRST)
            .bind(queue)
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("look for how long work waits"))?;
        Ok(Duration::from_secs_f64(age.unwrap_or_default().max(0.0)))
    }

    /// Both.
    pub async fn stats(&self) -> Result<(Vec<InState>, Vec<LastHour>), StoreError> {
        let failed = || StoreError::during("count jobs");
        let states = sqlx::query_as(STATS).bind(SOURCE).fetch_all(&self.pool).await.map_err(failed())?;
        let hour = sqlx::query_as(HOUR).bind(SOURCE).fetch_all(&self.pool).await.map_err(failed())?;
        Ok((states, hour))
    }
}
