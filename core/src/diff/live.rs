//! The live side: heads of every row, and the bodies of those that differ. Heads come first because
//! comparing digests is a hundred times cheaper than reading bodies.

use super::pause::Pause;
use crate::change::{Digest, ObjectKey, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// The head of a live row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveObject {
    /// Kind and name.
    pub key: ObjectKey,
    /// Identity for as long as it lives, kept over tombstone and restore.
    pub uid: Uuid,
    /// Bumped by the database on any write, whoever writes.
    pub revision: i64,
    /// How often the desired state was applied.
    pub generation: i64,
    /// Whether the row differs from what was last applied to it; the database says so.
    pub drifted: bool,
    /// Digest of what was last applied; `None` for a row that Pintle never applied.
    pub applied: Option<Digest>,
    /// Digest of that document before defaults.
    pub written: Option<Digest>,
    /// The commit it was last applied from.
    pub applied_commit: Option<Arc<str>>,
    /// The file that its document stood in then.
    pub applied_file: Option<Arc<str>>,
    /// When it was tombstoned.
    pub tombstoned_at: Option<Timestamp>,
    /// Whether the live row carries `pintle/protect`.
    pub protected: bool,
    /// The partner it belongs to.
    pub partner: Option<Arc<str>>,
    /// Its labels, as JSON.
    #[serde(default = "no_labels")]
    pub labels: Arc<str>,
}

fn no_labels() -> Arc<str> {
    "{}".into()
}

/// The bodies of a row: `{annotations, labels, spec}` each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    /// What stands in the row now.
    pub live: Value,
    /// What was last applied (the base).
    pub applied: Option<Value>,
    /// The digest of `live` as it stands in the row, where some of it is withheld here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Digest>,
}

impl Bodies {
    /// Both sides, whole.
    pub fn of(live: Value, applied: Option<Value>) -> Self {
        Self { live, applied, withheld: None }
    }

    /// The digest of what stands in the row.
    pub fn live_digest(&self) -> Digest {
        self.withheld.unwrap_or_else(|| Digest::of_value(&self.live))
    }
}

/// A job of the ledger that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingJob {
    /// The ledger's number.
    pub id: i64,
    /// The object it changes.
    pub key: ObjectKey,
    /// The digest it brings the object to; `None` for a tombstone.
    pub target: Option<Digest>,
    /// Claimed by a worker: it can no longer be superseded.
    pub running: bool,
    /// Its attempts are spent.
    pub dead: bool,
    /// Since when.
    #[serde(default)]
    pub dead_since: Option<Timestamp>,
    /// The last error, of a dead one.
    pub error: Option<String>,
}

/// A wide change that goes out in the waves of a Rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PacedRun {
    /// The Rollout.
    pub rollout: String,
    /// The accepted step with which it began; what later ones move joins it.
    pub since: u64,
    /// When that was.
    #[serde(default)]
    pub began_at: Option<Timestamp>,
    /// The waves that somebody opened by hand.
    pub advanced: Vec<String>,
    /// And when, as far as that is known.
    #[serde(default)]
    pub advanced_at: BTreeMap<String, Timestamp>,
}

impl PacedRun {
    /// One of `rollout` of which nothing is known.
    pub fn of(rollout: String) -> Self {
        Self { rollout, since: 0, began_at: None, advanced: Vec::new(), advanced_at: BTreeMap::new() }
    }

    /// When somebody opened `wave`, if somebody did.
    pub fn opened(&self, wave: &str) -> Option<Timestamp> {
        let is_open = self.advanced.iter().any(|one| one == wave);
        is_open.then(|| self.advanced_at.get(wave).copied().unwrap_or(Timestamp::MIN))
    }
}

/// Everything live, read in one snapshot.
#[derive(Debug, Clone, Default)]
pub struct LiveState {
    /// Heads, sorted by key.
    pub objects: Vec<LiveObject>,
    /// Jobs that are not over, and dead ones.
    pub jobs: Vec<PendingJob>,
    /// When the snapshot was taken, by the database's clock.
    pub read_at: Timestamp,
    /// What is paused.
    pub pauses: Vec<Pause>,
    /// Wide changes that go out in waves.
    pub runs: Vec<PacedRun>,
    /// The plan that was current: the parent of whatever is planned from this snapshot.
    pub parent: Option<i64>,
    /// Bodies of the rows that [`super::Differing::needs_bodies`] named.
    pub bodies: HashMap<ObjectKey, Bodies>,
}

impl LiveState {
    /// The row of `key`.
    pub fn get(&self, key: &ObjectKey) -> Option<&LiveObject> {
        self.objects.binary_search_by(|object| object.key.cmp(key)).ok().map(|at| &self.objects[at])
    }
}

impl LiveState {
    /// The live side as if `desired` had been applied as it stands: for comparing two revisions.
    pub fn as_applied(desired: &crate::resolve::Resolved, commit: &str, at: Timestamp) -> Self {
        let commit: Arc<str> = commit.into();
        let mut live = Self { read_at: at, ..Self::default() };
        for object in &desired.objects {
            let body = object.value();
            live.objects.push(LiveObject {
                key: object.key.clone(),
                uid: Uuid::nil(),
                revision: 0,
                generation: 1,
                drifted: false,
                applied: Some(object.digest),
                written: Some(object.written),
                applied_commit: Some(commit.clone()),
                applied_file: Some(object.document.file.clone()),
                tombstoned_at: None,
                protected: body.at(&["annotations", "pintle/protect"]).and_then(Value::as_str) == Some("true"),
                partner: object.partner.clone(),
                labels: body
                    .get("labels")
                    .map_or_else(no_labels, |labels| serde_json::Value::from(labels).to_string().into()),
            });
            live.bodies.insert(object.key.clone(), Bodies::of(body.clone(), Some(body)));
        }
        live
    }
}
