//! What must hold of the steps that a gate lets move, held against rows, guards and pauses: written apart from the gate
//! and from the planner, which both say these things their own way.

use super::Violation;
use super::crowd::{crowded, too_many_end};
use crate::change::{ObjectKey, Value};
use crate::diff::{Action, Change, LiveObject, LiveState};
use crate::gate::Circumstances;
use crate::model::guard::{Mode, Subject};
use crate::model::scalar::moment;
use crate::plan::{Plan, Step};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// Every invariant that the steps of a judged plan break under `circumstances`.
pub fn check_judged(plan: &Plan, circumstances: &Circumstances<'_>) -> Vec<Violation> {
    let places: HashMap<_, _> = plan.steps().iter().enumerate().map(|(at, step)| (&step.change.key, at)).collect();
    let mut broken: Vec<Violation> =
        crowded(plan, circumstances).into_iter().chain(too_many_end(plan, circumstances)).collect();
    for (at, step) in plan.steps().iter().enumerate() {
        let row = circumstances.live.get(&step.change.key);
        let rules = [
            (is_of_the_row(&step.change, row), "a step is for the row as it was read"),
            (may_end(&step.change, row), "a protected row is not ended"),
            (grace_is_over(&step.change, row, circumstances), "no row goes before its grace is over"),
            (takes_over(&step.change, row, circumstances), "a row of somebody else is not overwritten"),
            (is_awake(&step.change, circumstances), "what is paused does not move"),
            (is_in_mode(&step.change, circumstances), "the guard's mode allows what moves"),
            (is_open(&step.change, circumstances), "nothing moves while a window of the guard denies everything"),
            (is_certain(&step.change, circumstances), "no row goes while the repository may say otherwise"),
            (stands(step, circumstances.live, &places), "what is referred to is there, or comes first"),
        ];
        let fails = rules.into_iter().filter(|(holds, _)| !holds);
        broken.extend(fails.map(|(_, rule)| Violation { step: at, rule }));
    }
    broken
}

fn is_of_the_row(change: &Change, row: Option<&LiveObject>) -> bool {
    match row {
        None => change.action == Action::Create && change.revision.is_none(),
        Some(row) => {
            change.action != Action::Create && change.revision == Some(row.revision) && change.uid == Some(row.uid)
        }
    }
}

fn may_end(change: &Change, row: Option<&LiveObject>) -> bool {
    !(change.is_destructive() && row.is_some_and(|row| row.protected))
}

fn grace_is_over(change: &Change, row: Option<&LiveObject>, circumstances: &Circumstances<'_>) -> bool {
    let grace = i64::try_from(circumstances.guards.delete_grace_ms()).unwrap_or(i64::MAX);
    let since = row.and_then(|row| row.tombstoned_at);
    let over = |at: Timestamp| at.saturating_add(SignedDuration::from_millis(grace)).unwrap_or(Timestamp::MAX);
    change.action != Action::Remove || since.is_some_and(|at| over(at) <= circumstances.now())
}

fn takes_over(change: &Change, row: Option<&LiveObject>, circumstances: &Circumstances<'_>) -> bool {
    let foreign = change.action == Action::Update && row.is_some_and(|row| row.applied.is_none());
    !foreign || circumstances.guards.takes_over(&change.subject())
}

fn is_awake(change: &Change, circumstances: &Circumstances<'_>) -> bool {
    let row = circumstances.live.get(&change.key).map(|row| &*row.labels);
    let subject = Subject::new(&change.key, row, change.body.as_deref());
    !circumstances.live.pauses.iter().any(|pause| pause.what.covers(&subject))
}

fn is_in_mode(change: &Change, circumstances: &Circumstances<'_>) -> bool {
    match circumstances.guards.mode(&change.subject()) {
        Mode::Full => true,
        Mode::NoDelete => !change.is_destructive(),
        Mode::CreateOnly => change.action == Action::Create,
        Mode::Observe => false,
    }
}

