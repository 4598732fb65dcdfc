//! What becomes of the jobs: done, stale, or failed.

use super::claim::Job;
use crate::store::dependents::cancel_dependents;
use sqlx::PgConnection;
use uuid::Uuid;

const FINISH: &str = "UPDATE pintle.job_state SET state = $3, reason = $4, changed_at = clock_timestamp()
    WHERE job_id = ANY($1) AND delivery = $2 AND state || '' = 'released'";

/// Attempts of a row change that the database refuses for its data: none may help, so none are spent.
const DEAD: &str =
    "UPDATE pintle.job_state SET state = 'dead', attempts = attempts + 1, reason = $3, changed_at = clock_timestamp()
    WHERE job_id = $1 AND delivery = $2 AND state = 'released'";

const AGAIN: &str = "UPDATE pintle.job_state SET state = 'queued', delivery = NULL, attempts = attempts + 1, reason = $3, changed_at = clock_timestamp(),
        not_before = clock_timestamp() + make_interval(secs => least(60, power(2, attempts)) * (0.5 + random()))
    WHERE job_id = $1 AND delivery = $2 AND state = 'released'";

/// Done; the effect stands in the same transaction.
pub(super) async fn done(tx: &mut PgConnection, jobs: &[i64], delivery: Uuid) -> Result<(), sqlx::Error> {
    finish(tx, jobs, delivery, "done", None).await
}

/// The row moved since it was planned: nothing is written, and the next tick plans it anew.
pub(super) async fn stale(tx: &mut PgConnection, jobs: &[i64], delivery: Uuid) -> Result<(), sqlx::Error> {
    finish(tx, jobs, delivery, "superseded", Some("stale")).await
}

/// Somebody paused it: nothing is written, and the next plan says so.
pub(super) async fn paused(tx: &mut PgConnection, jobs: &[i64], delivery: Uuid) -> Result<(), sqlx::Error> {
    finish(tx, jobs, delivery, "superseded", Some("paused")).await
}

async fn finish(
    tx: &mut PgConnection,
    jobs: &[i64],
    delivery: Uuid,
    state: &str,
    reason: Option<&str>,
) -> Result<(), sqlx::Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    sqlx::query(FINISH).bind(jobs).bind(delivery).bind(state).bind(reason).execute(&mut *tx).await?;
    if state == "done" { Ok(()) } else { cancel_dependents(tx, jobs).await }
}

/// A dead letter: told by its error, held until retried by hand or given another target.
pub(super) async fn dead(tx: &mut PgConnection, job: &Job, delivery: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    sqlx::query(DEAD).bind(job.id).bind(delivery).bind(reason).execute(&mut *tx).await?;
    cancel_dependents(tx, &[job.id]).await
}

/// Later, with exponential backoff and jitter.
pub(super) async fn again(tx: &mut PgConnection, job: &Job, delivery: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AGAIN).bind(job.id).bind(delivery).bind(reason).execute(tx).await.map(|_| ())
}
