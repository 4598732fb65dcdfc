//! Pace: a change of many objects goes out in the waves of a Rollout. Which wave an object is in is a
//! function of its name and of how many there are, so that it stays there while others come and go. A run
//! goes on over the commits that come meanwhile: what they move joins it.

mod waves;

use super::moving::tightened;
use super::{Circumstances, Moved, Standing};
use crate::change::{Digest, ObjectKey};
use crate::diff::{Action, Change, PacedRun};
use crate::model::guard::{Bounds, Pace, Subject};
use crate::plan::{Held, Plan, Reason};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use waves::{Clock, Halt, Member, Opens, Wave, openings, waves};

/// What paces a plan: for each step the wave that it waits for, and whose change is paced at all.
#[derive(Default)]
pub(super) struct Paced {
    pub waits: Vec<Option<Reason>>,
    /// Whose updates are counted here and not by the limits: only what the guard before paces.
    pub exempt: BTreeSet<ObjectKey>,
    /// How much of what is paced may move at once, where a Rollout is tighter than the guard.
    pub bounds: BTreeMap<ObjectKey, Bounds>,
    /// In whose waves each goes.
    pub rollouts: BTreeMap<ObjectKey, Vec<Arc<str>>>,
}

/// Sorts the steps of `plan` into waves.
pub(super) fn paced(plan: &Plan, circumstances: &Circumstances<'_>) -> Paced {
    let mut paced = Paced { waits: vec![None; plan.steps().len()], ..Paced::default() };
    for (pace, is_before) in circumstances.guards.pace() {
        let Some(run) = Run::of(pace, plan, circumstances) else { continue };
        let now = circumstances.now();
        let under_way = (0..run.waves.len()).find(|wave| run.closed(*wave, now).is_some());
        for (at, step) in plan.steps().iter().enumerate() {
            let is_rollout = &*step.change.key.kind == "Rollout" && *step.change.key.name == *run.rollout;
            // A Rollout is not changed under those that wait for it.
            if let (true, Some(wave)) = (is_rollout, under_way) {
                paced.waits[at] = run.closed(wave, now);
            } else if paced.waits[at].is_none() && is_paced(pace, &step.change) {
                paced.waits[at] = run.place.get(&step.change.key).and_then(|wave| run.closed(*wave, now));
            }
        }
        for key in run.place.keys() {
            paced.rollouts.entry(key.clone()).or_default().push(run.rollout.clone());
        }
        for key in run.tightened.iter().flat_map(|_| run.place.keys()) {
            let bounds = run.tightened.iter().chain(paced.bounds.get(key)).cloned();
            if let Some(tightest) = bounds.reduce(|one, other| one.within(&other)) {
                paced.bounds.insert(key.clone(), tightest);
            }
        }
        if is_before {
            paced.exempt.extend(run.place.into_keys());
        }
    }
    paced
}

/// The runs that `judged` leaves under way: those before go on from where they began, a new one begins with `seq`. None is
/// over while something moves: what moves may be its last wave.
pub fn runs(judged: &Plan, before: &[PacedRun], (seq, now): (u64, Timestamp)) -> Vec<PacedRun> {
    let waits = judged.waiting().iter().flat_map(|waiting| match &waiting.reason {
        Reason::Wave { rollout, .. } => std::slice::from_ref(rollout),
        Reason::Moving { rollouts, .. } => rollouts,
        _ => &[],
    });
    let mut rollouts: BTreeSet<String> = waits.map(ToString::to_string).collect();
    if !judged.steps().is_empty() {
        rollouts.extend(before.iter().map(|run| run.rollout.clone()));
    }
    let run = |rollout: String| {
        let known = before.iter().find(|run| run.rollout == rollout).cloned();
        known.unwrap_or(PacedRun { since: seq, began_at: Some(now), ..PacedRun::of(rollout) })
    };
    rollouts.into_iter().map(run).collect()
}

/// Changes of what is there: what is new, and what goes, is not paced.
fn is_paced(pace: &Pace, change: &Change) -> bool {
    matches!(change.action, Action::Update) && change.subject().is_in(&pace.selector)
}

/// One wide change on its way.
struct Run {
    rollout: Arc<str>,
    waves: Vec<Wave>,
    /// Which wave each member is in.
    place: BTreeMap<ObjectKey, usize>,
    /// When each wave opens.
    opens: Vec<Opens>,
    tightened: Option<Bounds>,
}

