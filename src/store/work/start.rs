//! Released work starts: it draws a fence, and says before anything is done what is about to be done.

use crate::store::StoreError;
use crate::store::audit::{AuditWriter, standing, writing};
use crate::store::pauses::{LOCK, pauses};
use crate::store::rows::moment;
use jiff::Timestamp;
use pintle_core::audit::{Actor, Draft, GitRef, JobRef, Outcome, Stage};
use pintle_core::change::ObjectKey;
use pintle_core::model::guard::Subject;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use std::sync::LazyLock;
use uuid::Uuid;

/// What was asked for and may start, under the fence that it will start with, what is paused, and where the writer stands. A
/// delivery is claimed once: a fence that is drawn by who knows the delivery is above those of all earlier ones.
static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT s.job_id, s.delivery, nextval('pintle.fences') AS fence, s.attempts, s.partner, j.object_name, j.uid, j.body, j.file, coalesce(o.repo_id::text, '') AS repo_id,
        EXISTS (SELECT FROM pintle.pauses WHERE ended_at IS NULL) AS paused, {}
    FROM unnest($1::bigint[], $2::uuid[]) AS asked (job_id, delivery) JOIN pintle.job_state s ON s.job_id = asked.job_id AND s.delivery = asked.delivery AND s.state = 'released'
    JOIN pintle.jobs j ON j.id = s.job_id LEFT JOIN pintle.sources o ON o.id = j.source_id", standing(3))
});

/// Nothing else is paused than was seen before this ends.
static START: LazyLock<String> = LazyLock::new(|| {
    let with = "held AS MATERIALIZED (SELECT pintle.paused_under($7) AS pauses),
    started AS (
        UPDATE pintle.job_state s SET state = own.state, reason = CASE own.state WHEN 'cancelled' THEN 'paused' ELSE s.reason END,
            fence = own.fence, process = CASE own.state WHEN 'running' THEN $5::uuid END, started_at = to_timestamp($6::bigint / 1000000.0), changed_at = clock_timestamp()
        FROM held, (SELECT unnest($1::bigint[]) AS job_id, unnest($2::uuid[]) AS delivery, unnest($3::bigint[]) AS fence, unnest($4::text[]) AS state) own
        WHERE s.job_id = own.job_id AND s.delivery = own.delivery AND s.state = 'released' AND held.pauses = $8::bigint[]
        RETURNING s.job_id)";
    writing(with, "(SELECT count(*) FROM started) = cardinality($1::bigint[])", "", 9)
});

/// How often it is tried before it is given up.
pub(super) const LOOKS: usize = 8;

/// What the partner of work that is of none begins with: no name can.
pub(in crate::store) const NOBODY: char = '~';

/// The partner that is told of.
pub(in crate::store) fn partner_told(partner: String) -> Option<String> {
    (!partner.is_empty() && !partner.starts_with(NOBODY)).then_some(partner)
}

/// Work that this process runs.
#[derive(Debug, Clone)]
pub struct Work {
    /// The ledger's number; with `step` the key that drivers and receivers know a repetition by.
    pub job: i64,
    /// Drawn with this start; whoever holds a higher one is the one that counts.
    pub fence: i64,
    /// Which try this is, from 1.
    pub attempt: i16,
    /// The Schedule.
    pub schedule: String,
    /// Its identity.
    pub uid: Uuid,
    /// The scheduled time.
    pub tick: Timestamp,
    /// When this try started, by the database's clock.
    pub started_at: Timestamp,
    /// Why it runs: `clock`, `late`, `hand`, `backfill`.
    pub trigger: String,
    /// How long one try may take, where the Schedule says so.
    pub deadline: Option<String>,
    /// What the Schedule says below `job`.
    pub spec: Value,
    partner: Option<String>,
    git: Option<GitRef>,
}

impl Work {
    /// Which job it does.
    pub fn kind(&self) -> &str {
        self.spec.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Of this try alone: what tells its files from those of another.
    pub fn mark(&self) -> String {
        format!("{}-{}", self.job, self.fence)
    }

    /// A field of the job that is text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.spec.get(field).and_then(Value::as_str)
    }

