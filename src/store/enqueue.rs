//! An admitted plan becomes jobs. One transaction under the leader's proof: the plan becomes current
//! only if its parent is; unclaimed jobs that it does not contain are superseded; the rest is added.

use super::dependents::{cancel_dependents, cancel_orphans};
use super::waiting::of_a_plan;
use super::{LeaderProof, Store, StoreError};
use pintle_core::change::ObjectKey;
use pintle_core::diff::{Action, Change, LiveState, PendingJob};
use pintle_core::gate::{AdmittedPlan, Urgency};
use pintle_core::plan::Reason;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What enqueuing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Enqueued {
    /// Jobs added.
    pub added: usize,
    /// Unclaimed jobs that the plan no longer contains.
    pub superseded: usize,
}

/// What the ledger was when the plan's live side was read.
#[derive(Debug, Default)]
pub struct Seen {
    /// The plan that was current.
    pub parent: Option<i64>,
    /// The objects that a job was on its way to.
    pub open: HashSet<ObjectKey>,
    /// Dead letters.
    pub dead: Vec<i64>,
}

impl Seen {
    /// What `live` says of the ledger.
    pub fn of(live: &LiveState) -> Self {
        let (dead, open): (Vec<&PendingJob>, Vec<&PendingJob>) = live.jobs.iter().partition(|job| job.dead);
        Self {
            parent: live.parent,
            open: open.into_iter().map(|job| job.key.clone()).collect(),
            dead: dead.into_iter().map(|job| job.id).collect(),
        }
    }
}

/// Rows written by one statement.
const AT_ONCE: usize = 2_000;
/// From so many on the server is told that the ledger grew.
pub(in crate::store) const MANY: usize = 1_000;

const OPEN: &str = "SELECT s.job_id, j.object_kind, j.object_name, j.action, j.target_digest, j.planned_revision
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    WHERE s.source_id = $1 AND s.queue = 'rows' AND s.state IN ('queued', 'released', 'running')";

const SUPERSEDE: &str = "WITH locked AS (SELECT job_id FROM pintle.job_state WHERE job_id = ANY($1) AND state IN ('queued', 'released') ORDER BY job_id FOR UPDATE)
    UPDATE pintle.job_state s SET state = 'superseded', reason = 'plan', changed_at = clock_timestamp() FROM locked WHERE s.job_id = locked.job_id";

const LIFT_DEAD: &str =
    "UPDATE pintle.job_state SET state = 'superseded', reason = 'plan', changed_at = clock_timestamp()
    WHERE job_id = ANY($1) AND state = 'dead'";

const PLAN: &str =
    "INSERT INTO pintle.plans (source_id, parent, commit, seq, actions, identity, made_at, counts, waiting)
    VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8) RETURNING id";

const HEAD: &str = "INSERT INTO pintle.plan_heads AS h (source_id, plan_id) VALUES ($1, $2)
    ON CONFLICT (source_id) DO UPDATE SET plan_id = $2 WHERE h.plan_id = $3";

const JOBS: &str = "INSERT INTO pintle.jobs (plan_id, source_id, object_kind, object_name, uid, action, cause, target_digest, written_digest, planned_revision, body, file, line, destructive, declared, declared_digest, moves_followers, labels_before, partner_before, before_digest, healed)
    SELECT $1, $2, unnest($3::text[]), unnest($4::text[]), unnest($5::uuid[]), unnest($6::text[]), unnest($7::text[]), unnest($8::bytea[]), unnest($9::bytea[]), unnest($10::bigint[]),
        unnest($11::text[])::jsonb, unnest($12::text[]), unnest($13::integer[]), unnest($14::boolean[]), unnest($15::text[])::jsonb, unnest($16::bytea[]), unnest($17::boolean[]),
        unnest($18::text[])::jsonb, unnest($19::text[]), unnest($20::bytea[]), string_to_array(unnest($21::text[]), E'\n')
    RETURNING id, object_kind, object_name";

const STATES: &str = "INSERT INTO pintle.job_state (job_id, source_id, object_kind, object_name, partner, priority, counted)
    SELECT unnest($2::bigint[]), $1, unnest($3::text[]), unnest($4::text[]), unnest($5::text[]), unnest($6::smallint[]), unnest($7::boolean[])";

