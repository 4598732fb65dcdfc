//! One piece of work as its worker knows it, and what every record about it says.

use crate::store::rows::moment;
use jiff::Timestamp;
use pintle_core::audit::{Actor, Draft, GitRef, JobRef, Outcome, Stage};
use pintle_core::change::ObjectKey;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

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
    /// What the row of a look says.
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
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
        Ok(Self {
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

    /// The same, claimed at `started_at`.
    pub(super) fn since(self, started_at: Timestamp) -> Self {
        Self { started_at, ..self }
    }

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
