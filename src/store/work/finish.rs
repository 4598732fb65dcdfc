//! Work ends: its result and its record are written under the fence that it started with, or not at all. What a handler
//! says is text of somebody else: it is cut, and stripped of what a database or a terminal would stumble over.

use super::start::Work;
use crate::store::audit::AuditWriter;
use crate::store::dependents::cancel_dependents;
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
    WHERE job_id = $1 AND fence = $2 AND state = 'running'";

/// Later, with exponential backoff and jitter; at once where it was only stopped.
const AGAIN: &str = "UPDATE pintle.job_state SET state = CASE WHEN cancel IS NULL THEN 'queued' ELSE 'cancelled' END, reason = coalesce(cancel, $3), cancel = NULL,
        delivery = NULL, process = NULL, changed_at = clock_timestamp(), attempts = attempts + $4,
        not_before = clock_timestamp() + $4 * make_interval(secs => least(300, 2 * power(2, attempts)) * (0.5 + random()))
    WHERE job_id = $1 AND fence = $2 AND state = 'running'";

impl Store {
    /// Writes down what became of `work`. False: another holds it by now, and nothing was written.
    pub async fn finish_work(&self, writer: &AuditWriter, work: &Work, attempt: &Attempt) -> Result<bool, StoreError> {
        let failed = || StoreError::during("finish a job");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let spent = work.attempt >= MAX_ATTEMPTS;
        let ended = |state: &'static str, reason: &str| {
            sqlx::query(END).bind(work.job).bind(work.fence).bind(state).bind(told(reason))
        };
        let again = |reason: &str, tries: i16| {
            sqlx::query(AGAIN).bind(work.job).bind(work.fence).bind(told(reason)).bind(tries)
        };
        let statement = match attempt {
            Attempt::Done(said) => ended("done", said),
            Attempt::Failed { reason, .. } => ended("dead", reason),
            Attempt::Again(reason) if spent => ended("dead", reason),
            Attempt::Again(reason) => again(reason, 1),
            Attempt::Cancelled(reason) => ended("cancelled", reason),
            Attempt::Stopped => again("the process that ran it stopped", 0),
        };
        if statement.execute(&mut *tx).await.map_err(failed())?.rows_affected() == 0 {
            return Ok(false);
        }
        let over =
            !matches!(attempt, Attempt::Done(_) | Attempt::Stopped) && (spent || !matches!(attempt, Attempt::Again(_)));
        if over {
            cancel_dependents(&mut tx, &[work.job]).await.map_err(failed())?;
        }
        let draft = work.draft(Stage::Outcome, outcome(attempt, spent), reason(attempt));
        writer.append(&mut tx, &[draft]).await?;
        sqlx::query("SELECT pg_notify('pintle_jobs', 'work')").execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(true)
    }
}

fn told(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

fn outcome(attempt: &Attempt, spent: bool) -> Outcome {
    let (status, code) = match attempt {
        Attempt::Done(_) => ("ok", None),
        Attempt::Failed { code, .. } => ("failed", Some(*code)),
        Attempt::Again(_) if spent => ("failed", Some("attempts-spent")),
        Attempt::Again(_) => ("failed", Some("tried-again")),
        Attempt::Cancelled(_) => ("refused", Some("cancelled")),
        Attempt::Stopped => ("failed", Some("stopped")),
    };
    Outcome { status, code: code.map(str::to_owned) }
}

fn reason(attempt: &Attempt) -> Option<String> {
    match attempt {
        Attempt::Done(said) => (!said.is_empty()).then(|| told(said)),
        Attempt::Failed { reason, .. } | Attempt::Again(reason) | Attempt::Cancelled(reason) => Some(told(reason)),
        Attempt::Stopped => None,
    }
}
