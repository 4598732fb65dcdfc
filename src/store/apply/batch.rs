//! One delivery from claim to commit.

use super::authority::Authority;
use super::claim::{Job, claim};
use super::removal::Removable;
use super::write::{Locked, lock, write};
use super::{outcome, record};
use crate::chain::chain;
use crate::queue::delivery::Delivery;
use crate::store::audit::AuditWriter;
use crate::store::pauses::pauses_held;
use crate::store::{Store, StoreError};
use pintle_core::audit::Draft;
use pintle_core::diff::Pause;
use pintle_core::model::Catalog;
use pintle_core::model::guard::Subject;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What became of a delivery's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Applied, with their records.
    pub done: usize,
    /// Moved since they were planned.
    pub stale: usize,
    /// Refused by the database for their data.
    pub dead: usize,
    /// Put back for later.
    pub again: usize,
}

/// A row that someone else keeps locked holds up its batch this long, at each halving; then it waits alone.
const PATIENCE: &str = "SET LOCAL lock_timeout = '1s'";
/// Tries of a batch that meets contention before its rows are put back.
const CONTENTION_TRIES: u32 = 5;
/// Attempts of a job whose error is no data error before it is dead.
const MAX_ATTEMPTS: i16 = 8;

impl Store {
    /// Applies `delivery`. A delivery that the ledger does not know does nothing.
    pub async fn apply(
        &self,
        catalog: &Catalog,
        writer: &AuditWriter,
        delivery: &Delivery,
    ) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let mut parts = vec![delivery.jobs.clone()];
        while let Some(part) = parts.pop() {
            match self.apply_with_retries(catalog, writer, delivery.id, &part).await {
                Ok(outcome) => {
                    applied.done += outcome.done;
                    applied.stale += outcome.stale;
                }
                Err(error) if error.is_outage() || matches!(error, StoreError::WriterLost) => return Err(error),
                Err(error) if part.len() > 1 => {
                    tracing::debug!(delivery = %delivery.id, rows = part.len(), %error, "halving a batch");
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right.to_vec(), left.to_vec()]);
                }
                Err(error) => self.fail(writer, delivery.id, &part, &error, &mut applied).await?,
            }
        }
        sqlx::query("SELECT pg_notify('pintle_jobs', 'done')")
            .execute(&self.pool)
            .await
            .map_err(StoreError::during("tell of finished jobs"))?;
        Ok(applied)
    }

    async fn apply_with_retries(
        &self,
        catalog: &Catalog,
        writer: &AuditWriter,
        delivery: Uuid,
        ids: &[i64],
    ) -> Result<Applied, StoreError> {
        let mut tries = 0;
        loop {
            match self.apply_once(catalog, writer, delivery, ids).await {
                Err(error) if error.is_contention() && tries < CONTENTION_TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn apply_once(
        &self,
        catalog: &Catalog,
        writer: &AuditWriter,
        delivery: Uuid,
        ids: &[i64],
    ) -> Result<Applied, StoreError> {
        let failed = || StoreError::during("apply a delivery");
        let mut tx = self.begin().await.map_err(failed())?;
        sqlx::query(PATIENCE).execute(&mut *tx).await.map_err(failed())?;
        let jobs = claim(&mut tx, ids, delivery).await.map_err(failed())?;
        if jobs.is_empty() {
            return Ok(Applied::default());
        }
        crate::crash::point("claimed");
        let pauses = pauses_held(&mut tx).await.map_err(failed())?;
        let mut effects = Effects::default();
        let (jobs, stopped): (Vec<Job>, Vec<Job>) = if jobs.iter().any(|job| job.action == "remove") {
            let removable = Removable::of(&mut tx, &jobs).await.map_err(failed())?;
            jobs.into_iter().partition(|job| job.action != "remove" || removable.has(job))
        } else {
            (jobs, Vec::new())
        };
        effects.stale.extend(stopped.iter().map(|job| job.id));
        for (kind, of_kind) in by_kind(&jobs) {
            let Some(definition) = catalog.kind(kind) else {
                return Err(StoreError::Corrupt { what: "kind", source: kind.to_owned().into() });
            };
            effects.apply(&mut tx, definition.table, &of_kind, &pauses).await.map_err(failed())?;
        }
        crate::crash::point("written");
        let drafts = effects.drafts(&mut tx).await.map_err(failed())?;
        outcome::done(&mut tx, &effects.done_ids(), delivery).await.map_err(failed())?;
        outcome::stale(&mut tx, &effects.stale, delivery).await.map_err(failed())?;
        outcome::paused(&mut tx, &effects.paused, delivery).await.map_err(failed())?;
        writer.append(&mut tx, &drafts).await?;
        crate::crash::point("audited");
        tx.commit().await.map_err(failed())?;
        crate::crash::point("committed");
        let stale = effects.stale.len() + effects.paused.len();
        Ok(Applied { done: effects.done.len(), stale, ..Applied::default() })
    }

    async fn fail(
        &self,
        writer: &AuditWriter,
        delivery: Uuid,
        ids: &[i64],
        error: &StoreError,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::during("record a failure");
        let mut tx = self.begin().await.map_err(failed())?;
        let reason = chain(error);
        for job in claim(&mut tx, ids, delivery).await.map_err(failed())? {
            if error.is_data() || job.attempts + 1 >= MAX_ATTEMPTS {
                outcome::dead(&mut tx, &job, delivery, &reason).await.map_err(failed())?;
                writer
                    .append(&mut tx, &[record::failure(&job, error.code().as_deref().unwrap_or("failed"), &reason)])
                    .await?;
                tracing::error!(job = job.id, object = %job.key, %reason, "job {} ({}) failed for good", job.id, job.key);
                applied.dead += 1;
            } else {
                outcome::again(&mut tx, &job, delivery, &reason).await.map_err(failed())?;
                applied.again += 1;
            }
        }
        tx.commit().await.map_err(failed())
    }
}

/// What one transaction did.
#[derive(Default)]
struct Effects<'a> {
    done: Vec<(&'a Job, Option<Locked>)>,
    stale: Vec<i64>,
    paused: Vec<i64>,
}

impl<'a> Effects<'a> {
    async fn apply(
        &mut self,
        tx: &mut PgConnection,
        table: &str,
        jobs: &[&'a Job],
        pauses: &[Pause],
    ) -> Result<(), sqlx::Error> {
        let mut locked = lock(tx, table, jobs).await?;
        let mut by_action: BTreeMap<&str, Vec<&'a Job>> = BTreeMap::new();
        for job in jobs {
            if is_paused(job, locked.get(&job.uid), pauses) {
                self.paused.push(job.id);
            } else if locked.get(&job.uid).map(|row| row.revision) == job.revision {
                let action = match job.action.as_str() {
                    apart @ ("create" | "delete" | "remove") => apart,
                    _ => "update",
                };
                by_action.entry(action).or_default().push(job);
            } else {
                self.stale.push(job.id);
            }
        }
        for (action, jobs) in by_action {
            let written: std::collections::HashSet<Uuid> = write(tx, table, action, &jobs).await?.into_iter().collect();
            for job in jobs {
                if written.contains(&job.uid) {
                    self.done.push((job, locked.remove(&job.uid)));
                } else {
                    self.stale.push(job.id);
                }
            }
        }
        Ok(())
    }

    fn done_ids(&self) -> Vec<i64> {
        self.done.iter().map(|(job, _)| job.id).collect()
    }

    async fn drafts(&self, tx: &mut PgConnection) -> Result<Vec<Draft>, sqlx::Error> {
        let mut by_source: BTreeMap<&str, Vec<(&Job, Option<&Locked>)>> = BTreeMap::new();
        for (job, row) in &self.done {
            by_source.entry(&job.source).or_default().push((job, row.as_ref()));
        }
        let mut drafts = Vec::with_capacity(self.done.len());
        for (source, done) in by_source {
            let authority = Authority::of(tx, source, &done).await?;
            drafts.extend(done.iter().map(|(job, row)| record::effect(job, *row, authority.approvals(job, *row))));
        }
        Ok(drafts)
    }
}

/// Whether somebody paused it since it was planned.
fn is_paused(job: &Job, row: Option<&Locked>, pauses: &[Pause]) -> bool {
    if pauses.is_empty() {
        return false;
    }
    let labels = row.and_then(|row| row.body.get("labels")).map(|labels| serde_json::Value::from(labels).to_string());
    let body = job.body.as_ref().map(|body| serde_json::Value::from(body).to_string());
    let subject = Subject::new(&job.key, labels.as_deref(), body.as_deref());
    pauses.iter().any(|pause| pause.what.covers(&subject))
}

fn by_kind(jobs: &[Job]) -> BTreeMap<&str, Vec<&Job>> {
    let mut kinds: BTreeMap<&str, Vec<&Job>> = BTreeMap::new();
    for job in jobs {
        kinds.entry(&job.key.kind).or_default().push(job);
    }
    kinds
}
