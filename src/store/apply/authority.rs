//! Whose signatures gave the authority for a row: those of the accepted steps that touched its
//! document, its profiles or its partner since the row was last written; for drift, of the newest such step.

use super::claim::Job;
use super::write::Locked;
use crate::store::acceptance::{ANY, approval};
use pintle_core::audit::Approval;
use pintle_core::change::{ObjectKey, Value};
use pintle_core::trust::Acceptance;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const TOUCHES: &str = "SELECT kind, name, seq FROM pintle.accepted_touches
    WHERE source_id = $1 AND (kind, name) IN (SELECT * FROM unnest($2::text[], $3::text[]))";

/// Steps named in one record; more than anyone reads.
const MAX_STEPS: usize = 16;

/// What a batch needs to know of accepted steps.
#[derive(Default)]
pub(super) struct Authority {
    touches: HashMap<ObjectKey, BTreeSet<i64>>,
    steps: BTreeMap<i64, Acceptance>,
}

impl Authority {
    /// Reads it for `done`, all of one source.
    pub async fn of(
        tx: &mut PgConnection,
        source: &str,
        done: &[(&Job, Option<&Locked>)],
    ) -> Result<Self, sqlx::Error> {
        let mut authority = Self::default();
        let keys: BTreeSet<ObjectKey> = done.iter().flat_map(|(job, _)| documents(job)).collect();
        let kinds: Vec<&str> = keys.iter().map(|key| &*key.kind).collect();
        let names: Vec<&str> = keys.iter().map(|key| &*key.name).collect();
        for row in sqlx::query(TOUCHES).bind(source).bind(kinds).bind(names).fetch_all(&mut *tx).await? {
            let key = ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?);
            authority.touches.entry(key).or_default().insert(row.try_get("seq")?);
        }
        let wanted: BTreeSet<i64> = done.iter().flat_map(|(job, row)| authority.chosen(job, *row)).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        for row in
            sqlx::query("SELECT seq, acceptance FROM pintle.accepted_commits WHERE source_id = $1 AND seq = ANY($2)")
                .bind(source)
                .bind(wanted)
                .fetch_all(tx)
                .await?
        {
            let Json(acceptance): Json<Acceptance> = row.try_get("acceptance")?;
            authority.steps.insert(row.try_get("seq")?, acceptance);
        }
        Ok(authority)
    }

    /// The signatures for `job`, whose row was `before`.
    pub fn approvals(&self, job: &Job, before: Option<&Locked>) -> Vec<Approval> {
        let steps = self.chosen(job, before).into_iter().filter_map(|seq| self.steps.get(&seq));
        steps.flat_map(|step| &step.counted).map(approval).collect()
    }

    fn chosen(&self, job: &Job, before: Option<&Locked>) -> Vec<i64> {
        let since = before.map_or(0, |row| row.applied_seq);
        let (named, anything): (Vec<_>, Vec<_>) = documents(job).into_iter().partition(|key| &*key.kind != ANY);
        let steps = |keys: &[ObjectKey]| -> BTreeSet<i64> {
            keys.iter()
                .filter_map(|key| self.touches.get(key))
                .flatten()
                .copied()
                .filter(|seq| *seq <= job.seq)
                .collect()
        };
        let named = steps(&named);
        // What no step named came with the introduction.
        let touching = if named.is_empty() { steps(&anything) } else { named };
        let unseen: Vec<i64> = touching.iter().rev().copied().take_while(|seq| *seq > since).take(MAX_STEPS).collect();
        match (unseen.is_empty(), touching.last()) {
            (true, Some(newest)) => vec![*newest],
            _ => unseen.into_iter().rev().collect(),
        }
    }
}

/// The documents that a row's body comes from.
fn documents(job: &Job) -> Vec<ObjectKey> {
    let spec = job.body.as_ref().and_then(|body| body.get("spec"));
    let profiles = spec.and_then(|spec| spec.get("profiles")).and_then(Value::as_list).unwrap_or_default();
    let profiles = profiles.iter().filter_map(Value::as_str).map(|name| ObjectKey::new("Profile", name));
    let partner =
        spec.and_then(|spec| spec.get("partner")).and_then(Value::as_str).map(|name| ObjectKey::new("Partner", name));
    let own = [job.key.clone(), ObjectKey::new(job.key.kind.clone(), ANY), ObjectKey::new(ANY, ANY)];
    own.into_iter().chain(profiles).chain(partner).collect()
}
