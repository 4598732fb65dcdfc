//! Work ends: its result and its record are written under the fence that it started with, or not at all. What a handler
//! says is text of somebody else: it is cut, and stripped of what a database or a terminal would stumble over.

use super::start::Work;
use crate::store::audit::{AuditWriter, Taken};
use crate::store::{Store, StoreError};
use pintle_core::audit::{Draft, Outcome, Stage};
use sqlx::Row;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Characters of what is said that are kept.
const MAX_SAID: usize = 1_000;
/// Tries of a job whose failure may pass.
pub const MAX_ATTEMPTS: i16 = 8;

/// How long the next try waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pause {
    /// About this long: the ledger draws from half of it to half as much again.
    pub about: Duration,
    /// Never shorter, up to [`Pause::LONGEST`].
    pub at_least: Duration,
}

impl Pause {
    /// Nobody may ask for more.
    pub const LONGEST: Duration = Duration::from_hours(1);
}

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
    Again {
        /// Why.
        reason: String,
        /// A stable word.
        code: &'static str,
        /// When.
        pause: Pause,
    },
    /// It stopped because somebody cancelled it.
    Cancelled(String),
    /// It was stopped, because this process ends; it begins anew elsewhere.
    Stopped,
}

/// Who was cancelled meanwhile does not begin anew; who does waits, with jitter, where it failed. With what ends, places in
/// the log for as many records, and what the relay is to be told. What joins the queue at the same moment looks for room
/// by itself.
static FINISH: LazyLock<String> = LazyLock::new(|| {
    let taken = Taken::sql("(SELECT count(*) FROM finished)", 8);
    format!("WITH crowd AS MATERIALIZED (SELECT EXISTS (SELECT FROM pintle.job_state WHERE queue IN ('work', 'external') AND state = 'queued') AS waits),
    finished AS (UPDATE pintle.job_state s SET cancel = NULL, process = NULL, changed_at = clock_timestamp(), attempts = s.attempts + own.tries,
        state = CASE WHEN own.state = 'queued' AND s.cancel IS NOT NULL THEN 'cancelled' ELSE own.state END,
        reason = CASE WHEN own.state = 'queued' THEN coalesce(s.cancel, own.reason) ELSE own.reason END,
        delivery = CASE WHEN own.state <> 'queued' THEN s.delivery END,
        not_before = CASE WHEN own.state <> 'queued' THEN s.not_before
            ELSE clock_timestamp() + make_interval(secs => greatest(own.at_least, own.about * (0.5 + random()))) END
    FROM (SELECT unnest($1::bigint[]) AS job_id, unnest($2::bigint[]) AS fence, unnest($3::text[]) AS state, unnest($4::text[]) AS reason,
        unnest($5::smallint[]) AS tries, unnest($6::double precision[]) AS about, unnest($7::double precision[]) AS at_least) own
    WHERE s.job_id = own.job_id AND s.fence = own.fence AND s.state = 'running' RETURNING s.fence, s.state, s.reason,
        CASE WHEN s.state = 'queued' OR s.turn IS NOT NULL THEN 'work'
            WHEN (SELECT waits FROM crowd) THEN 'room' END AS told),
    taken AS ({taken})
    SELECT finished.*, taken.* FROM finished LEFT JOIN taken ON true")
});

/// A try, and what became of it.
pub type Tried = (Arc<Work>, Attempt);

impl Store {
    /// Writes down what became of each of `tried`; gives the fences of those that were still held.
    pub async fn finish_work(&self, writer: &AuditWriter, tried: &[Tried]) -> Result<HashSet<i64>, StoreError> {
        let failed = || StoreError::during("finish jobs");
        let mut tried: Vec<&Tried> = tried.iter().collect();
        // In one order: see `start_work`.
        tried.sort_unstable_by_key(|(work, _)| work.job);
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let ends: Vec<End> = tried.iter().map(|(work, attempt)| End::of(work, attempt)).collect();
        let finish = sqlx::query(FINISH.as_str())
            .bind(tried.iter().map(|(work, _)| work.job).collect::<Vec<_>>())
            .bind(tried.iter().map(|(work, _)| work.fence).collect::<Vec<_>>())
            .bind(ends.iter().map(|end| end.state).collect::<Vec<_>>())
            .bind(ends.iter().map(|end| told(end.reason)).collect::<Vec<_>>())
            .bind(ends.iter().map(|end| end.tries).collect::<Vec<_>>())
            .bind(ends.iter().map(|end| end.pause.about.as_secs_f64()).collect::<Vec<_>>())
            .bind(ends.iter().map(|end| end.pause.at_least.min(Pause::LONGEST).as_secs_f64()).collect::<Vec<_>>());
        let rows = writer.bind(finish).fetch_all(&mut *tx).await.map_err(failed())?;
        let Some(first) = rows.first() else { return Ok(HashSet::new()) };
        let taken = Taken::of(first)?;
        let written: Vec<(i64, String, String, Option<String>)> = rows
            .iter()
            .map(|row| Ok((row.try_get("fence")?, row.try_get("state")?, row.try_get("reason")?, row.try_get("told")?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(failed())?;
        let by_fence: HashMap<i64, &Tried> = tried.iter().map(|one| (one.0.fence, *one)).collect();
        let drafts: Vec<Draft> = written
            .iter()
            .filter_map(|(fence, state, reason, _)| {
                let (work, attempt) = by_fence.get(fence)?;
                let reason = Some(reason).filter(|reason| !reason.is_empty()).cloned();
                Some(work.draft(Stage::Outcome, outcome(state, attempt), reason))
            })
            .collect();
        writer.append_at(&mut tx, &drafts, taken).await?;
        // Most ends let nothing go, or only what waits for room. "work" is the greater word.
        if let Some(told) = written.iter().filter_map(|(.., told)| told.as_deref()).max() {
            sqlx::query("SELECT pg_notify('pintle_jobs', $1)").bind(told).execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(written.into_iter().map(|(fence, ..)| fence).collect())
    }
}

/// What the ledger is told.
struct End<'a> {
    state: &'static str,
    reason: &'a str,
    tries: i16,
    pause: Pause,
}

impl<'a> End<'a> {
    fn of(work: &Work, attempt: &'a Attempt) -> Self {
        let spent = work.attempt >= MAX_ATTEMPTS;
        let end = |state, reason, tries| Self { state, reason, tries, pause: Pause::default() };
        match attempt {
            Attempt::Done(said) => end("done", said.as_str(), 1),
            Attempt::Failed { reason, .. } => end("dead", reason.as_str(), 1),
            Attempt::Again { reason, .. } if spent => end("dead", reason.as_str(), 1),
            Attempt::Again { reason, pause, .. } => Self { pause: *pause, ..end("queued", reason.as_str(), 1) },
            Attempt::Cancelled(reason) => end("cancelled", reason.as_str(), 0),
            Attempt::Stopped => end("queued", "the process that ran it stopped", 0),
        }
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
        (_, Attempt::Again { code, .. }) => ("failed", Some(*code)),
        _ => ("failed", None),
    };
    Outcome { status, code: code.map(str::to_owned) }
}
