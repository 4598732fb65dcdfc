//! What the gate looks at beside the plan: the guards, the rows, what moved within the day, pauses,
//! and the limits that somebody lifted for one plan.

use crate::change::{Digest, ObjectKey};
use crate::diff::{Action, Cause, LiveState};
use crate::model::guard::Guards;
use crate::plan::Exceeded;
use crate::resolve::Resolved;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A job that is on its way, or was done: within the day, or of the accepted step that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// The object.
    pub key: ObjectKey,
    /// What happened.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Digest of the body that it replaces, where that is known.
    pub before: Option<Digest>,
    /// Whether it ended its object: a deletion, or a termination.
    pub destructive: bool,
    /// The accepted step it was planned from.
    pub seq: u64,
    /// When it was done; `None` while it is on its way.
    pub done_at: Option<Timestamp>,
    /// The partner it belongs to.
    pub partner: Option<Arc<str>>,
    /// The partner that it belonged to when it was planned.
    pub partner_before: Option<Arc<str>>,
    /// The labels that it had then, as JSON.
    pub labels_before: Option<Arc<str>>,
    /// Whether it moved others along.
    pub moves_followers: bool,
    /// The fields that it put right, where it healed something; none where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub healed: Vec<String>,
    /// Whether it is on its way, or was done within the day: what limits count.
    pub recent: bool,
}

/// A limit that was lifted for one set of actions, by a signed `Allow-Limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The limit, as [`crate::plan::Exceeded::limit`] names it.
    pub limit: Arc<str>,
    /// What it lets pass.
    pub extent: Extent,
}

/// What an allowance lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// The actions that were seen.
    Actions(Digest),
    /// What is left of them: once admitted, a part may have moved, and no more may come.
    AtMost {
        /// The group that was counted.
        group: Option<String>,
        /// How many it was.
        moving: usize,
    },
}

impl Allowance {
    /// Whether it lets `exceeded`, of a plan of `actions`, pass.
    pub(super) fn lifts(&self, actions: Digest, exceeded: &Exceeded) -> bool {
        match &self.extent {
            Extent::Actions(seen) => *seen == actions,
            Extent::AtMost { group, moving } => *group == exceeded.group && exceeded.moving <= *moving,
        }
    }
}

/// How far a service has come with a row, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It has not carried out what the row says.
    UnderWay,
    /// It carried it out, then.
    There(Timestamp),
    /// It failed, then.
    Failed(Timestamp),
}

/// What nobody reports on, nobody waits for.
pub const UNWATCHED: &BTreeMap<ObjectKey, Standing> = &BTreeMap::new();

/// Why nothing that cannot be undone is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// The planned commit is not the newest that there is, or nobody knows.
    NewerTip,
    /// Broken glass is not ratified.
    GlassBroken,
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What keeps a mistake small.
    pub guards: &'a Guards,
    /// What the planned revision says.
    pub desired: &'a Resolved,
    /// What is, and what is paused; bodies of the windows that close something included.
    pub live: &'a LiveState,
    /// What moved within 24 hours, or is on its way.
    pub moved: &'a [Moved],
    /// Of the rows that a service reports on how far it has come: of those that move and that moved; where an instance moves,
    /// of all instances that are not there.
    pub standing: &'a BTreeMap<ObjectKey, Standing>,
    /// The accepted step that is planned, if it is accepted: where a run in waves begins, if none is under way.
    pub seq: Option<u64>,
    /// Why no row goes for good now, if none does.
    pub keeps: Option<Keeps>,
    /// Which limits are lifted.
    pub allowed: &'a [Allowance],
}

impl Circumstances<'_> {
    /// The moment, by the clock of the database.
    pub fn now(&self) -> Timestamp {
        self.live.read_at
    }
}
