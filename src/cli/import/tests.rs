//! What is imported is taken on, whatever the rows say.

use super::*;
use pintle_core::diff::{Action, Bodies, Differing, LiveObject};
use pintle_core::model::guard::Guards;
use pintle_core::parse::parse_tree;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::{Resolved, resolve};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The rows as they would be imported.
fn imported(rows: &[Import]) -> Vec<Import> {
    let again = |one: &Import| Import {
        key: one.key.clone(),
        labels: one.labels.clone(),
        annotations: one.annotations.clone(),
        spec: one.spec.clone(),
    };
    let mut imports = settings_together(rows.iter().map(again).collect());
    beneath::take_away(&mut imports, &BTreeMap::new());
    imports
}

/// What documents of `imports` say.
fn declared(imports: &[Import]) -> Resolved {
    let file = |one: &Import| {
        let file = place(one);
        let text = text(one, &file);
        (file, text)
    };
    let files: Vec<(String, String)> = imports.iter().map(file).collect();
    let tree = parse_tree(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())));
    resolve(&tree, Catalog::standard(), None, now())
}

fn now() -> jiff::Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The plan of what `rows` were imported as, against themselves.
fn replanned(rows: &[Import]) -> Plan {
    let mut live = LiveState { read_at: now(), ..LiveState::default() };
    for one in rows {
        let body: Map = [("annotations", &one.annotations), ("labels", &one.labels), ("spec", &one.spec)]
            .into_iter()
            .map(|(key, value)| (key.into(), value.clone()))
            .collect();
        live.objects.push(LiveObject { key: one.key.clone(), ..foreign() });
        live.bodies.insert(one.key.clone(), Bodies::of(Value::Map(body).normalised(), None));
    }
    live.objects.sort_by(|a, b| a.key.cmp(&b.key));
    let desired = declared(&imported(rows));
    assert!(!desired.has_errors(), "{:?}", desired.problems);
    let (differing, guards, catalog) = (Differing::of(&desired, &live), &Guards::default(), Catalog::standard());
    let commit = "c";
    plan(PlanInput { commit, desired: &desired, live: &live, differing: &differing, guards, catalog, now: now() })
}

/// Every object of the example, of every kind, as a row that spells everything.
fn fleet() -> Vec<Import> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/state-repo");
    let files = crate::source::read_folder(&root).unwrap();
    let tree = parse_tree(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    let resolved = resolve(&tree, Catalog::standard(), None, now());
    let part = |body: &Value, key: &str| body.get(key).cloned().unwrap_or_else(Value::map);
    let row = |body: Value, key: ObjectKey| Import {
        labels: part(&body, "labels"),
        annotations: part(&body, "annotations"),
        spec: part(&body, "spec"),
        key,
    };
    resolved.objects.iter().map(|object| row(object.value(), object.key.clone())).collect()
}

/// Every place of a map within `value`.
fn places(value: &Value, at: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    for (key, inner) in value.as_map().into_iter().flat_map(Map::iter) {
        at.push(key.to_owned());
        all.push(at.clone());
        places(inner, at, all);
        at.pop();
    }
}

/// What somebody did to a row: which, where, and what stands there now, if anything.
type Meddled = (prop::sample::Index, prop::sample::Index, Option<serde_json::Value>);

/// Does it, if what comes of it can be declared at all.
fn meddle(rows: &mut [Import], (row, place, value): &Meddled) {
    let row = row.index(rows.len());
    let mut all = Vec::new();
    places(&rows[row].spec, &mut Vec::new(), &mut all);
    if all.is_empty() {
        return;
    }
    let before = rows[row].spec.clone();
    rows[row].spec.put(&all[place.index(all.len())], value.as_ref().map(Value::from));
    if declared(&imported(rows)).has_errors() {
        rows[row].spec = before;
    }
}

