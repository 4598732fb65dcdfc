//! The plan as a value: what CI shows and the gate admits.

use super::{ActionDigest, Waiting};
use crate::diff::{Action, Cause, Change};
use jiff::Timestamp;
use serde::Serialize;

/// One object that should move, and which steps must be done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// Indices of steps that come first.
    pub after_steps: Vec<usize>,
}

/// What should move. Immutable: only [`super::plan`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub(super) commit: String,
    pub(super) made_at: Timestamp,
    pub(super) live_read_at: Timestamp,
    pub(super) actions: ActionDigest,
    pub(super) objects: usize,
    pub(super) steps: Vec<Step>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) time_zones: &'static str,
}

/// How many objects a plan moves, by what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// New rows and restored ones.
    pub create: usize,
    /// Changed because the documents did.
    pub change: usize,
    /// Tombstoned.
    pub delete: usize,
    /// Changed back to what the documents say.
    pub heal: usize,
    /// Waiting, with a reason each.
    pub waiting: usize,
}

impl Plan {
    /// The revision that is planned.
    pub fn commit(&self) -> &str {
        &self.commit
    }
    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }
    /// When the live state was read.
    pub fn live_read_at(&self) -> Timestamp {
        self.live_read_at
    }
    /// The name of what would happen: equal wherever the same things would.
    pub fn actions(&self) -> ActionDigest {
        self.actions
    }
    /// How many objects the documents declare.
    pub fn objects(&self) -> usize {
        self.objects
    }
    /// The steps; those that must come first have lower indices.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
    /// What should move but waits.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }
    /// The version of the time zone database that the plan used.
    pub fn time_zones(&self) -> &'static str {
        self.time_zones
    }
    /// Whether nothing would happen.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The summary line's numbers.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { waiting: self.waiting.len(), ..Counts::default() };
        for step in &self.steps {
            match (step.change.action, step.change.cause) {
                (Action::Create | Action::Restore, _) => counts.create += 1,
                (Action::Delete, _) => counts.delete += 1,
                (_, Cause::Drift) => counts.heal += 1,
                _ => counts.change += 1,
            }
        }
        counts
    }
}
