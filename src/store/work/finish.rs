//! Work ends: its result and its record are written under the fence that it started with, or not at all. What a handler
//! says is text of somebody else: it is cut, and stripped of what a database or a terminal would stumble over.

use super::start::Work;
use crate::store::audit::AuditWriter;
use crate::store::{Store, StoreError};
use pintle_core::audit::{Outcome, Stage};

/// Characters of what is said that are kept.
const MAX_SAID: usize = 1_000;
/// Tries of a job whose failure may pass.
pub const MAX_ATTEMPTS: i16 = 5;

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It is done; what it said.
    Done(String),
    /// It failed for good.
    Failed {
        /// Why.
        reason: String,
        /// A stable word.
        code: &'static str,
    },
    /// It failed, and may work later.
    Again(String),
    /// It stopped because somebody cancelled it.
    Cancelled(String),
    /// It was stopped, because this process ends; it begins anew elsewhere.
    Stopped,
}

const END: &str =
    "UPDATE pintle.job_state SET state = $3, reason = $4, cancel = NULL, process = NULL, changed_at = clock_timestamp(),
        attempts = attempts + CASE WHEN $3 = 'cancelled' THEN 0 ELSE 1 END
    WHERE job_id = $1 AND fence = $2 AND state = 'running' RETURNING state, reason";

/// Later, with exponential backoff and jitter; at once where it was only stopped; not at all where somebody cancelled it.
const AGAIN: &str = "UPDATE pintle.job_state SET state = CASE WHEN cancel IS NULL THEN 'queued' ELSE 'cancelled' END, reason = coalesce(cancel, $3), cancel = NULL,
        delivery = NULL, process = NULL, changed_at = clock_timestamp(), attempts = attempts + $4,
        not_before = clock_timestamp() + $4 * make_interval(secs => least(300, 2 * power(2, attempts)) * (0.5 + random()))
    WHERE job_id = $1 AND fence = $2 AND state = 'running' RETURNING state, reason";

impl Store {
    /// Writes down what became of `work`. False: another holds it by now, and nothing was written.
    pub async fn finish_work(&self, writer: &AuditWriter, work: &Work, attempt: &Attempt) -> Result<bool, StoreError> {
        let failed = || StoreError::during("finish a job");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let spent = work.attempt >= MAX_ATTEMPTS;
        let ended = |state: &'static str, reason: &str| {
            sqlx::query_as(END).bind(work.job).bind(work.fence).bind(state).bind(told(reason))
        };
        let again = |reason: &str, tries: i16| {
            sqlx::query_as(AGAIN).bind(work.job).bind(work.fence).bind(told(reason)).bind(tries)
        };
        let statement = match attempt {
            Attempt::Done(said) => ended("done", said),
            Attempt::Failed { reason, .. } => ended("dead", reason),
            Attempt::Again(reason) if spent => ended("dead", reason),
            Attempt::Again(reason) => again(reason, 1),
            Attempt::Cancelled(reason) => ended("cancelled", reason),
            Attempt::Stopped => again("the process that ran it stopped", 0),
        };
        let written: Option<(String, String)> = statement.fetch_optional(&mut *tx).await.map_err(failed())?;
        let Some((state, reason)) = written else { return Ok(false) };
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        writer.append(&mut tx, &[work.draft(Stage::Outcome, outcome(&state, attempt), reason)]).await?;
        sqlx::query("SELECT pg_notify('pintle_jobs', 'work')").execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(true)
    }
}

fn told(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

/// What the record says of a try that left its job in `state`.
fn outcome(state: &str, attempt: &Attempt) -> Outcome {
    let (status, code) = match (state, attempt) {
        ("done", _) => ("ok", None),
        ("cancelled", _) => ("refused", Some("cancelled")),
        (_, Attempt::Failed { code, .. }) => ("failed", Some(*code)),
        ("dead", _) => ("failed", Some("attempts-spent")),
        (_, Attempt::Stopped) => ("failed", Some("stopped")),
        _ => ("failed", Some("tried-again")),
    };
    Outcome { status, code: code.map(str::to_owned) }
}
