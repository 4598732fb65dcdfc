//! Operational acts: a dead letter tried again, a host that goes on after a restored backup. Recorded
//! in the same transaction.

use super::audit::AuditWriter;
use super::work::partner_told;
use super::{Store, StoreError};
use pintle_core::audit::{Actor, Draft, GitRef, JobRef, Stage};
use pintle_core::change::{ObjectKey, Oid};
use sqlx::Row;
use uuid::Uuid;

const LOCK: &str = "SELECT s.state, s.queue, s.source_id, s.object_kind, s.object_name, s.partner, s.reason, j.uid, coalesce(p.commit, j.body ->> 'commit') AS commit, j.file, j.line
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id LEFT JOIN pintle.plans p ON p.id = j.plan_id WHERE s.job_id = $1 FOR UPDATE OF s";

/// The mark is lifted, and the next tick plans the object anew, under what is accepted then: a job of
/// a plan that is over is never run again.
const LIFT: &str = "UPDATE pintle.job_state SET state = 'superseded', changed_at = clock_timestamp(), reason = 'retried' WHERE job_id = $1 AND state = 'dead'";

/// Work of its own is simply begun anew.
const AGAIN: &str = "UPDATE pintle.job_state SET state = 'queued', attempts = 0, delivery = NULL, cancel = NULL, not_before = clock_timestamp(), changed_at = clock_timestamp(), reason = 'retried' WHERE job_id = $1 AND state = 'dead'";

/// What became of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// The next tick plans it anew.
    PlannedAnew {
        /// `Kind/name`.
        object: String,
        /// The error it died of.
        error: Option<String>,
    },
    /// It is queued again.
    Queued {
        /// `Kind/name`.
        object: String,
        /// The error it died of.
        error: Option<String>,
    },
    /// There is no such job, or its state was pruned.
    Unknown,
    /// It is not dead.
    NotDead(String),
}

impl Store {
    /// Lifts the mark of the dead job `id`, so that its object is planned anew, as `actor` wanted for `reason`.
    pub async fn retry(&self, writer: &AuditWriter, id: i64, actor: &str, reason: &str) -> Result<Retried, StoreError> {
        let failed = || StoreError::during("retry a job");
        let mut tx = self.begin().await.map_err(failed())?;
        let Some(row) = sqlx::query(LOCK).bind(id).fetch_optional(&mut *tx).await.map_err(failed())? else {
            return Ok(Retried::Unknown);
        };
        let state: String = row.try_get("state").map_err(failed())?;
        if state != "dead" {
            return Ok(Retried::NotDead(state));
        }
        let draft = draft(&row, id, actor, reason).map_err(failed())?;
        let object = draft.resource.as_ref().map(|(key, _)| key.to_string()).unwrap_or_default();
        let work = row.try_get::<&str, _>("queue").map_err(failed())? != "rows";
        sqlx::query(if work { AGAIN } else { LIFT }).bind(id).execute(&mut *tx).await.map_err(failed())?;
        writer.append(&mut tx, &[draft]).await?;
        sqlx::query("SELECT pg_notify('pintle_jobs', 'retry')").execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        let error = row.try_get("reason").map_err(failed())?;
        Ok(if work { Retried::Queued { object, error } } else { Retried::PlannedAnew { object, error } })
    }
}

impl Store {
    /// Records that an operator let a host go on from where the database stands.
    pub async fn record_recovery(
        &self,
        writer: &AuditWriter,
        commit: Option<Oid>,
        actor: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let repo_id = self.introduction().await?.map(|one| one.repo_id.to_string()).unwrap_or_default();
        let draft = Draft {
            git: commit.map(|commit| GitRef {
                source: repo_id,
                commit: commit.to_string(),
                path: None,
                line: None,
                action_digest: None,
            }),
            reason: Some(reason.to_owned()),
            ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(actor), "recover")
        };
        self.record(writer, &[draft]).await
    }
}

fn draft(row: &sqlx::postgres::PgRow, id: i64, actor: &str, reason: &str) -> Result<Draft, sqlx::Error> {
    let key = ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?);
    let partner: String = row.try_get("partner")?;
    Ok(Draft {
        partner: partner_told(partner),
        resource: Some((key, Some(row.try_get("uid")?))),
        git: match row.try_get("commit")? {
            Some(commit) => Some(GitRef {
                source: row.try_get("source_id")?,
                commit,
                path: row.try_get("file")?,
                line: row.try_get::<Option<i32>, _>("line")?.map(|line| line as u32),
                action_digest: None,
            }),
            None => None,
        },
        job: Some(JobRef { id, step: None, fence: None }),
        reason: Some(reason.to_owned()),
        ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(actor), "retry")
    })
}
