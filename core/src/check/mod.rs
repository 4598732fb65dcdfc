//! The independent checker: invariants that every plan must satisfy, written apart from the
//! planner, so that a fault in one is seen by the other. The gate admits no plan that breaks one.

mod admission;

pub use admission::check_judged;

use crate::diff::{Action, Cause};
use crate::plan::{Plan, Step, action_digest};
use std::collections::HashSet;

/// An invariant that a plan breaks: a fault of ours, never of the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step}: {rule}")]
pub struct Violation {
    /// Index of the step.
    pub step: usize,
    /// The invariant.
    pub rule: &'static str,
}

/// Every invariant that `plan` breaks.
pub fn check(plan: &Plan) -> Vec<Violation> {
    let mut seen = HashSet::new();
    let mut broken: Vec<Violation> = Vec::new();
    for (index, step) in plan.steps().iter().enumerate() {
        let mut rule = |holds: bool, rule| {
            if !holds {
                broken.push(Violation { step: index, rule });
            }
        };
        rule(seen.insert(&step.change.key), "an object moves once in a plan");
        rule(step.after_steps.iter().all(|first| *first < index), "what comes first stands first");
        rule(plan.objects() > 0 || !step.change.action.ends(), "an empty repository deletes nothing");
        for (holds, text) in shape_of(step) {
            rule(holds, text);
        }
    }
    let waits: HashSet<_> = plan.waiting().iter().map(|waiting| &waiting.change.key).collect();
    broken.extend(
        plan.steps()
            .iter()
            .enumerate()
            .filter(|(_, step)| waits.contains(&step.change.key))
            .map(|(step, _)| Violation { step, rule: "what waits does not move" }),
    );
    if action_digest(plan.steps()) != plan.actions() {
        broken.push(Violation { step: 0, rule: "the action digest names the steps" });
    }
    broken
}

fn shape_of(step: &Step) -> [(bool, &'static str); 8] {
    let change = &step.change;
    let create = change.action == Action::Create;
    let delete = matches!(change.action, Action::Delete | Action::Remove);
    let tombstoned = change.tombstoned_at.is_some();
    [
        (create == change.uid.is_none(), "a create, and only a create, has no row"),
        (change.uid.is_some() == change.revision.is_some(), "a row is named with its revision"),
        (delete == change.after.is_none(), "a delete, and only a delete, has no target"),
        (change.after.is_some() == change.body.is_some(), "a target has its body"),
        (!(change.is_destructive() && change.protected), "a protected object is not deleted"),
        ((change.action == Action::Remove) == (delete && tombstoned), "what is tombstoned, and only that, is removed"),
        (!change.reported, "drift that is only told moves nothing"),
        (change.cause != Cause::Software, "another default alone moves nothing"),
    ]
}
