//! What holds for every fleet, whatever is committed to it and whoever else writes.

use super::documents::Files;
use jiff::{SignedDuration, Timestamp};
use pintle_core::change::{ObjectKey, Value};
use pintle_core::diff::{Action, Cause};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guard;
use pintle_core::simulate::{Commit, Event, Happening, Rows, Simulation};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Something that is done to the world.
#[derive(Debug, Clone)]
enum Deed {
    /// These partners and instances are declared, the protected ones with their annotation; so many deletions are allowed.
    Commit(Vec<(u8, u8, bool)>, usize),
    /// Somebody else writes a row.
    Edit(u8, u8),
    /// Time goes by.
    Wait(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    let document = (0_u8..14, 0_u8..3, proptest::bool::weighted(0.15));
    prop_oneof![
        4 => (proptest::collection::vec(document, 1..14), 1_usize..4).prop_map(|(all, most)| Deed::Commit(all, most)),
        1 => (0_u8..14, 0_u8..4).prop_map(|(name, cpu)| Deed::Edit(name, cpu)),
        2 => (1_u8..30).prop_map(Deed::Wait),
    ]
}

fn guard(deletions: usize) -> Guard {
    let (guard, wrong) = Guard::parse(&format!(
        "limits:
- {{match: {{kind: Instance}}, action: delete, count: {deletions}, percent: 50}}
- {{match: {{kind: Instance}}, action: update, percent: 40, minimum: 2}}
- {{action: create, count: 9}}
grace: {{delete: 5h}}
modes: [{{match: {{labels: {{kept: 'yes'}}}}, mode: no-delete}}]
"
    ));
    assert!(wrong.is_empty(), "{wrong:?}");
    guard
}

fn files(documents: &[(u8, u8, bool)]) -> Files {
    let mut names = BTreeSet::new();
    let mut lines = vec!["Partner/acme: {displayName: Acme}".to_owned()];
    for (name, cpu, protect) in documents.iter().filter(|(name, ..)| names.insert(*name)) {
        let kept = if name % 5 == 0 { "labels: {kept: 'yes'}" } else { "labels: {}" };
        let protect = if *protect { ", annotations: {pintle/protect: 'true'}" } else { "" };
        lines.push(format!(
            "Instance/i{name} [{kept}{protect}]: {{type: partner-deployed, partner: acme, resources: {{cpu: {}}}}}",
            cpu + 1
        ));
    }
    Files::short(&lines.join("\n"))
}

/// When each object moved by a kind of action within the day before each event: never more than allowed, by the guard of
/// the commit that it came with at the most.
fn hold_limits(events: &[(Event, usize)]) {
    let mut moved: Vec<(Timestamp, ObjectKey, Action)> = Vec::new();
    for (event, deletions) in events {
        let Happening::Applied(plan) = &event.what else { continue };
        let day = SignedDuration::from_hours(24);
        // Who went within the day already is counted once: going again needs no room, also where a later commit allows less.
        let went = |key: &ObjectKey| {
            let recent = moved.iter().filter(|(at, ..)| event.at.duration_since(*at) < day);
            recent.filter(|(.., have)| *have == Action::Delete).any(|(_, have, _)| have == key)
        };
        let deletes = plan.steps().iter().any(|step| step.change.action == Action::Delete && !went(&step.change.key));
        // What is put right never holds up what the documents move: it is let through beside that, and not counted for it.
        for step in plan.steps().iter().filter(|step| step.change.cause != Cause::Drift) {
            moved.push((event.at, step.change.key.clone(), step.change.action));
        }
        let within = |action: Action| {
            let recent = moved.iter().filter(|(at, key, have)| {
                event.at.duration_since(*at) < day && *have == action && &*key.kind == "Instance"
            });
            recent.map(|(_, key, _)| key).collect::<BTreeSet<_>>().len()
        };
        assert!(!deletes || within(Action::Delete) <= *deletions, "{deletions} deletions of a day: {moved:?}");
        assert!(within(Action::Create) <= 9, "creations of a day: {moved:?}");
        let created: BTreeSet<&ObjectKey> =
            moved.iter().filter(|(_, _, have)| *have == Action::Create).map(|(_, key, _)| key).collect();
        assert!(within(Action::Update) <= (created.len() * 2).div_ceil(5).max(2), "updates of a day: {moved:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn limits_and_protection_hold_and_every_plan_is_sound(deeds in proptest::collection::vec(deed(), 1..14)) {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut world = Simulation::new(Rows::default(), start, Catalog::standard());
        let (mut events, mut own) = (Vec::new(), 0);
        for deed in deeds {
            let mut end = world.now;
            match deed {
                Deed::Commit(documents, deletions) => {
                    own = deletions;
                    let guard = guard(deletions);
                    let desired = files(&documents).resolved();
                    let sound = world.accept(Commit { name: "c".into(), desired, guard: guard.into() });
                    prop_assert!(sound);
                }
                Deed::Edit(name, cpu) => {
                    let key = ObjectKey::new("Instance", format!("i{name}"));
                    if world.rows.live(end).get(&key).is_some() {
                        world.rows.write(&key, |body| {
                            let spec = body.as_map_mut().unwrap().get_mut("spec").unwrap();
                            let text = format!("{cpu} by hand");
                            spec.as_map_mut().unwrap().insert("driver", Value::string(text));
                        });
                    }
                }
                Deed::Wait(hours) => end = end.checked_add(SignedDuration::from_hours(hours.into())).unwrap(),
            }
            // The rows refuse a step that the database would refuse: a protected row is never ended; and
            // every plan is held against the checker.
            events.extend(world.play(end).into_iter().map(|event| (event, own)));
            if let Some(plan) = world.plan() {
                prop_assert!(plan.is_empty() || !plan.refused().is_empty(), "what may move has moved: {:?}", plan.steps());
            }
        }
        for (event, _) in &events {
            if let Happening::Applied(plan) = &event.what {
                let kept = |step: &pintle_core::plan::Step| step.change.action == Action::Delete && step.change.labels.as_deref().is_some_and(|labels| labels.contains("kept"));
                prop_assert!(!plan.steps().iter().any(kept));
            }
        }
        hold_limits(&events);
    }
}