    /// The same over every try, and other for every tick.
    pub fn key(&self) -> String {
        format!("{}/run", self.job)
    }

    /// An audit record about it.
    pub(super) fn draft(&self, stage: Stage, outcome: Outcome, reason: Option<String>) -> Draft {
        Draft {
            partner: self.partner.clone(),
            git: self.git.clone(),
            outcome,
            reason,
            ..about((self.job, self.fence), (&self.schedule, self.uid), &self.tick.to_string(), self.kind(), stage)
        }
    }
}

/// What every record about a try says.
fn about((job, fence): (i64, i64), (schedule, uid): (&str, Uuid), tick: &str, kind: &str, stage: Stage) -> Draft {
    Draft {
        correlation: Some(format!("tick {tick}")),
        resource: Some((ObjectKey::new("Schedule", schedule), Some(uid))),
        job: Some(JobRef { id: job, step: None, fence: Some(fence) }),
        ..Draft::new(Uuid::now_v7(), stage, Actor::system(), kind.to_owned())
    }
}

/// The outcome of a try whose process cannot tell it any more: `code` says why.
pub(super) fn lost(row: &PgRow, code: &str) -> Result<Draft, sqlx::Error> {
    let Json(body): Json<Value> = row.try_get("body")?;
    let (state, partner): (String, String) = (row.try_get("state")?, row.try_get("partner")?);
    let schedule: String = row.try_get("object_name")?;
    let kind = body.pointer("/job/kind").and_then(Value::as_str).unwrap_or_default();
    let tick = body.get("tick").and_then(Value::as_str).unwrap_or_default();
    let (status, code) = if state == "cancelled" { ("refused", "cancelled") } else { ("failed", code) };
    let try_of = (row.try_get("job_id")?, row.try_get("fence")?);
    Ok(Draft {
        partner: partner_told(partner),
        outcome: Outcome { status, code: Some(code.into()) },
        reason: row.try_get("reason")?,
        ..about(try_of, (&schedule, row.try_get("uid")?), tick, kind, Stage::Outcome)
    })
}

/// Claims for `process` what is asked for, each job by the delivery that brought it. Gives what starts, with its delivery:
/// not what the ledger knows nothing of, nor what somebody paused.
///
/// It is looked first, and what was seen then is claimed and recorded in one statement, or nothing if it does not hold any
/// more.
pub async fn start(
    connection: &mut PgConnection,
    writer: &AuditWriter,
    process: Uuid,
    asked: &[(Uuid, i64)],
) -> Result<Vec<(Uuid, Work)>, StoreError> {
    let (deliveries, jobs): (Vec<Uuid>, Vec<i64>) = asked.iter().copied().unzip();
    for _ in 0..LOOKS {
        let Some(seen) = Seen::look(connection, writer, &jobs, &deliveries).await? else { return Ok(Vec::new()) };
        let claimed = seen.claim(connection, writer, process).await.map_err(StoreError::during("start jobs"))?;
        if let Some(at) = claimed {
            return Ok(seen.started(at));
        }
    }
    Err(StoreError::Overtaken("start jobs"))
}

/// What was asked for, as it was when it was looked.
struct Seen {
    pauses: Vec<i64>,
    candidates: Vec<Candidate>,
}

struct Candidate {
    delivery: Uuid,
    work: Work,
    paused: bool,
}

