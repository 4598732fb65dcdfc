//! Pace: a change of many objects goes out in the waves of a Rollout. Which wave an object is in is a
//! function of its name and of how many there are, so that it stays there while others come and go.

use super::{Circumstances, Moved};
use crate::change::{Digest, Number, ObjectKey, Value};
use crate::diff::{Action, Change};
use crate::model::guard::{Pace, Subject};
use crate::model::scalar::span_ms;
use crate::plan::{Plan, Reason};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What paces a plan: for each step the wave that it waits for, and whose change is paced at all.
pub(super) struct Paced {
    pub waits: Vec<Option<Reason>>,
    /// Whose updates are counted here and not by the limits: only what the guard before paces.
    pub exempt: BTreeSet<ObjectKey>,
}

/// Sorts the steps of `plan` into waves.
pub(super) fn paced(plan: &Plan, circumstances: &Circumstances<'_>) -> Paced {
    let mut paced = Paced { waits: vec![None; plan.steps().len()], exempt: BTreeSet::new() };
    for (pace, is_before) in circumstances.guards.pace() {
        let Some(run) = Run::of(pace, plan, circumstances) else { continue };
        let under_way = run.opens.iter().any(|opens| opens.is_none_or(|opens| circumstances.now() < opens));
        for (at, step) in plan.steps().iter().enumerate() {
            // A Rollout is not changed under those that wait for it.
            if under_way && &*step.change.key.kind == "Rollout" && *step.change.key.name == *run.rollout {
                paced.waits[at] = Some(run.reason(run.waves.len().saturating_sub(1), None));
            } else if paced.waits[at].is_none() && is_paced(pace, &step.change) {
                paced.waits[at] = run.waits(&step.change.key, circumstances.now());
            }
        }
        if is_before {
            paced.exempt.extend(run.place.into_keys());
        }
    }
    paced
}

/// Changes of what is there: what is new, and what goes, is not paced.
fn is_paced(pace: &Pace, change: &Change) -> bool {
    matches!(change.action, Action::Update) && change.subject().is_in(&pace.selector)
}

/// A wave of a Rollout.
struct Wave {
    name: Arc<str>,
    soak: SignedDuration,
    /// How many members have moved once it is done.
    reaches: usize,
}

/// One wide change on its way.
struct Run {
    rollout: Arc<str>,
    waves: Vec<Wave>,
    /// Which wave each member is in.
    place: BTreeMap<ObjectKey, usize>,
    /// When each wave opens; `None` while one before it is under way.
    opens: Vec<Option<Timestamp>>,
}

impl Run {
    /// The run, if the change is wide.
    fn of(pace: &Pace, plan: &Plan, circumstances: &Circumstances<'_>) -> Option<Self> {
        let steps = plan.steps().iter().map(|step| &step.change).filter(|change| is_paced(pace, change));
        let mut members: BTreeMap<ObjectKey, Option<Timestamp>> = steps.map(|one| (one.key.clone(), None)).collect();
        if members.is_empty() {
            return None;
        }
        let of_this_step = |moved: &&Moved| Some(moved.seq) == circumstances.seq && moved.action == Action::Update;
        for moved in circumstances.moved.iter().filter(of_this_step) {
            let row = circumstances.live.get(&moved.key).map(|row| &*row.labels);
            if Subject::new(&moved.key, row, None).is_in(&pace.selector) {
                members.entry(moved.key.clone()).or_insert(moved.done_at);
            }
        }
        if members.len() <= pace.above as usize {
            return None;
        }
        let key = ObjectKey::new("Rollout", pace.rollout.0.as_str());
        // The row is what was there before this commit; a Rollout that is new has none yet.
        let live = circumstances.live.bodies.get(&key).map(|bodies| bodies.live.clone());
        let body = live.or_else(|| circumstances.desired.get(&key).map(crate::resolve::Object::value));
        let waves = waves(&body?, members.len());
        let mut order: Vec<(&ObjectKey, Option<Timestamp>)> = members.iter().map(|(key, done)| (key, *done)).collect();
        order.sort_by_key(|(key, _)| Digest::of(key.to_string().as_bytes()).0);
        let opens = openings(&waves, &order);
        let wave = |at: usize| waves.iter().position(|wave| at < wave.reaches).unwrap_or_default();
        let place = order.into_iter().enumerate().map(|(at, (key, _))| (key.clone(), wave(at))).collect();
        Some(Self { rollout: pace.rollout.0.as_str().into(), waves, place, opens })
    }

    /// Why a member does not go now, if it does not: a wave before it is under way, or soaks.
    fn waits(&self, key: &ObjectKey, now: Timestamp) -> Option<Reason> {
        let wave = *self.place.get(key)?;
        match self.opens.get(wave).copied().flatten() {
            None => Some(self.reason(wave, None)),
            Some(opens) => (now < opens).then(|| self.reason(wave, Some(opens))),
        }
    }

    fn reason(&self, wave: usize, until: Option<Timestamp>) -> Reason {
        let name = self.waves.get(wave).map_or_else(|| "?".into(), |wave| wave.name.clone());
        Reason::Wave { rollout: self.rollout.clone(), wave: name, until }
    }
}

/// When each wave opens: once every member of those before it is done, and the last has soaked.
fn openings(waves: &[Wave], order: &[(&ObjectKey, Option<Timestamp>)]) -> Vec<Option<Timestamp>> {
    let (mut opens, mut from) = (Some(Timestamp::MIN), 0);
    let mut all = Vec::with_capacity(waves.len());
    for wave in waves {
        all.push(opens);
        let ended: Option<Vec<Timestamp>> = order[from..wave.reaches].iter().map(|(_, done)| *done).collect();
        let soaked = |end: Timestamp| end.checked_add(wave.soak).unwrap_or(Timestamp::MAX);
        let ended = ended.map(|ended| ended.into_iter().max().map_or(Timestamp::MIN, soaked));
        opens = opens.zip(ended).map(|(opens, ended)| opens.max(ended));
        from = wave.reaches;
    }
    all
}

/// The waves of a Rollout for `members` members.
fn waves(body: &Value, members: usize) -> Vec<Wave> {
    let mut reached = 0;
    let list = body.at(&["spec", "waves"]).and_then(Value::as_list).unwrap_or_default();
    let whole = |wave: &Value, key: &str| match wave.get(key) {
        Some(Value::Number(number)) => Number::as_i64(number).and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    let mut waves: Vec<Wave> = list
        .iter()
        .map(|wave| {
            let share = whole(wave, "percent").map(|percent| (members * percent).div_ceil(100));
            reached = share.unwrap_or(reached + whole(wave, "count").unwrap_or(0)).clamp(reached, members);
            let soak = wave.get("soak").and_then(Value::as_str).and_then(span_ms).unwrap_or_default();
            Wave {
                name: wave.get("name").and_then(Value::as_str).unwrap_or_default().into(),
                soak: SignedDuration::from_millis(i64::try_from(soak).unwrap_or(i64::MAX)),
                reaches: reached,
            }
        })
        .collect();
    if let Some(last) = waves.last_mut() {
        last.reaches = members;
    }
    waves
}
