//! The plan as a value: what CI shows and the gate admits.

use super::digest::plan_id;
use super::{ActionDigest, PlanId, Reason, Waiting};
use crate::change::ObjectKey;
use crate::diff::{Action, Cause, Change};
use crate::render::minute;
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

/// A limit of the guard that a plan would pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exceeded {
    /// What is limited, as `Allow-Limit` names it: `delete Instance`.
    pub limit: String,
    /// For which partner or region, where it is counted apart.
    pub group: Option<String>,
    /// How many this plan would move.
    pub moving: usize,
    /// How many moved within 24 hours, or are on their way.
    pub before: usize,
    /// How many there were.
    pub live: usize,
    /// How many are allowed.
    pub allowed: usize,
    /// When enough of what moved before is older than a day, if time alone makes room.
    pub until: Option<Timestamp>,
}

impl Exceeded {
    /// One sentence for people.
    pub fn sentence(&self) -> String {
        let group = self.group.as_ref().map(|group| format!(" of {group}")).unwrap_or_default();
        let before = if self.before > 0 { format!(" beside {} within 24 h", self.before) } else { String::new() };
        let until = self.until.map(|until| format!(", room for it on {}", minute(until))).unwrap_or_default();
        format!(
            "{}{group}: {}{before}, of {} live; {} allowed within 24 h{until}",
            self.limit, self.moving, self.live, self.allowed
        )
    }
    /// What lifts it.
    pub fn lifted_by(&self) -> String {
        let time = if self.until.is_some() { "time; " } else { "" };
        format!(
            "{time}smaller steps; or pintle approve --allow-limit '{}' --for ACTIONS, where the guard names who may",
            self.limit
        )
    }
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
    pub(super) refused: Vec<Exceeded>,
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
    /// Gone for good, after their grace.
    pub remove: usize,
    /// Ended by their documents: their lifecycle becomes `terminated`.
    pub terminate: usize,
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
    /// The name of this very plan: it covers everything.
    pub fn id(&self) -> PlanId {
        plan_id(self)
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
    /// The limits that it would pass: then nothing of it moves.
    pub fn refused(&self) -> &[Exceeded] {
        &self.refused
    }
    /// When time alone changes what waits or is refused, if it does: the earliest moment.
    pub fn due(&self) -> Option<Timestamp> {
        let waits = self.waiting.iter().filter_map(|waiting| waiting.reason.due());
        waits.chain(self.refused.iter().filter_map(|one| one.until)).min()
    }
    /// What drifted: healed, or told and left.
    pub fn drifted(&self) -> usize {
        let told = self.waiting.iter().filter(|waiting| waiting.change.cause == Cause::Drift).count();
        self.counts().heal + told
    }
    /// The version of the time zone database that the plan used.
    pub fn time_zones(&self) -> &'static str {
        self.time_zones
    }
    /// Whether nothing would happen.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same plan without the steps that `deferred` gives a reason for, and without what needs those:
    /// they wait. The action digest names them all the same.
    #[must_use]
    pub(crate) fn without(mut self, mut deferred: Vec<Option<Reason>>) -> Self {
        deferred.resize(self.steps.len(), None);
        if deferred.iter().all(Option::is_none) {
            return self;
        }
        let mut places = vec![None; self.steps.len()];
        let mut steps: Vec<Step> = Vec::with_capacity(self.steps.len());
        let keys: Vec<ObjectKey> = self.steps.iter().map(|step| step.change.key.clone()).collect();
        // What is live can be referred to whether or not it is changed first.
        let lasting = |step: &Step| matches!(step.change.action, Action::Update | Action::Adopt);
        let lasting: Vec<bool> = self.steps.iter().map(lasting).collect();
        for (at, mut step) in self.steps.drain(..).enumerate() {
            let missing = step
                .after_steps
                .iter()
                .find(|first| places[**first].is_none() && (!lasting[**first] || step.change.action.ends()));
            let reason = deferred[at].take().or(missing.map(|first| Reason::Dependency { on: keys[*first].clone() }));
            if let Some(reason) = reason {
                self.waiting.push(Waiting { change: step.change, reason });
                continue;
            }
            step.after_steps = step.after_steps.iter().filter_map(|first| places[*first]).collect();
            places[at] = Some(steps.len());
            steps.push(step);
        }
        self.steps = steps;
        self.waiting.sort_by(|a, b| a.change.key.cmp(&b.change.key));
        self
    }

    /// The same plan without what `wanted` does not name: those steps wait, and nothing else is told of
    /// what waits.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Change) -> bool) -> Self {
        self.waiting.retain(|waiting| wanted(&waiting.change));
        let left_out = self.steps.iter().map(|step| (!wanted(&step.change)).then_some(Reason::LeftOut)).collect();
        self.without(left_out)
    }

    /// The same plan with other steps: what the checker is tried on.
    #[cfg(test)]
    pub(crate) fn with_steps(mut self, edit: impl FnOnce(&mut Vec<Step>)) -> Self {
        edit(&mut self.steps);
        self
    }

    /// The same plan, refused for what it would pass.
    #[must_use]
    pub(crate) fn refusing(self, refused: Vec<Exceeded>) -> Self {
        Self { refused, ..self }
    }

    /// The summary line's numbers.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { waiting: self.waiting.len(), ..Counts::default() };
        for step in &self.steps {
            match (step.change.action, step.change.cause) {
                (Action::Create | Action::Restore, _) => counts.create += 1,
                (Action::Delete, _) => counts.delete += 1,
                (Action::Remove, _) => counts.remove += 1,
                _ if step.change.is_destructive() => counts.terminate += 1,
                (_, Cause::Drift) => counts.heal += 1,
                _ => counts.change += 1,
            }
        }
        counts
    }
}
