//! What moved within a day, or is on its way: what the gate counts.

use super::rows::moment;
use super::{Store, StoreError};
use pintle_core::change::{Digest, ObjectKey};
use pintle_core::diff::{Action, Cause};
use pintle_core::gate::Moved;
use pintle_core::model::guard::{Guards, LimitedAction};
use pintle_core::plan::Plan;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Of the jobs that are open, of those that were done within the day, and of those of the accepted steps from
/// `$3` on whenever they were done: a run in waves may take longer than a day (and no longer than the week for
/// which states are kept). What is new is counted only where a limit asks for it: there may be many.
macro_rules! moved {
    ($counted:literal, $actions:literal) => {
        concat!(
            "SELECT j.object_kind, j.object_name, j.action, j.cause, j.destructive, j.moves_followers, j.labels_before::text AS labels_before,
                j.partner_before, j.before_digest, j.healed, p.seq, s.partner, CASE s.state WHEN 'done' THEN (extract(epoch FROM s.changed_at) * 1000000)::bigint END AS done_us, s.recent
            FROM (SELECT job_id, partner, state, changed_at, true AS recent FROM pintle.job_state
                    WHERE source_id = $1 AND state IN ('queued', 'released', 'running')
                  UNION ALL SELECT job_id, partner, state, changed_at, true FROM pintle.job_state
                    WHERE source_id = $1 AND state = 'done' AND ", $counted, " changed_at > now() - interval '24 hours'
                  UNION ALL SELECT s.job_id, s.partner, s.state, s.changed_at, false FROM pintle.plans p
                    JOIN pintle.jobs j ON j.plan_id = p.id JOIN pintle.job_state s ON s.job_id = j.id
                    WHERE p.source_id = $1 AND $3 > 0 AND p.seq >= $3 AND s.state = 'done' AND s.changed_at <= now() - interval '24 hours') s
            JOIN pintle.jobs j ON j.id = s.job_id JOIN pintle.plans p ON p.id = j.plan_id
            WHERE ($2::text[] IS NULL OR j.object_kind = ANY($2)) AND j.action IN (", $actions, ")"
        )
    };
}

const CHANGED: &str = moved!("counted AND", "'update', 'restore', 'delete'");
const CHANGED_AND_NEW: &str = moved!("", "'update', 'restore', 'delete', 'create'");

impl Store {
    /// Everything that moved; of the steps from `since` on whenever it was done.
    pub(super) async fn all_moved(&self, source: &str, since: Option<u64>) -> Result<Vec<Moved>, StoreError> {
        self.moved_of(source, CHANGED_AND_NEW, None, since).await
    }

    async fn moved_of(
        &self,
        source: &str,
        sql: &'static str,
        kinds: Option<Vec<&str>>,
        since: Option<u64>,
    ) -> Result<Vec<Moved>, StoreError> {
        let failed = || StoreError::during("read what moved");
        let rows =
            sqlx::query(sql).bind(source).bind(kinds).bind(since.unwrap_or(0) as i64).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(moved).collect::<Result<_, _>>().map_err(failed())
    }

    /// What moved of the kinds that `plan` moves, as far as `guards` ask for it; of all kinds, where a limit counts
    /// them together. Of the steps from `since` on whenever they were done.
    pub(super) async fn moved(
        &self,
        source: &str,
        plan: &Plan,
        guards: &Guards,
        since: Option<u64>,
    ) -> Result<Vec<Moved>, StoreError> {
        let mut kinds: BTreeSet<&str> = plan.steps().iter().map(|step| &*step.change.key.kind).collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        if kinds.contains("Channel") || kinds.contains("Instance") {
            kinds.extend(["Channel", "Instance"]);
        }
        let together = guards.limits().any(|limit| limit.selector.kind.is_none());
        let kinds = (!together).then(|| kinds.into_iter().collect::<Vec<_>>());
        let new = guards.limits().any(|limit| limit.action == LimitedAction::Create);
        let sql = if new { CHANGED_AND_NEW } else { CHANGED };
        self.moved_of(source, sql, kinds, since).await
    }
}

fn moved(row: &PgRow) -> Result<Moved, sqlx::Error> {
    let word = |column: &str| row.try_get::<String, _>(column).map(serde_json::Value::String);
    let unknown = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    let partner: String = row.try_get("partner")?;
    Ok(Moved {
        key: ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
        action: serde_json::from_value::<Action>(word("action")?).map_err(unknown)?,
        cause: serde_json::from_value::<Cause>(word("cause")?).map_err(unknown)?,
        before: row.try_get::<Option<Vec<u8>>, _>("before_digest")?.and_then(|bytes| bytes.try_into().ok()).map(Digest),
        destructive: row.try_get("destructive")?,
        seq: row.try_get::<i64, _>("seq")? as u64,
        done_at: moment(row, "done_us")?,
        partner: (!partner.is_empty()).then(|| Arc::from(partner)),
        partner_before: row.try_get::<Option<&str>, _>("partner_before")?.map(Arc::from),
        labels_before: row.try_get::<Option<&str>, _>("labels_before")?.map(Arc::from),
        moves_followers: row.try_get("moves_followers")?,
        healed: row.try_get::<Option<Vec<String>>, _>("healed")?.unwrap_or_default(),
        recent: row.try_get("recent")?,
    })
}
