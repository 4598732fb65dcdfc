//! Work ends: its result and its record are written under the fence that it started with, or not at all. What a handler
//! says is text of somebody else: it is cut, and stripped of what a database or a terminal would stumble over.

use super::piece::Work;
use super::start::LOOKS;
use crate::store::StoreError;
use crate::store::audit::{AuditWriter, standing, writing};
use pintle_core::audit::{Draft, Outcome, Stage};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
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

/// Which of what is to end is held by those fences still, whether somebody cancelled it, and where the writer stands.
static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.fence, s.cancel, {} FROM unnest($1::bigint[], $2::bigint[]) AS own (job_id, fence)
    JOIN pintle.job_state s ON s.job_id = own.job_id AND s.fence = own.fence AND s.state || '' = 'running'",
        standing(3)
    )
});

/// What begins anew waits, with jitter, where it failed, and was not cancelled. With what ends the relay is told of it. What
/// joins the queue at the same moment looks for room by itself.
static FINISH: LazyLock<String> = LazyLock::new(|| {
    let with = "crowd AS MATERIALIZED (SELECT EXISTS (SELECT FROM pintle.job_state WHERE queue IN ('work', 'external') AND state = 'queued') AS waits),
    finished AS (UPDATE pintle.job_state s SET cancel = NULL, process = NULL, changed_at = clock_timestamp(), attempts = s.attempts + own.tries,
        state = own.state, reason = own.reason, delivery = CASE WHEN own.state <> 'queued' THEN s.delivery END,
        not_before = CASE WHEN own.state <> 'queued' THEN s.not_before
            ELSE clock_timestamp() + make_interval(secs => greatest(own.at_least, own.about * (0.5 + random()))) END
    FROM (SELECT unnest($1::bigint[]) AS job_id, unnest($2::bigint[]) AS fence, unnest($3::text[]) AS state, unnest($4::text[]) AS reason,
        unnest($5::smallint[]) AS tries, unnest($6::double precision[]) AS about, unnest($7::double precision[]) AS at_least) own
    WHERE s.job_id = own.job_id AND s.fence = own.fence AND s.state || '' = 'running' AND (own.state <> 'queued' OR s.cancel IS NULL)
    RETURNING CASE WHEN s.state = 'queued' OR s.turn IS NOT NULL THEN 'work'
        WHEN (SELECT waits FROM crowd) THEN 'room' END AS told)";
    // Most ends let nothing go, or only what waits for room. "work" is the greater word.
    let told = ", (SELECT pg_notify('pintle_jobs', max(told)) FROM finished HAVING max(told) IS NOT NULL)";
    writing(with, "(SELECT count(*) FROM finished) = cardinality($1::bigint[])", told, 8)
});

/// A try, and what became of it.
pub type Tried = (Arc<Work>, Attempt);

/// Writes down what became of each of `tried`; gives the fences of those that were still held.
///
/// All are taken to be held, and nobody to have cancelled any: where that is not so nothing is written, and it is looked.
pub async fn finish(
    connection: &mut PgConnection,
    writer: &AuditWriter,
    tried: &[Tried],
) -> Result<HashSet<i64>, StoreError> {
    let mut ends: Vec<End<'_>> = tried.iter().map(|(work, attempt)| End::of(work, attempt)).collect();
    // In one order: see `start`.
    ends.sort_unstable_by_key(|end| end.work.job);
    for again in 0..LOOKS {
        if again > 0 || !writer.foresees() {
            ends = look(connection, writer, ends).await?;
        }
        if ends.is_empty() || write(connection, writer, &ends).await.map_err(StoreError::during("finish jobs"))? {
            return Ok(ends.into_iter().map(|end| end.work.fence).collect());
        }
    }
    Err(StoreError::Overtaken("finish jobs"))
}

/// Those of `ends` that are held still, as who may have cancelled them leaves them.
async fn look<'a>(
    connection: &mut PgConnection,
    writer: &AuditWriter,
    ends: Vec<End<'a>>,
) -> Result<Vec<End<'a>>, StoreError> {
    let failed = || StoreError::during("finish jobs");
    let (jobs, fences): (Vec<i64>, Vec<i64>) = ends.iter().map(|end| (end.work.job, end.work.fence)).unzip();
    let look = writer.bind(sqlx::query(LOOK.as_str()).bind(jobs).bind(fences));
    let rows = look.fetch_all(connection).await.map_err(failed())?;
    if let Some(first) = rows.first() {
        writer.learn_from(first)?;
    }
    let held = |row: &PgRow| Ok((row.try_get("fence")?, row.try_get("cancel")?));
    let held = rows.iter().map(held).collect::<Result<HashMap<i64, Option<String>>, sqlx::Error>>().map_err(failed())?;
    let as_it_is = |end: End<'a>| held.get(&end.work.fence).map(|why| end.cancelled(why.as_deref()));
    Ok(ends.into_iter().filter_map(as_it_is).collect())
}

/// Whether all of `ends` were as they were taken to be, and are written.
async fn write(connection: &mut PgConnection, writer: &AuditWriter, ends: &[End<'_>]) -> Result<bool, sqlx::Error> {
    let drafts: Vec<Draft> = ends.iter().map(End::draft).collect();
    // Two writers know the time a little differently: nothing ends before it began.
    let began = ends.iter().map(|end| end.work.started_at).max().unwrap_or_default();
    let Some(foreseen) = writer.foreseen(&drafts, began) else { return Ok(false) };
    let finish = sqlx::query(FINISH.as_str())
        .bind(ends.iter().map(|end| end.work.job).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.work.fence).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.state).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| &*end.reason).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.tries).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.pause.about.as_secs_f64()).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.pause.at_least.min(Pause::LONGEST).as_secs_f64()).collect::<Vec<_>>());
    writer.write(connection, finish, foreseen).await
}

/// What the ledger is told of a try.
struct End<'a> {
    work: &'a Work,
    attempt: &'a Attempt,
    state: &'static str,
    reason: String,
    tries: i16,
    pause: Pause,
}

impl<'a> End<'a> {
    fn of(work: &'a Work, attempt: &'a Attempt) -> Self {
        let spent = work.attempt >= MAX_ATTEMPTS;
        let end = |state, reason: &str, tries| Self {
            work,
            attempt,
            state,
            reason: told(reason),
            tries,
            pause: Pause::default(),
        };
        match attempt {
            Attempt::Done(said) => end("done", said, 1),
            Attempt::Failed { reason, .. } => end("dead", reason, 1),
            Attempt::Again { reason, .. } if spent => end("dead", reason, 1),
            Attempt::Again { reason, pause, .. } => Self { pause: *pause, ..end("queued", reason, 1) },
            Attempt::Cancelled(reason) => end("cancelled", reason, 0),
            Attempt::Stopped => end("queued", "the process that ran it stopped", 0),
        }
    }

    /// Who was cancelled meanwhile does not begin anew: `why` says whether it was.
    fn cancelled(self, why: Option<&str>) -> Self {
        match why {
            Some(why) if self.state == "queued" => Self { state: "cancelled", reason: why.to_owned(), ..self },
            _ => self,
        }
    }

    fn draft(&self) -> Draft {
        let reason = Some(self.reason.clone()).filter(|reason| !reason.is_empty());
        self.work.draft(Stage::Outcome, outcome(self.state, self.attempt), reason)
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