impl Store {
    /// Enqueues `admitted`, made from what was `seen`. What a job has done since then is not in the plan:
    /// its object is left to the next one.
    pub async fn enqueue(
        &self,
        proof: &LeaderProof,
        source: &str,
        seen: &Seen,
        admitted: &AdmittedPlan,
    ) -> Result<Enqueued, StoreError> {
        let failed = || StoreError::during("enqueue the plan");
        let mut tx = self.begin_as(proof).await?;
        let open = open_jobs(&mut tx, source).await.map_err(failed())?;
        let open_now: HashSet<&ObjectKey> = open.iter().map(|(_, key, _)| key).collect();
        let ended_since = |key: &ObjectKey| seen.open.contains(key) && !open_now.contains(key);
        let (kept, obsolete) = sort_out(admitted, &open);
        let is_fresh = |change: &Change| !kept.contains_key(&change.key) && !ended_since(&change.key);
        let urgent = changes(admitted).zip(admitted.urgencies().iter().copied());
        let fresh: Vec<(&Change, Urgency)> = urgent.filter(|(change, _)| is_fresh(change)).collect();
        let lifted = lift_dead(&mut tx, seen, admitted).await.map_err(failed())?;
        if fresh.is_empty() && obsolete.is_empty() {
            if lifted > 0 {
                tx.commit().await.map_err(failed())?;
            }
            return Ok(Enqueued::default());
        }
        let superseded =
            sqlx::query(SUPERSEDE).bind(&obsolete).execute(&mut *tx).await.map_err(failed())?.rows_affected() as usize;
        cancel_dependents(&mut tx, &obsolete).await.map_err(failed())?;
        let plan_id = insert_plan(&mut tx, source, seen.parent, admitted).await?;
        let mut ids = kept;
        for part in fresh.chunks(AT_ONCE) {
            ids.extend(insert_jobs(&mut tx, source, plan_id, part).await.map_err(failed())?);
        }
        insert_needs(&mut tx, admitted, &ids, &fresh).await.map_err(failed())?;
        grown(&mut tx, fresh.len()).await.map_err(failed())?;
        sqlx::query("SELECT pg_notify('pintle_jobs', 'queued')").execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(Enqueued { added: fresh.len(), superseded })
    }
}

/// Makes every session plan its statements anew, if `added` jobs are many.
pub(super) async fn grown(tx: &mut PgConnection, added: usize) -> Result<(), sqlx::Error> {
    if added < MANY {
        return Ok(());
    }
    sqlx::query("SELECT pintle.count_ledger()").execute(tx).await.map(|_| ())
}

/// Dead letters that were seen and that the plan does not wait for are over: what they wanted is not
/// wanted any more. One that died since is not in the plan, and stays.
async fn lift_dead(tx: &mut PgConnection, seen: &Seen, admitted: &AdmittedPlan) -> Result<u64, sqlx::Error> {
    let held: HashSet<i64> = admitted
        .plan()
        .waiting()
        .iter()
        .filter_map(|waiting| match waiting.reason {
            Reason::DeadLetter { job, .. } => Some(job),
            _ => None,
        })
        .collect();
    let over: Vec<i64> = seen.dead.iter().copied().filter(|job| !held.contains(job)).collect();
    sqlx::query(LIFT_DEAD).bind(over).execute(tx).await.map(|done| done.rows_affected())
}

fn changes(admitted: &AdmittedPlan) -> impl Iterator<Item = &Change> {
    admitted.plan().steps().iter().map(|step| &step.change)
}

/// What makes two jobs the same: the action, the target, and the revision it was planned at.
type Identity = (String, Option<Vec<u8>>, Option<i64>);

fn identity(change: &Change) -> Identity {
    (change.action.as_str().to_owned(), change.after.map(|digest| digest.0.to_vec()), change.revision)
}

async fn open_jobs(tx: &mut PgConnection, source: &str) -> Result<Vec<(i64, ObjectKey, Identity)>, sqlx::Error> {
    let rows = sqlx::query(OPEN).bind(source).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let key = ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?);
            let identity = (row.try_get("action")?, row.try_get("target_digest")?, row.try_get("planned_revision")?);
            Ok((row.try_get("job_id")?, key, identity))
        })
        .collect()
}

/// Open jobs that the plan contains, and those that it does not.
fn sort_out(admitted: &AdmittedPlan, open: &[(i64, ObjectKey, Identity)]) -> (HashMap<ObjectKey, i64>, Vec<i64>) {
    let wanted: HashMap<&ObjectKey, &Change> = changes(admitted).map(|change| (&change.key, change)).collect();
    let (mut kept, mut obsolete) = (HashMap::new(), Vec::new());
    for (id, key, have) in open {
        match wanted.get(key) {
            Some(change) if identity(change) == *have => drop(kept.insert(key.clone(), *id)),
            _ => obsolete.push(*id),
        }
    }
    (kept, obsolete)
}

async fn insert_plan(
    tx: &mut PgConnection,
    source: &str,
    parent: Option<i64>,
    admitted: &AdmittedPlan,
) -> Result<i64, StoreError> {
    let failed = || StoreError::during("store the plan");
    let plan = admitted.plan();
    let id: i64 = sqlx::query_scalar(PLAN)
        .bind(source)
        .bind(parent)
        .bind(plan.commit())
        .bind(admitted.commit().seq() as i64)
        .bind(&plan.actions().0.0[..])
        .bind(&plan.id().0.0[..])
        .bind(Json(plan.counts()))
        .bind(Json(of_a_plan(plan)))
        .fetch_one(&mut *tx)
        .await
        .map_err(failed())?;
    let moved = sqlx::query(HEAD).bind(source).bind(id).bind(parent).execute(tx).await.map_err(failed())?;
    if moved.rows_affected() == 0 {
        return Err(StoreError::StalePlan);
    }
    Ok(id)
}