/// Whether no window that closes the object denies everything now, as its row says. Spans that deny some kinds of movement
/// are the gate's alone.
fn is_open(change: &Change, circumstances: &Circumstances<'_>) -> bool {
    let now = circumstances.now();
    let denies = |body: &Value| {
        let zone = body.at(&["spec", "timezone"]).and_then(Value::as_str).unwrap_or("UTC");
        let spans = body.at(&["spec", "deny"]).and_then(Value::as_list).unwrap_or_default();
        spans.iter().filter(|span| span.get("blocks").is_none()).any(|span| {
            let at = |key: &str| span.get(key).and_then(Value::as_str).and_then(|text| moment(text, zone));
            at("from").is_some_and(|from| from <= now) && at("to").is_some_and(|to| now < to)
        })
    };
    let subject = change.subject();
    let rules = circumstances.guards.closed().filter(|rule| subject.is_in(&rule.selector));
    let mut windows =
        rules.flat_map(|rule| &rule.windows.0).map(|name| ObjectKey::new("MaintenanceWindow", name.0.as_str()));
    !windows.any(|key| circumstances.live.bodies.get(&key).is_some_and(|bodies| denies(&bodies.live)))
}

fn is_certain(change: &Change, circumstances: &Circumstances<'_>) -> bool {
    change.action != Action::Remove || circumstances.keeps.is_none()
}

