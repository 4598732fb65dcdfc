//! Somebody wants a job to end. What waits is cancelled at once; what runs is told, and ends at its next safe point.

use super::piece::Work;
use crate::store::audit::AuditWriter;
use crate::store::dependents::cancel_dependents;
use crate::store::{Store, StoreError};
use pintle_core::audit::{Actor, Draft, JobRef, Stage};
use pintle_core::change::ObjectKey;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

const LOCK: &str = "SELECT s.state, s.queue, s.object_kind, s.object_name, j.uid FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    WHERE s.job_id = $1 FOR UPDATE OF s";

const CANCEL: &str =
    "UPDATE pintle.job_state SET state = 'cancelled', reason = $2, changed_at = clock_timestamp() WHERE job_id = $1";

const TELL: &str = "UPDATE pintle.job_state SET cancel = $2 WHERE job_id = $1";

const CANCEL_TURNS: &str = "WITH open AS (
        SELECT job_id FROM pintle.job_state WHERE turn = ANY($1) AND state IN ('queued', 'released', 'running') ORDER BY job_id FOR UPDATE)
    UPDATE pintle.job_state s SET cancel = CASE WHEN s.state = 'running' THEN $2 END,
        state = CASE WHEN s.state = 'running' THEN s.state ELSE 'cancelled' END,
        reason = CASE WHEN s.state = 'running' THEN s.reason ELSE $2 END, changed_at = clock_timestamp()
    FROM open WHERE s.job_id = open.job_id RETURNING s.job_id, s.object_name, s.turn, s.state = 'cancelled'";

/// What became of a wish to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not begun, or was dead, and is over.
    AtOnce(String),
    /// It runs, and was told.
    Told(String),
    /// It is over already.
    Over(String),
    /// There is no such job, or its state was pruned.
    Unknown,
}

/// What is wanted of a job that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// That it goes on.
    GoOn,
    /// That it ends, and why.
    End(String),
    /// Nothing: another holds it by now.
    Lost,
}

impl Store {
    /// Cancels the job `id`, as `actor` wants for `reason`. A row change that was cancelled is planned anew while its
    /// document still wants it.
    pub async fn cancel(
        &self,
        writer: &AuditWriter,
        id: i64,
        actor: &str,
        reason: &str,
    ) -> Result<Cancelled, StoreError> {
        let failed = || StoreError::during("cancel a job");
        let mut tx = self.begin().await.map_err(failed())?;
        let Some(row) = sqlx::query(LOCK).bind(id).fetch_optional(&mut *tx).await.map_err(failed())? else {
            return Ok(Cancelled::Unknown);
        };
        let text = |column: &str| row.try_get::<String, _>(column).map_err(failed());
        let (state, key) =
            (text("state")?, ObjectKey::new(text("object_kind")?.as_str(), text("object_name")?.as_str()));
        let running = match state.as_str() {
            "queued" | "released" => false,
            "running" => true,
            // Nobody tries it again.
            "dead" if text("queue")? != "rows" => false,
            _ => return Ok(Cancelled::Over(state)),
        };
        let statement = if running { TELL } else { CANCEL };
        sqlx::query(statement).bind(id).bind(reason).execute(&mut *tx).await.map_err(failed())?;
        if !running {
            cancel_dependents(&mut tx, &[id]).await.map_err(failed())?;
        }
        let object = key.to_string();
        let actor = Actor::os_user(actor);
        writer.append(&mut tx, &[draft(id, key, row.try_get("uid").map_err(failed())?, actor, reason)]).await?;
        sqlx::query("SELECT pg_notify('pintle_jobs', 'cancelled')").execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(if running { Cancelled::Told(object) } else { Cancelled::AtOnce(object) })
    }

    /// What is wanted of `work` while it runs.
    pub async fn wish(&self, work: &Work) -> Result<Wish, StoreError> {
        let row: Option<(Option<String>,)> = sqlx::query_as(
            "SELECT cancel FROM pintle.job_state WHERE job_id = $1 AND fence = $2 AND state = 'running'",
        )
        .bind(work.job)
        .bind(work.fence)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("look whether a job is cancelled"))?;
        Ok(match row {
            None => Wish::Lost,
            Some((None,)) => Wish::GoOn,
            Some((Some(reason),)) => Wish::End(reason),
        })
    }
}

/// Cancels every job that is not over and takes one of `turns`. Gives the records of those that never began: what runs
/// is recorded at its end.
pub(in crate::store) async fn cancel_turns(
    tx: &mut PgConnection,
    turns: &[Uuid],
    reason: &str,
) -> Result<Vec<Draft>, sqlx::Error> {
    if turns.is_empty() {
        return Ok(Vec::new());
    }
    let open: Vec<(i64, String, Uuid, bool)> =
        sqlx::query_as(CANCEL_TURNS).bind(turns).bind(reason).fetch_all(tx).await?;
    let ended = open.into_iter().filter(|(_, _, _, ended)| *ended);
    Ok(ended.map(|(job, schedule, uid, _)| cancelled_work(job, &schedule, uid, reason)).collect())
}

/// The record of work that the system itself cancelled before it began.
pub(in crate::store) fn cancelled_work(job: i64, schedule: &str, uid: Uuid, reason: &str) -> Draft {
    let actor = Actor::system();
    draft(job, ObjectKey::new("Schedule", schedule), uid, actor, reason)
}

fn draft(id: i64, key: ObjectKey, uid: Uuid, actor: Actor, reason: &str) -> Draft {
    Draft {
        resource: Some((key, Some(uid))),
        job: Some(JobRef { id, step: None, fence: None }),
        reason: Some(reason.to_owned()),
        ..Draft::new(Uuid::now_v7(), Stage::System, actor, "cancel")
    }
}
