//! Ticks for people: what became of them, and those that somebody asks for by hand.

use super::adding::insert;
use super::open::Memory;
use super::ticks::{Fired, Tick};
use crate::store::acceptance::SOURCE;
use crate::store::audit::AuditWriter;
use crate::store::rows::moment;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::{Actor, Draft, GitRef, Outcome, Stage};
use pintle_core::change::ObjectKey;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// What may become of a tick.
pub const OUTCOMES: &[&str] = &["run", "cancelled", "overlap", "closed", "missed"];

const RUNS: &str = "SELECT r.id, r.schedule, r.trigger, r.outcome, r.job_id, r.by_whom, r.reason, s.state, s.attempts, s.reason AS said,
        (extract(epoch FROM r.tick) * 1000000)::bigint AS tick_us, (extract(epoch FROM r.decided_at) * 1000000)::bigint AS decided_us,
        (extract(epoch FROM s.started_at) * 1000000)::bigint AS started_us,
        (extract(epoch FROM CASE WHEN s.state IN ('done', 'dead', 'cancelled', 'superseded') THEN s.changed_at END) * 1000000)::bigint AS ended_us
    FROM pintle.runs r LEFT JOIN pintle.job_state s ON s.job_id = r.job_id
    WHERE r.source_id = $1 AND ($2::text IS NULL OR r.schedule = $2) AND ($3::text[] IS NULL OR r.outcome = ANY($3))
      AND (NOT $5 OR r.id = (SELECT x.id FROM pintle.runs x WHERE x.source_id = r.source_id AND x.schedule = r.schedule AND x.outcome = 'run' ORDER BY x.id DESC LIMIT 1))
    ORDER BY r.id DESC LIMIT $4";

/// What became of one tick.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// The Schedule.
    pub schedule: String,
    /// The scheduled time.
    pub tick: Option<Timestamp>,
    /// `clock`, `late`, `hand`, `backfill`.
    pub trigger: String,
    /// `run`, `cancelled` before it ran again by hand, or why not: `overlap`, `closed`, `missed`.
    pub outcome: String,
    /// The job, if it ran.
    pub job: Option<i64>,
    /// How the job stands; `None` when its state was pruned.
    pub state: Option<String>,
    /// How often it was tried.
    pub attempts: Option<i16>,
    /// What it said at its end, or why it failed.
    pub said: Option<String>,
    /// Who asked for it, if not the clock.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When it started last.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Which ticks.
#[derive(Debug, Clone, Default)]
pub struct RunFilter<'a> {
    /// Of one Schedule.
    pub schedule: Option<&'a str>,
    /// With one of these outcomes; any if empty.
    pub outcomes: Vec<String>,
    /// At most so many.
    pub limit: i64,
    /// Only the last run of each schedule.
    pub last: bool,
}

impl Store {
    /// Ticks, newest first.
    pub async fn runs(&self, filter: &RunFilter<'_>) -> Result<Vec<RunRow>, StoreError> {
        let failed = || StoreError::during("read the history of schedules");
        let rows = sqlx::query(RUNS)
            .bind(SOURCE)
            .bind(filter.schedule)
            .bind((!filter.outcomes.is_empty()).then_some(&filter.outcomes))
            .bind(filter.limit)
            .bind(filter.last)
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        rows.iter().map(run).collect::<Result<_, _>>().map_err(failed())
    }

    /// Turns `ticks`, all of one schedule, into runs that somebody asked for; recorded as `action`. Gives what became of them.
    pub async fn run_by_hand(
        &self,
        writer: &AuditWriter,
        action: &str,
        ticks: &[Tick<'_>],
    ) -> Result<Fired, StoreError> {
        let failed = || StoreError::during("run by hand");
        let mut tx = self.begin().await.map_err(failed())?;
        let mut fired = insert(&mut tx, ticks, &mut Memory::default(), None, None).await?;
        let mut drafts = std::mem::take(&mut fired.cancelled);
        drafts.extend(ticks.first().map(|tick| draft(action, tick, &fired)));
        writer.append(&mut tx, &drafts).await?;
        tx.commit().await.map_err(failed())?;
        Ok(fired)
    }
}

fn run(row: &PgRow) -> Result<RunRow, sqlx::Error> {
    Ok(RunRow {
        schedule: row.try_get("schedule")?,
        tick: moment(row, "tick_us")?,
        trigger: row.try_get("trigger")?,
        outcome: row.try_get("outcome")?,
        job: row.try_get("job_id")?,
        state: row.try_get("state")?,
        attempts: row.try_get("attempts")?,
        said: row.try_get("said")?,
        by: row.try_get("by_whom")?,
        reason: row.try_get("reason")?,
        decided_at: moment(row, "decided_us")?,
        started_at: moment(row, "started_us")?,
        ended_at: moment(row, "ended_us")?,
    })
}

fn draft(action: &str, tick: &Tick<'_>, fired: &Fired) -> Draft {
    let schedule = tick.schedule;
    let (by, reason) = tick.by.unwrap_or_default();
    let range = match (fired.jobs.first(), fired.jobs.last()) {
        (Some(first), Some(last)) if first != last => format!("jobs {first} to {last}"),
        (Some(first), _) => format!("job {first}"),
        _ => "no job".to_owned(),
    };
    let dropped = Outcome { status: "refused", code: Some("overlap".into()) };
    let nothing_ran = fired.jobs.is_empty() && fired.overlapping > 0;
    Draft {
        outcome: if nothing_ran { dropped } else { Outcome::ok() },
        correlation: Some(range),
        resource: Some((ObjectKey::new("Schedule", schedule.name.as_str()), Some(schedule.uid))),
        git: schedule.commit.clone().map(|commit| GitRef {
            source: schedule.source.clone(),
            commit,
            path: schedule.file.clone(),
            line: None,
            action_digest: None,
        }),
        reason: Some(reason.to_owned()),
        ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(by), action)
    }
}