impl Seen {
    async fn look(
        connection: &mut PgConnection,
        writer: &AuditWriter,
        jobs: &[i64],
        deliveries: &[Uuid],
    ) -> Result<Option<Self>, StoreError> {
        let failed = || StoreError::during("start jobs");
        let look = writer.bind(sqlx::query(LOOK.as_str()).bind(jobs).bind(deliveries));
        let rows = look.fetch_all(&mut *connection).await.map_err(failed())?;
        let Some(first) = rows.first() else { return Ok(None) };
        writer.learn_from(first)?;
        let any: bool = first.try_get("paused").map_err(failed())?;
        let pauses = if any { pauses(connection).await.map_err(failed())? } else { Vec::new() };
        let labels =
            if pauses.is_empty() { HashMap::new() } else { labels(connection, &rows).await.map_err(failed())? };
        let candidate = |row: &PgRow| {
            let work = work(row)?;
            let key = ObjectKey::new("Schedule", work.schedule.as_str());
            let subject = Subject::new(&key, labels.get(&work.uid).map(String::as_str), None);
            let paused = pauses.iter().any(|pause| pause.what.covers(&subject));
            Ok(Candidate { delivery: row.try_get("delivery")?, work, paused })
        };
        let mut candidates = rows.iter().map(candidate).collect::<Result<Vec<_>, sqlx::Error>>().map_err(failed())?;
        // In one order, so that two that claim or finish at once rarely wait for each other; who does is asked one by one.
        candidates.sort_unstable_by_key(|one| one.work.job);
        Ok(Some(Self { pauses: pauses.iter().map(|pause| pause.id).collect(), candidates }))
    }

    /// Claims all of it, if it is as it was seen; since when.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        writer: &AuditWriter,
        process: Uuid,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let all = &self.candidates;
        let drafts: Vec<Draft> = all.iter().map(begins).collect();
        let Some(foreseen) = writer.foreseen(&drafts, Timestamp::UNIX_EPOCH) else { return Ok(None) };
        let at = Timestamp::from_microsecond(foreseen.now_us).unwrap_or_default();
        let start = sqlx::query(START.as_str())
            .bind(all.iter().map(|one| one.work.job).collect::<Vec<_>>())
            .bind(all.iter().map(|one| one.delivery).collect::<Vec<_>>())
            .bind(all.iter().map(|one| one.work.fence).collect::<Vec<_>>())
            .bind(all.iter().map(|one| if one.paused { "cancelled" } else { "running" }).collect::<Vec<_>>())
            .bind(process)
            .bind(foreseen.now_us)
            .bind(LOCK)
            .bind(&self.pauses);
        Ok(writer.write(connection, start, foreseen).await?.then_some(at))
    }

    fn started(self, at: Timestamp) -> Vec<(Uuid, Work)> {
        let started = self.candidates.into_iter().filter(|one| !one.paused);
        started.map(|one| (one.delivery, Work { started_at: at, ..one.work })).collect()
    }
}

/// The record of a try that is about to begin, or may not.
fn begins(one: &Candidate) -> Draft {
    if one.paused {
        one.work.draft(Stage::Denied, Outcome { status: "refused", code: Some("paused".into()) }, None)
    } else {
        one.work.draft(Stage::Intent, Outcome::ok(), None)
    }
}

/// The labels of the Schedules of `rows`.
async fn labels(tx: &mut PgConnection, rows: &[PgRow]) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let uids: Vec<Uuid> = rows.iter().map(|row| row.try_get("uid")).collect::<Result<_, _>>()?;
    let labels = sqlx::query_as("SELECT uid, labels::text FROM pintle.schedules WHERE uid = ANY($1)").bind(uids);
    Ok(labels.fetch_all(tx).await?.into_iter().collect())
}

fn work(row: &PgRow) -> Result<Work, sqlx::Error> {
    let Json(body): Json<Value> = row.try_get("body")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let partner: String = row.try_get("partner")?;
    let (source, path): (String, Option<String>) = (row.try_get("repo_id")?, row.try_get("file")?);
    let git = text("commit").map(|commit| GitRef {
        source,
        commit: commit.to_owned(),
        path,
        line: None,
        action_digest: None,
    });
    Ok(Work {
        job: row.try_get("job_id")?,
        fence: row.try_get("fence")?,
        attempt: row.try_get::<i16, _>("attempts")? + 1,
        schedule: row.try_get("object_name")?,
        uid: row.try_get("uid")?,
        tick: text("tick").and_then(|text| text.parse().ok()).unwrap_or_default(),
        started_at: moment(row, "now_us")?.unwrap_or_default(),
        trigger: text("trigger").unwrap_or("clock").to_owned(),
        deadline: text("deadline").map(str::to_owned),
        spec: body.get("job").cloned().unwrap_or_default(),
        partner: partner_told(partner),
        git,
    })
}
