//! Released work starts: it draws a fence, and says before anything is done what is about to be done.

use crate::store::audit::{AuditWriter, Taken};
use crate::store::pauses::{LOCK, pauses};
use crate::store::rows::moment;
use crate::store::{Store, StoreError};
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

/// With what is started, places in the log for as many records, and whether anything is paused: nothing is any more before
/// the transaction ends.
static START: LazyLock<String> = LazyLock::new(|| {
    let taken = Taken::sql("(SELECT count(*) FROM started)", 4);
    format!("WITH started AS (
        UPDATE pintle.job_state s SET state = 'running', fence = nextval('pintle.fences'), process = $3, started_at = clock_timestamp(), changed_at = clock_timestamp()
        FROM unnest($1::bigint[], $2::uuid[]) AS asked (job_id, delivery) JOIN pintle.jobs j ON j.id = asked.job_id LEFT JOIN pintle.sources o ON o.id = j.source_id
        WHERE s.job_id = asked.job_id AND s.delivery = asked.delivery AND s.state = 'released'
        RETURNING s.job_id, s.delivery, s.fence, s.attempts, s.partner, j.object_name, j.uid, j.body, j.file, coalesce(o.repo_id::text, '') AS repo_id,
            (extract(epoch FROM s.started_at) * 1000000)::bigint AS started_us),
        held AS MATERIALIZED (SELECT pintle.hold_pauses($6) AS paused),
        taken AS ({taken})
    SELECT started.*, taken.*, held.paused FROM held CROSS JOIN started LEFT JOIN taken ON true")
});

const PAUSED: &str = "UPDATE pintle.job_state SET state = 'cancelled', reason = 'paused', process = NULL, changed_at = clock_timestamp() WHERE job_id = ANY($1)";

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

impl Store {
    /// Claims for `process` what is asked for, each job by the delivery that brought it. Gives what starts, with its
    /// delivery: not what the ledger knows nothing of, nor what somebody paused.
    pub async fn start_work(
        &self,
        writer: &AuditWriter,
        process: Uuid,
        asked: &[(Uuid, i64)],
    ) -> Result<Vec<(Uuid, Work)>, StoreError> {
        let failed = || StoreError::during("start jobs");
        // In one order, so that two that claim or finish at once rarely wait for each other; who does is asked one by one.
        let mut asked = asked.to_vec();
        asked.sort_unstable_by_key(|(_, job)| *job);
        let (deliveries, jobs): (Vec<Uuid>, Vec<i64>) = asked.into_iter().unzip();
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let start = sqlx::query(START.as_str()).bind(jobs).bind(deliveries).bind(process);
        let rows = writer.bind(start).bind(LOCK).fetch_all(&mut *tx).await.map_err(failed())?;
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let taken = Taken::of(first)?;
        let any: bool = first.try_get("paused").map_err(failed())?;
        let pauses = if any { pauses(&mut tx).await.map_err(failed())? } else { Vec::new() };
        let labels = if pauses.is_empty() { HashMap::new() } else { labels(&mut tx, &rows).await.map_err(failed())? };
        let (mut started, mut held, mut drafts) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let work = work(&row).map_err(failed())?;
            let key = ObjectKey::new("Schedule", work.schedule.as_str());
            let subject = Subject::new(&key, labels.get(&work.uid).map(String::as_str), None);
            if pauses.iter().any(|pause| pause.what.covers(&subject)) {
                let refused = Outcome { status: "refused", code: Some("paused".into()) };
                drafts.push(work.draft(Stage::Denied, refused, None));
                held.push(work.job);
            } else {
                drafts.push(work.draft(Stage::Intent, Outcome::ok(), None));
                started.push((row.try_get("delivery").map_err(failed())?, work));
            }
        }
        if !held.is_empty() {
            sqlx::query(PAUSED).bind(held).execute(&mut *tx).await.map_err(failed())?;
        }
        writer.append_at(&mut tx, &drafts, taken).await?;
        tx.commit().await.map_err(failed())?;
        Ok(started)
    }
}

/// The labels of the Schedules of `rows`, as they are now: the claim read what was before it waited for who pauses.
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
        started_at: moment(row, "started_us")?.unwrap_or_default(),
        trigger: text("trigger").unwrap_or("clock").to_owned(),
        deadline: text("deadline").map(str::to_owned),
        spec: body.get("job").cloned().unwrap_or_default(),
        partner: partner_told(partner),
        git,
    })
}
