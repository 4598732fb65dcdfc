//! The live side as one document, stamped with its moment: what a plan and its judgement are a function of, beside the
//! revision. For who has no database at hand: CI, and who asks a daemon. What somebody typed into a row where its base
//! declares a secret is not in it, nor what looks like one; where the guard leaves such drift as it is, the actions planned over
//! it have another digest.

use crate::store::acceptance::SOURCE;
use crate::store::motion::Motion;
use crate::store::{Store, StoreError};
use pintle_core::change::ObjectKey;
use pintle_core::diff::{Bodies, LiveObject, LiveState, PacedRun, Pause, PendingJob};
use pintle_core::gate::{Moved, Standing};
use pintle_core::render::{labels_without_secrets, without_secrets};
use serde::{Deserialize, Serialize};

/// What is written. Within a major number fields are only added: what is unknown is passed over.
const VERSION: &str = "1.0";
const MAJOR: &str = "1.";

/// See the module.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The rows, and the jobs that are not over.
    pub live: LiveState,
    /// What moved within a day, and how far services have come.
    pub motion: Motion,
    /// Whose guard judges.
    pub admitted: Option<Admitted>,
}

/// The newest commit whose plan passed the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admitted {
    /// The commit: its guard judges what comes after it.
    pub commit: String,
    /// Its place among the accepted ones.
    pub seq: u64,
    /// The commit whose guard judged it.
    pub judged_by: String,
}

/// What is wrong with a document that should be one.
#[derive(Debug, thiserror::Error)]
pub enum NoSnapshot {
    /// It is something else.
    #[error("it is no snapshot")]
    Unreadable(#[from] serde_json::Error),
    /// Another Pintle wrote it.
    #[error("its format is {0}; this Pintle reads {MAJOR}x")]
    Version(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format_version: String,
    read_at: jiff::Timestamp,
    objects: Vec<LiveObject>,
    jobs: Vec<PendingJob>,
    #[serde(default)]
    pauses: Vec<Pause>,
    #[serde(default)]
    runs: Vec<PacedRun>,
    bodies: Vec<(ObjectKey, Bodies)>,
    #[serde(default)]
    moved: Vec<Moved>,
    #[serde(default)]
    standing: Vec<(ObjectKey, Standing)>,
    #[serde(default)]
    admitted: Option<Admitted>,
}

impl Snapshot {
    /// Of what is in the database now.
    pub async fn of(store: &Store) -> Result<Self, StoreError> {
        let everything = |live: &LiveState| live.objects.iter().map(|object| object.key.clone()).collect();
        let live = store.snapshot(SOURCE, everything).await?;
        let admitted = store.admitted_commit(SOURCE).await?;
        let since = live.runs.iter().map(|run| run.since).chain(admitted.as_ref().map(|one| one.seq)).min();
        let motion = store.whole_motion(SOURCE, since).await?;
        Ok(Self { live, motion, admitted })
    }

    /// As JSON.
    pub fn json(self) -> Result<String, serde_json::Error> {
        let Self { mut live, mut motion, admitted } = self;
        for row in &mut live.objects {
            row.labels = labels_without_secrets(std::mem::take(&mut row.labels));
        }
        for moved in &mut motion.moved {
            moved.labels_before = moved.labels_before.take().map(labels_without_secrets);
        }
        let mut bodies: Vec<_> = live.bodies.into_iter().map(|(key, bodies)| (key, without_secrets(&bodies))).collect();
        bodies.sort_by(|a, b| a.0.cmp(&b.0));
        serde_json::to_string(&Document {
            format_version: VERSION.into(),
            read_at: live.read_at,
            objects: live.objects,
            jobs: live.jobs,
            pauses: live.pauses,
            runs: live.runs,
            bodies,
            moved: motion.moved,
            standing: motion.standing.into_iter().collect(),
            admitted,
        })
    }

    /// Back from JSON.
    pub fn read(text: &str) -> Result<Self, NoSnapshot> {
        let document: Document = serde_json::from_str(text)?;
        if !document.format_version.starts_with(MAJOR) {
            return Err(NoSnapshot::Version(document.format_version));
        }
        let mut live = LiveState {
            objects: document.objects,
            jobs: document.jobs,
            read_at: document.read_at,
            pauses: document.pauses,
            runs: document.runs,
            parent: None,
            bodies: document.bodies.into_iter().collect(),
        };
        live.objects.sort_by(|a, b| a.key.cmp(&b.key));
        let motion = Motion { moved: document.moved, standing: document.standing.into_iter().collect() };
        Ok(Self { live, motion, admitted: document.admitted })
    }

    /// The commit whose guard judges `commit` beside its own, and its place among the accepted ones if it has one.
    pub fn judges(&self, commit: &str) -> (Option<&str>, Option<u64>) {
        match &self.admitted {
            Some(one) if one.commit == commit => (Some(&one.judged_by), Some(one.seq)),
            Some(one) => (Some(&one.commit), None),
            None => (None, None),
        }
    }
}
