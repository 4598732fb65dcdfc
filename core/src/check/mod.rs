//! The independent checker: invariants that every plan must satisfy, written apart from the
//! planner, so that a fault in one is seen by the other. The gate admits no plan that breaks one.

mod admission;
mod crowd;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ObjectKey;
    use crate::render::tests::world::{World, instance};

    const ONE: &str = "one.yaml";

    /// What breaks in a plan of an instance that changes, one that is new and one that goes, changed by `breaking`.
    fn broken(breaking: impl Fn(&mut Vec<Step>)) -> Vec<&'static str> {
        let before = format!("{}---\n{}", instance("a", "  config: {n: 1}\n"), instance("b", ""));
        let after = format!("{}---\n{}", instance("a", "  config: {n: 2}\n"), instance("c", ""));
        let plan = World::applied(&[(ONE, &before)]).plan(&[(ONE, &after)]);
        check(&plan.with_steps(breaking)).into_iter().map(|violation| violation.rule).collect()
    }

    /// The same, changed in the step that does `action`.
    fn broken_at(action: Action, edit: impl Fn(&mut Step)) -> Vec<&'static str> {
        broken(|steps| steps.iter_mut().filter(|step| step.change.action == action).for_each(&edit))
    }

    #[test]
    fn a_sound_plan_breaks_nothing() {
        assert_eq!(broken(|_| {}), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_is_seen_to_be_broken() {
        let digest = "the action digest names the steps";
        let twice = broken(|steps| steps.push(steps[0].clone()));
        assert_eq!(twice, ["an object moves once in a plan", digest]);
        assert_eq!(broken(|steps| steps[0].after_steps = vec![1]), ["what comes first stands first"]);
        let (create, update, delete) = (Action::Create, Action::Update, Action::Delete);
        assert_eq!(
            broken_at(create, |step| step.change.uid = Some(uuid::Uuid::nil())),
            ["a create, and only a create, has no row", "a row is named with its revision"]
        );
        assert_eq!(broken_at(update, |step| step.change.revision = None), ["a row is named with its revision"]);
        assert_eq!(
            broken_at(update, |step| step.change.after = None),
            ["a delete, and only a delete, has no target", "a target has its body", digest]
        );
        assert_eq!(broken_at(update, |step| step.change.body = None), ["a target has its body"]);
        assert_eq!(broken_at(delete, |step| step.change.protected = true), ["a protected object is not deleted"]);
        let tombstoned = |step: &mut Step| step.change.tombstoned_at = "2026-11-23T09:00:00Z".parse().ok();
        assert_eq!(broken_at(delete, tombstoned), ["what is tombstoned, and only that, is removed"]);
        assert_eq!(broken_at(update, |step| step.change.reported = true), ["drift that is only told moves nothing"]);
        let software = |step: &mut Step| step.change.cause = Cause::Software;
        assert_eq!(broken_at(update, software), ["another default alone moves nothing"]);
        let other = |step: &mut Step| step.change.key = ObjectKey::new("Instance", "other");
        assert_eq!(broken_at(create, other), [digest]);
    }
}
