//! The ledger for people: jobs and what became of them.

use super::acceptance::SOURCE;
use super::rows::moment;
use super::work::partner_told;
use super::{Store, StoreError};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// The states of a job, as the ledger says them.
pub const STATES: &[&str] = &["queued", "released", "running", "done", "superseded", "cancelled", "dead"];

const JOBS: &str = "SELECT j.id, j.plan_id, encode(p.identity, 'hex') AS plan_identity, j.object_kind, j.object_name, j.uid, j.action, j.cause, j.file, j.line, coalesce(p.commit, j.body ->> 'commit') AS commit, s.state, s.attempts, s.partner, s.delivery, s.reason,
        (extract(epoch FROM j.created_at) * 1000000)::bigint AS created_us, (extract(epoch FROM s.changed_at) * 1000000)::bigint AS changed_us,
        (extract(epoch FROM s.not_before) * 1000000)::bigint AS not_before_us,
        ARRAY(SELECT n.needs FROM pintle.job_needs n WHERE n.job_id = j.id ORDER BY n.needs) AS needs
    FROM pintle.jobs j LEFT JOIN pintle.plans p ON p.id = j.plan_id LEFT JOIN pintle.job_state s ON s.job_id = j.id
    WHERE j.source_id = $1 AND ($2::bigint IS NULL OR j.id = $2) AND ($3::text[] IS NULL OR s.state = ANY($3))
      AND ($4::text IS NULL OR j.object_kind = $4) AND ($5::text IS NULL OR j.object_name = $5)
    ORDER BY j.id DESC LIMIT $6";

/// A job and its state.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRow {
    /// The ledger's number.
    pub id: i64,
    /// The plan that wanted it; none for what a schedule or somebody wanted.
    pub plan: Option<i64>,
    /// The digest of that whole plan, which no other has.
    pub plan_id: Option<String>,
    /// `Kind/name`.
    pub object: String,
    /// The row's identity.
    pub uid: Uuid,
    /// `create`, `update`, `adopt`, `restore`, `delete`, `remove`; `run` for work.
    pub action: String,
    /// `intent`, `drift`, `conflict`; `schedule` or `request` for work.
    pub cause: String,
    /// Where its document stands.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<i32>,
    /// The accepted commit.
    pub commit: Option<String>,
    /// `queued`, …; `None` when its state was pruned: it was over long ago.
    pub state: Option<String>,
    /// How often it was tried.
    pub attempts: Option<i16>,
    /// The partner whose turn it takes.
    pub partner: Option<String>,
    /// The delivery that carries or carried it.
    pub delivery: Option<Uuid>,
    /// The last error, or why it ended.
    pub reason: Option<String>,
    /// When it was enqueued.
    pub created_at: Option<Timestamp>,
    /// When its state last changed.
    pub changed_at: Option<Timestamp>,
    /// Not tried before.
    pub not_before: Option<Timestamp>,
    /// The jobs that come first.
    pub needs: Vec<i64>,
}

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub struct JobFilter<'a> {
    /// One of them.
    pub id: Option<i64>,
    /// In one of these states; any if empty.
    pub states: Vec<String>,
    /// Of one object: kind and name.
    pub object: Option<(&'a str, &'a str)>,
    /// At most so many.
    pub limit: i64,
}

impl Store {
    /// Jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter<'_>) -> Result<Vec<JobRow>, StoreError> {
        let failed = || StoreError::during("read jobs");
        let rows = sqlx::query(JOBS)
            .bind(SOURCE)
            .bind(filter.id)
            .bind((!filter.states.is_empty()).then_some(&filter.states))
            .bind(filter.object.map(|(kind, _)| kind))
            .bind(filter.object.map(|(_, name)| name))
            .bind(filter.limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        rows.iter().map(job).collect::<Result<_, _>>().map_err(failed())
    }
}

fn job(row: &PgRow) -> Result<JobRow, sqlx::Error> {
    Ok(JobRow {
        id: row.try_get("id")?,
        plan: row.try_get("plan_id")?,
        plan_id: row.try_get("plan_identity")?,
        object: format!("{}/{}", row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
        uid: row.try_get("uid")?,
        action: row.try_get("action")?,
        cause: row.try_get("cause")?,
        file: row.try_get("file")?,
        line: row.try_get("line")?,
        commit: row.try_get("commit")?,
        state: row.try_get("state")?,
        attempts: row.try_get("attempts")?,
        partner: row.try_get::<Option<String>, _>("partner")?.and_then(partner_told),
        delivery: row.try_get("delivery")?,
        reason: row.try_get("reason")?,
        created_at: moment(row, "created_us")?,
        changed_at: moment(row, "changed_us")?,
        not_before: moment(row, "not_before_us")?,
        needs: row.try_get("needs")?,
    })
}