impl Run {
    /// The run, if the change is wide.
    fn of(pace: &Pace, plan: &Plan, circumstances: &Circumstances<'_>) -> Option<Self> {
        let rollout = pace.rollout.0.as_str();
        let under_way = circumstances.live.runs.iter().find(|run| run.rollout == rollout);
        let members = members(pace, plan, circumstances, under_way)?;
        let key = ObjectKey::new("Rollout", rollout);
        // The row is what was there before this commit; a Rollout that is new has none yet.
        let live = circumstances.live.bodies.get(&key).map(|bodies| bodies.live.clone());
        let body = live.or_else(|| circumstances.desired.get(&key).map(crate::resolve::Object::value))?;
        let waves = waves(&body, members.len());
        let mut order: Vec<(ObjectKey, Member)> = members.into_iter().collect();
        order.sort_by_key(|(key, _)| Digest::of(key.to_string().as_bytes()).0);
        let ended: Vec<Member> = order.iter().map(|(_, member)| *member).collect();
        let now = circumstances.now();
        let clock = Clock { began: under_way.and_then(|run| run.began_at).unwrap_or(now), now };
        let opened = |wave: &str| under_way.and_then(|run| run.opened(wave));
        let opens = openings(&waves, &Halt::of(&body), &ended, &opened, &clock);
        let wave = |at: usize| waves.iter().position(|wave| at < wave.reaches).unwrap_or_default();
        let place = order.into_iter().enumerate().map(|(at, (key, _))| (key, wave(at))).collect();
        Some(Self { rollout: rollout.into(), waves, place, opens, tightened: tightened(&body) })
    }

    /// Why a wave is not open now, if it is not.
    fn closed(&self, wave: usize, now: Timestamp) -> Option<Reason> {
        let (until, judged, held) = match self.opens.get(wave).copied().unwrap_or(Opens::Later(None)) {
            Opens::At(opens) if opens <= now => return None,
            Opens::At(opens) => (Some(opens), None, None),
            Opens::Later(judged) => (None, judged, None),
            Opens::NoEvidence => (None, None, Some(Held::NoEvidence)),
            Opens::Halted(failed) => (None, None, Some(Held::Failed(failed))),
            Opens::ByHand => (None, None, Some(Held::ByHand)),
        };
        let name = self.waves.get(wave).map_or_else(|| "?".into(), |wave| wave.name.clone());
        Some(Reason::Wave { rollout: self.rollout.clone(), wave: name, until, judged, held })
    }
}

/// Who is in the run, and how it stands with each; `None` when the change is not wide.
fn members(
    pace: &Pace,
    plan: &Plan,
    circumstances: &Circumstances<'_>,
    under_way: Option<&PacedRun>,
) -> Option<BTreeMap<ObjectKey, Member>> {
    let is_member = |change: &&Change| is_paced(pace, change);
    let steps = plan.steps().iter().map(|step| &step.change).filter(is_member);
    let mut members: BTreeMap<ObjectKey, Member> = steps.map(|one| (one.key.clone(), Member::Moves)).collect();
    if members.is_empty() {
        return None;
    }
    let failed = plan.waiting().iter().filter(|one| matches!(one.reason, Reason::DeadLetter { .. }));
    let died: BTreeMap<&ObjectKey, Timestamp> =
        circumstances.live.jobs.iter().filter_map(|job| Some((&job.key, job.dead_since?))).collect();
    let fail = |change: &Change| Member::Failed(died.get(&change.key).copied().unwrap_or(circumstances.now()));
    members.extend(failed.map(|one| &one.change).filter(is_member).map(|one| (one.key.clone(), fail(one))));
    let since = under_way.map(|run| run.since).or(circumstances.seq);
    let is_of_run = |moved: &&Moved| since.is_some_and(|since| since <= moved.seq) && moved.action == Action::Update;
    let mut ended: BTreeMap<&ObjectKey, Option<Timestamp>> = BTreeMap::new();
    for moved in circumstances.moved.iter().filter(is_of_run) {
        // Who is gone, or going, is none any more: neither what it did well nor where it failed counts.
        let Some(row) = circumstances.live.get(&moved.key).filter(|row| row.tombstoned_at.is_none()) else { continue };
        if Subject::new(&moved.key, Some(&row.labels), None).is_in(&pace.selector) {
            let last = ended.entry(&moved.key).or_insert(moved.done_at);
            *last = last.zip(moved.done_at).map(|(last, done)| last.max(done));
        }
    }
    for (key, done) in ended {
        members.entry(key.clone()).or_insert_with(|| came(done, circumstances.standing.get(key)));
    }
    // One that is under way stays paced, whoever leaves it.
    (under_way.is_some() || members.len() > pace.above as usize).then_some(members)
}

/// How far a member has come whose row was written at `done`: where a service reports on it, its word counts.
fn came(done: Option<Timestamp>, standing: Option<&Standing>) -> Member {
    match (done, standing) {
        (None, _) | (_, Some(Standing::UnderWay)) => Member::Moves,
        (Some(_), Some(Standing::Failed(at))) => Member::Failed(*at),
        (Some(done), Some(Standing::There(at))) => Member::Done(done.max(*at)),
        (Some(done), None) => Member::Done(done),
    }
}