fn foreign() -> LiveObject {
    serde_json::from_value(serde_json::json!({
        "key": {"kind": "Suite", "name": "x"}, "uid": uuid::Uuid::nil(), "revision": 1, "generation": 0, "drifted": false,
        "applied": null, "written": null, "applied_commit": null, "applied_file": null, "tombstoned_at": null, "protected": false, "partner": null,
    }))
    .unwrap()
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[ -~ä\n\t]{0,10}".prop_map(serde_json::Value::String)
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            proptest::collection::btree_map("[a-z:# ]{1,6}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A live instance: some of the fields that have defaults, anything in its config.
fn instances() -> impl Strategy<Value = serde_json::Value> {
    let config = proptest::collection::btree_map("[a-z]{1,5}", values(), 0..4);
    let sizes =
        (proptest::option::of(1..9_u32), proptest::option::of(prop_oneof![Just(0.5), Just(2.0)]), any::<bool>());
    (config, sizes, proptest::sample::subsequence(vec!["z.example", "a.example", "m.example"], 0..3)).prop_map(
        |(config, (replicas, cpu, active), domains)| {
            let mut spec = serde_json::json!({"type": "shared-saas", "config": config});
            if active {
                spec["lifecycle"] = "active".into();
            }
            if replicas.is_some() || cpu.is_some() {
                let sized =
                    [("replicas", replicas.map(serde_json::Value::from)), ("cpu", cpu.map(serde_json::Value::from))];
                spec["resources"] =
                    sized.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
            }
            if !domains.is_empty() {
                spec["network"] = serde_json::json!({"domains": domains});
            }
            spec
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_imported_is_taken_on_and_nothing_else_happens(specs in proptest::collection::vec((instances(), "[a-z]{0,4}"), 1..4)) {
        let mut imports = Vec::new();
        let mut taken = std::collections::BTreeSet::new();
        for (at, (mut spec, tier)) in specs.into_iter().enumerate() {
            // Two instances cannot share a domain: that is a mistake of the fleet, not of the import.
            if let Some(domains) = spec.pointer("/network/domains").cloned()
                && !domains.as_array().unwrap().iter().all(|one| taken.insert(one.to_string()))
            {
                spec.as_object_mut().unwrap().remove("network");
            }
            let labels = if tier.is_empty() { serde_json::json!({}) } else { serde_json::json!({"tier": tier}) };
            imports.push(Import { key: ObjectKey::new("Instance", format!("i{at}")), labels: Value::from(&labels), annotations: Value::map(), spec: Value::from(&spec) });
        }
        only_takes_on(&replanned(&imports))?;
    }
}

fn only_takes_on(plan: &Plan) -> Result<(), TestCaseError> {
    prop_assert!(plan.waiting().is_empty(), "{:?}", plan.waiting());
    let others = plan.steps().iter().filter(|step| step.change.action != Action::Adopt);
    let others: Vec<_> = others.map(|step| (&step.change.key, &step.change.fields)).collect();
    prop_assert!(others.is_empty(), "{others:?}");
    Ok(())
}

#[test]
fn a_default_that_a_row_does_not_spell_holds_against_its_profile() {
    let profile = serde_json::json!({"appliesTo": "Instance", "values": {"resources": {"replicas": 3, "cpu": 4}, "health": {"path": "/h", "interval": "9s"}}});
    let instance = serde_json::json!({"type": "shared-saas", "profiles": ["big"], "resources": {"memory": "8Gi"}, "health": {"path": "/x"}});
    let row = |kind: &str, name: &str, spec: &serde_json::Value| Import {
        key: ObjectKey::new(kind, name),
        labels: Value::map(),
        annotations: Value::map(),
        spec: Value::from(spec),
    };
    let rows = [row("Instance", "one", &instance), row("Profile", "big", &profile)];
    only_takes_on(&replanned(&rows)).unwrap();
    let said = text(&imported(&rows)[0], "instances/one.yaml");
    assert!(said.contains("replicas: null") && said.contains("cpu: null") && said.contains("interval: null"), "{said}");
}

#[test]
fn a_fleet_of_every_kind_is_taken_on_as_it_is() {
    let rows = fleet();
    let kinds: BTreeSet<&str> = rows.iter().map(|row| &*row.key.kind).collect();
    assert_eq!(kinds.len(), Catalog::standard().iter().count(), "{kinds:?}");
    only_takes_on(&replanned(&rows)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_done_to_rows_of_any_kind_import_declares_it(
        meddled in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::option::of(values())), 1..8),
    ) {
        let mut rows = fleet();
        for one in &meddled {
            meddle(&mut rows, one);
        }
        only_takes_on(&replanned(&rows))?;
    }
}
