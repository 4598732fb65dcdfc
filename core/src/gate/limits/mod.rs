//! Limits: how many objects may change within a day. What is counted is what is affected: the objects
//! that the plan moves, the instances that follow a channel it moves, and what moved already.

mod count;
mod followers;

use super::{Allowance, Circumstances, Moved};
use crate::change::ObjectKey;
use crate::diff::{Cause, Change};
use crate::model::guard::Limit;
use crate::plan::{Exceeded, Plan, Reason};
use count::{Count, counts, group, group_name, partners};
use followers::followers;
use std::collections::BTreeSet;

/// Every limit that what the documents move of `plan` would pass and nobody lifted for these very actions. Updates that
/// go out in waves are counted there.
pub(super) fn exceeded(plan: &Plan, paced: &BTreeSet<ObjectKey>, circumstances: &Circumstances<'_>) -> Vec<Exceeded> {
    let mut all = Vec::new();
    for (_, exceeded) in beyond(plan, paced, circumstances, |cause| cause != Cause::Drift) {
        if !all.contains(&exceeded) {
            all.push(exceeded);
        }
    }
    all
}

/// For each step the limit that holds it back, if one does: what was changed behind the repository's back is put right
/// as far as the limits let it beside what the documents move, and never holds that up.
pub(super) fn held_heals(
    plan: &Plan,
    paced: &BTreeSet<ObjectKey>,
    circumstances: &Circumstances<'_>,
) -> Vec<Option<Reason>> {
    let beyond = beyond(plan, paced, circumstances, |_| true);
    let held = |change: &Change| {
        let (_, exceeded) = beyond.iter().find(|(limit, exceeded)| concerns(limit, exceeded, change))?;
        Some(Reason::Limited { exceeded: Box::new(exceeded.clone()) })
    };
    let heals = |change: &&Change| change.cause == Cause::Drift;
    plan.steps().iter().map(|step| Some(&step.change).filter(heals).and_then(held)).collect()
}

/// The limits that would be passed by what moves, and moved, for a cause that `counted` names.
fn beyond<'g>(
    plan: &Plan,
    paced: &BTreeSet<ObjectKey>,
    circumstances: &Circumstances<'g>,
    counted: impl Fn(Cause) -> bool,
) -> Vec<(&'g Limit, Exceeded)> {
    let changes: Vec<&Change> = plan.steps().iter().map(|step| &step.change).filter(|one| counted(one.cause)).collect();
    if changes.is_empty() {
        return Vec::new();
    }
    let followers = followers(&changes, circumstances);
    let before: Vec<Moved> = circumstances.moved.iter().filter(|moved| counted(moved.cause)).cloned().collect();
    let guards = circumstances.guards;
    let circumstances = &Circumstances { moved: &before, ..*circumstances };
    let mut all = Vec::new();
    for limit in guards.limits() {
        let passed = Count::of(limit, &changes, paced, &followers, circumstances).exceeded(circumstances);
        all.extend(passed.into_iter().filter(|one| !is_allowed(one, plan, circumstances)).map(|one| (limit, one)));
    }
    all
}

/// Whether `change` is one of those that `exceeded` counts.
fn concerns(limit: &Limit, exceeded: &Exceeded, change: &Change) -> bool {
    let subject = change.subject();
    let is_of_group = |partner| group_name(limit, group(limit, &subject, partner)) == exceeded.group;
    counts(limit.action, change)
        && subject.is_in(&limit.selector)
        && partners(change.partner_before.as_ref(), change.partner.as_ref()).into_iter().any(is_of_group)
}

fn is_allowed(exceeded: &Exceeded, plan: &Plan, circumstances: &Circumstances<'_>) -> bool {
    let lifts = |one: &Allowance| *one.limit == exceeded.limit && one.lifts(plan.actions().0, exceeded);
    circumstances.allowed.iter().any(lifts)
}
