//! What waits for a job that will never be done. It is cancelled in the transaction that ends that job,
//! and planned anew by the next tick.

use sqlx::PgConnection;

const CANCEL: &str = "WITH RECURSIVE waiting AS (
        SELECT n.job_id FROM pintle.job_needs n JOIN pintle.job_state s ON s.job_id = n.job_id AND s.state = 'queued' WHERE n.needs = ANY($1)
        UNION
        SELECT n.job_id FROM waiting w JOIN pintle.job_needs n ON n.needs = w.job_id JOIN pintle.job_state s ON s.job_id = n.job_id AND s.state = 'queued')
    UPDATE pintle.job_state s SET state = 'cancelled', reason = 'dependency', changed_at = clock_timestamp()
    FROM waiting w WHERE s.job_id = w.job_id AND s.state = 'queued'";

/// Held until the end of the transaction: none of them ends meanwhile without seeing who waits for it.
const HOLD: &str = "SELECT job_id, state IN ('superseded', 'cancelled', 'dead') FROM pintle.job_state WHERE job_id = ANY($1) ORDER BY job_id FOR SHARE";

/// Cancels what waits for `ended`, which will never be done.
pub(super) async fn cancel_dependents(tx: &mut PgConnection, ended: &[i64]) -> Result<(), sqlx::Error> {
    if ended.is_empty() || sqlx::query(CANCEL).bind(ended).execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query("SELECT pg_notify('pintle_jobs', 'cancelled')").execute(tx).await.map(|_| ())
}

/// Cancels what waits for those of `needed` that ended since they were read, and keeps the others from ending
/// unseen.
pub(super) async fn cancel_orphans(tx: &mut PgConnection, needed: &[i64]) -> Result<(), sqlx::Error> {
    if needed.is_empty() {
        return Ok(());
    }
    let held: Vec<(i64, bool)> = sqlx::query_as(HOLD).bind(needed).fetch_all(&mut *tx).await?;
    let ended: Vec<i64> = held.into_iter().filter_map(|(job, ended)| ended.then_some(job)).collect();
    cancel_dependents(tx, &ended).await
}