/// Whether everything that the step leaves standing on something finds it there.
fn stands(step: &Step, live: &LiveState, places: &HashMap<&crate::change::ObjectKey, usize>) -> bool {
    let comes_first = |key| places.get(key).is_some_and(|at| step.after_steps.contains(at));
    let is_live = |key| live.get(key).is_some_and(|row| row.tombstoned_at.is_none());
    step.change.action.ends() || step.change.references.iter().all(|key| is_live(key) || comes_first(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Pause;
    use crate::gate::{Keeps, Standing, UNWATCHED};
    use crate::model::guard::{Guard, Guards};
    use crate::render::tests::world::{World, instance, resolved};
    use crate::resolve::Resolved;
    use std::collections::BTreeMap;

    const ONE: &str = "one.yaml";

    /// The plan of an instance that changes and one that goes, changed by `breaking`, under a guard.
    fn broken(guard: &str, breaking: impl Fn(&mut Vec<Step>, &mut LiveState)) -> Vec<&'static str> {
        broken_beside((UNWATCHED, None), guard, breaking)
    }

    /// The same while services stand like that, and that keeps rows from going.
    fn broken_beside(
        (standing, keeps): (&BTreeMap<ObjectKey, Standing>, Option<Keeps>),
        guard: &str,
        breaking: impl Fn(&mut Vec<Step>, &mut LiveState),
    ) -> Vec<&'static str> {
        let before = format!("{}---\n{}", instance("a", "  config: {n: 1}\n"), instance("b", ""));
        let after = instance("a", "  config: {n: 2}\n");
        let mut world = World::applied(&[(ONE, &before)]);
        let plan = world.plan(&[(ONE, &after)]);
        let desired: Resolved = resolved(&[(ONE, &after)]);
        let (guard, wrong) = Guard::parse(guard);
        assert!(wrong.is_empty(), "{wrong:?}");
        let guards = Guards::only(guard);
        let plan = plan.with_steps(|steps| breaking(steps, &mut world.live));
        let (live, guards) = (&world.live, &guards);
        let circumstances =
            Circumstances { guards, desired: &desired, live, moved: &[], standing, seq: None, keeps, allowed: &[] };
        check_judged(&plan, &circumstances).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn nothing_moves_beside_as_many_as_may() {
        let instance = |name: &str| ObjectKey::new("Instance", name);
        let standing =
            |other| BTreeMap::from([(instance("a"), Standing::There(Timestamp::MIN)), (instance("b"), other)]);
        let beside = |guard, other| {
            broken_beside((&standing(other), None), guard, |_, live| {
                live.objects.iter_mut().for_each(|row| row.labels = r#"{"region": "eu"}"#.into());
            })
        };
        for guard in ["moving: {global: 1}", "moving: {perRegion: 1}"] {
            assert_eq!(beside(guard, Standing::UnderWay), ["no more move at once than may"], "{guard}");
            assert_eq!(beside(guard, Standing::There(Timestamp::MIN)), Vec::<&str>::new(), "{guard}");
        }
    }

    #[test]
    fn a_sound_plan_breaks_nothing() {
        assert_eq!(broken("", |_, _| {}), Vec::<&str>::new());
    }

    #[test]
    fn no_row_goes_while_the_repository_may_say_otherwise() {
        let gone = |keeps| {
            broken_beside((UNWATCHED, keeps), "grace: {delete: 1s}", |steps, live| {
                let rows = live.objects.iter_mut().filter(|row| &*row.key.name == "b");
                rows.for_each(|row| row.tombstoned_at = "2026-11-20T09:00:00Z".parse().ok());
                let ends = steps.iter_mut().filter(|step| step.change.action == Action::Delete);
                ends.for_each(|step| step.change.action = Action::Remove);
            })
        };
        assert_eq!(gone(None), Vec::<&str>::new());
        for keeps in [Keeps::NewerTip, Keeps::GlassBroken] {
            assert_eq!(gone(Some(keeps)), ["no row goes while the repository may say otherwise"]);
        }
    }

    #[test]
    fn nothing_moves_while_a_window_denies_everything() {
        let window = |from: &str| {
            let text = format!(r#"{{"spec": {{"deny": [{{"from": "{from}", "to": "2026-12-24T00:00:00Z"}}]}}}}"#);
            let body: Value = serde_json::from_str(&text).unwrap();
            broken("closed: [{match: {kind: Instance}, windows: [freeze]}]", move |_, live| {
                let key = ObjectKey::new("MaintenanceWindow", "freeze");
                live.bodies.insert(key, crate::diff::Bodies::of(body.clone(), None));
            })
        };
        assert_eq!(window("2026-11-01T00:00:00Z"), ["nothing moves while a window of the guard denies everything"; 2]);
        assert_eq!(window("2026-12-23T00:00:00Z"), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_is_seen_to_be_broken() {
        let row = |live: &mut LiveState, name: &str, edit: &dyn Fn(&mut LiveObject)| {
            live.objects.iter_mut().filter(|row| &*row.key.name == name).for_each(edit);
        };
        let moved = broken("", |_, live| row(live, "a", &|row| row.revision += 1));
        assert_eq!(moved, ["a step is for the row as it was read"]);
        let protected = broken("", |_, live| row(live, "b", &|row| row.protected = true));
        assert_eq!(protected, ["a protected row is not ended"]);
        let foreign = broken("", |_, live| row(live, "a", &|row| row.applied = None));
        assert_eq!(foreign, ["a row of somebody else is not overwritten"]);
        let early = broken("grace: {delete: 24h}", |steps, live| {
            row(live, "b", &|row| row.tombstoned_at = "2026-11-23T09:00:00Z".parse().ok());
            steps.iter_mut().filter(|step| step.change.action == Action::Delete).for_each(|step| {
                step.change.action = Action::Remove;
            });
        });
        assert_eq!(early, ["no row goes before its grace is over"]);
        let many = broken("limits: [{action: delete, count: 0}]", |_, _| {});
        assert_eq!(many, ["no more end within a day than a limit lets"]);
        let paused = broken("", |_, live| {
            let pause =
                serde_json::json!({"id": 1, "kind": "Instance", "name": "a", "reason": "x", "by": "y", "until": null});
            live.pauses.push(serde_json::from_value::<Pause>(pause).unwrap());
        });
        assert_eq!(paused, ["what is paused does not move"]);
        let kept = broken("modes: [{match: {kind: Instance}, mode: no-delete}]", |_, _| {});
        assert_eq!(kept, ["the guard's mode allows what moves"]);
        let hanging = broken("", |steps, _| {
            steps[0].change.references = [crate::change::ObjectKey::new("Partner", "nobody")].into();
            steps[1].change.references = [crate::change::ObjectKey::new("Partner", "nobody")].into();
        });
        assert_eq!(hanging, ["what is referred to is there, or comes first"], "what ends needs nothing");
    }
}