async fn insert_jobs(
    tx: &mut PgConnection,
    source: &str,
    plan_id: i64,
    part: &[(&Change, Urgency)],
) -> Result<HashMap<ObjectKey, i64>, sqlx::Error> {
    fn column<'a, T>(part: &[(&'a Change, Urgency)], of: impl Fn(&'a Change) -> T) -> Vec<T> {
        part.iter().map(|(change, _)| of(change)).collect()
    }
    let kinds = column(part, |change| &*change.key.kind);
    let names = column(part, |change| &*change.key.name);
    let rows = sqlx::query(JOBS)
        .bind(plan_id)
        .bind(source)
        .bind(kinds)
        .bind(names)
        .bind(column(part, |change| change.uid.unwrap_or_else(Uuid::now_v7)))
        .bind(column(part, |change| change.action.as_str()))
        .bind(column(part, |change| change.cause.as_str()))
        .bind(column(part, |change| change.after.map(|digest| digest.0.to_vec())))
        .bind(column(part, |change| change.written.map(|digest| digest.0.to_vec())))
        .bind(column(part, |change| change.revision))
        .bind(column(part, |change| change.body.as_deref()))
        .bind(column(part, |change| change.source.as_ref().map(|source| &*source.file)))
        .bind(column(part, |change| change.source.as_ref().map(|source| source.line as i32)))
        .bind(column(part, Change::is_destructive))
        .bind(column(part, |change| change.declared.as_ref().map(|declared| &*declared.body)))
        .bind(column(part, |change| change.declared.as_ref().map(|declared| declared.digest.0.to_vec())))
        .bind(column(part, Change::moves_followers))
        .bind(column(part, |change| change.labels.as_deref()))
        .bind(column(part, |change| change.partner_before.as_deref()))
        .bind(column(part, |change| change.before.map(|digest| digest.0.to_vec())))
        .bind(column(part, |change| Some(change.healed().join("\n")).filter(|fields| !fields.is_empty())))
        .fetch_all(&mut *tx)
        .await?;
    let ids = rows
        .iter()
        .map(|row| {
            Ok((
                ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
                row.try_get("id")?,
            ))
        })
        .collect::<Result<HashMap<ObjectKey, i64>, sqlx::Error>>()?;
    sqlx::query(STATES)
        .bind(source)
        .bind(column(part, |change| ids.get(&change.key).copied()))
        .bind(column(part, |change| &*change.key.kind))
        .bind(column(part, |change| &*change.key.name))
        .bind(column(part, |change| change.partner.as_deref().unwrap_or_default()))
        .bind(part.iter().map(|(_, urgency)| priority(*urgency)).collect::<Vec<_>>())
        .bind(column(part, |change| matches!(change.action, Action::Update | Action::Restore | Action::Delete)))
        .execute(tx)
        .await?;
    Ok(ids)
}

/// Lower goes first. Work of schedules comes after these, and what waits for long rises, but not above a rollback.
fn priority(urgency: Urgency) -> i16 {
    match urgency {
        Urgency::Security => 10,
        Urgency::Rollback => 20,
        Urgency::Intent => 30,
        Urgency::Drift => 40,
    }
}

async fn insert_needs(
    tx: &mut PgConnection,
    admitted: &AdmittedPlan,
    ids: &HashMap<ObjectKey, i64>,
    fresh: &[(&Change, Urgency)],
) -> Result<(), sqlx::Error> {
    let steps = admitted.plan().steps();
    let added: HashSet<&ObjectKey> = fresh.iter().map(|(change, _)| &change.key).collect();
    let fresh_ids: HashSet<i64> = added.iter().filter_map(|key| ids.get(*key)).copied().collect();
    let (mut jobs, mut needs) = (Vec::new(), Vec::new());
    for step in steps.iter().filter(|step| added.contains(&step.change.key)) {
        for first in &step.after_steps {
            if let (Some(job), Some(need)) = (ids.get(&step.change.key), ids.get(&steps[*first].change.key)) {
                jobs.push(*job);
                needs.push(*need);
            }
        }
    }
    let before: Vec<i64> = needs.iter().copied().filter(|need| !fresh_ids.contains(need)).collect();
    for (jobs, needs) in jobs.chunks(AT_ONCE * 5).zip(needs.chunks(AT_ONCE * 5)) {
        sqlx::query("INSERT INTO pintle.job_needs (job_id, needs) SELECT * FROM unnest($1::bigint[], $2::bigint[])")
            .bind(jobs)
            .bind(needs)
            .execute(&mut *tx)
            .await?;
    }
    cancel_orphans(tx, &before).await
}
