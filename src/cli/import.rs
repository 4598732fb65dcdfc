//! `pintle import`: documents for what is there already: live rows that no document declares, or the
//! records of a CSV or JSON file under a map. What is written declares what is live, so that the
//! following plan changes nothing.

use super::database::Database;
use super::edits::{Edits, WriteArgs};
use super::selector::{selector, selectors};
use super::{CliError, Exit, Out, import_map};
use crate::store::acceptance::SOURCE;
use pintle_core::change::{Map, ObjectKey, Value};
use pintle_core::diff::LiveState;
use pintle_core::model::Catalog;
use pintle_core::model::Kind;
use pintle_core::model::guard::Subject;
use pintle_core::model::platform_config::PlatformConfig;
use pintle_core::render::yaml;
use std::path::PathBuf;

/// From where.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Only these: KIND, KIND/NAME, or a NAME=VALUE label
    #[arg(value_name = "SELECTOR")]
    what: Vec<String>,
    /// A CSV file with a header, or a JSON list of objects, instead of live rows
    #[arg(long, env = "PINTLE_FROM", value_name = "FILE", requires = "map")]
    from: Option<PathBuf>,
    /// What a record of that file becomes: a document in YAML with {column} in its values
    #[arg(long, env = "PINTLE_MAP", value_name = "FILE", requires = "from")]
    map: Option<PathBuf>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    write: WriteArgs,
}

/// A document to be.
pub(super) struct Import {
    pub key: ObjectKey,
    pub labels: Value,
    pub annotations: Value,
    pub spec: Value,
}

/// Writes a document for everything that has none.
pub async fn run(args: &ImportArgs, out: &Out) -> Result<Exit, CliError> {
    let found = match (&args.from, &args.map) {
        (Some(from), Some(map)) => import_map::records(from, map)?,
        _ => rows(args).await?,
    };
    let count = found.len();
    let mut edits = Edits::open(&args.write)?;
    let known: std::collections::BTreeSet<ObjectKey> =
        edits.documents().iter().map(|(_, one)| one.key.clone()).collect();
    let mut taken = Vec::new();
    for mut one in found {
        // Settings have no name of their own: what is there already are other settings.
        for number in 2.. {
            if &*one.key.kind != PlatformConfig::NAME || !known.contains(&one.key) {
                break;
            }
            one.key = ObjectKey::new(PlatformConfig::NAME, format!("imported-{number}"));
        }
        if known.contains(&one.key) {
            continue;
        }
        let one = &one;
        let file = place(one);
        if !edits.create(one.key.clone(), &file, text(one, &file)) {
            taken.push(file);
        }
    }
    if let Some(file) = taken.first() {
        return Err(CliError::new(format!("{file} is there already, and holds something else"))
            .hint("move it away, or declare it by hand"));
    }
    edits.finish(&args.write, &format!("Declare what is live: {count} objects"), out)
}

/// Live rows that Pintle never applied.
async fn rows(args: &ImportArgs) -> Result<Vec<Import>, CliError> {
    let wanted = if args.what.is_empty() { vec![selector("all", &[])?] } else { selectors(&args.what)? };
    let store = args.database.open().await?;
    let meant = |live: &LiveState| {
        let rows = live.objects.iter().filter(|row| row.applied.is_none() && row.tombstoned_at.is_none());
        let keys = rows.filter(|row| {
            let subject = Subject::new(&row.key, Some(&row.labels), None);
            wanted.iter().any(|one| one.covers(&subject))
        });
        keys.map(|row| row.key.clone()).collect()
    };
    let live = store.snapshot(SOURCE, meant).await?;
    let mut bodies: Vec<_> = live.bodies.into_iter().collect();
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    let part = |body: &Value, key: &str| body.get(key).cloned().unwrap_or_else(Value::map);
    let imports = bodies.into_iter().map(|(key, bodies)| {
        let body = bodies.live;
        Import {
            labels: part(&body, "labels"),
            annotations: part(&body, "annotations"),
            spec: part(&body, "spec"),
            key,
        }
    });
    Ok(settings_together(imports.collect()))
}

/// A setting is a row, and many are a document.
fn settings_together(imports: Vec<Import>) -> Vec<Import> {
    let (settings, mut others): (Vec<Import>, Vec<Import>) =
        imports.into_iter().partition(|one| &*one.key.kind == PlatformConfig::NAME);
    let mut map = Map::default();
    for one in &settings {
        map.insert(&*one.key.name, one.spec.get("value").cloned().unwrap_or_default());
    }
    if !map.is_empty() {
        let mut spec = Map::default();
        spec.insert("settings", Value::Map(map));
        others.push(Import {
            key: ObjectKey::new(PlatformConfig::NAME, "imported"),
            labels: Value::map(),
            annotations: Value::map(),
            spec: Value::Map(spec),
        });
    }
    others
}

/// Where the scaffold would put it.
fn place(one: &Import) -> String {
    let folder = Catalog::standard().kind(&one.key.kind).map_or("documents", |kind| kind.plural);
    let inner = match (
        &*one.key.kind,
        one.spec.get("partner").and_then(Value::as_str),
        one.spec.get("component").and_then(Value::as_str),
    ) {
        ("Tenant" | "Instance" | "Member", Some(partner), _) => format!("{partner}/"),
        ("Version", _, Some(component)) => format!("{component}/"),
        _ => String::new(),
    };
    format!("{folder}/{inner}{}.yaml", one.key.name)
}

fn text(one: &Import, file: &str) -> String {
    let kind = one.key.kind.to_lowercase();
    let up = "../".repeat(file.matches('/').count());
    let mut metadata = Map::default();
    metadata.insert("name", Value::string(&*one.key.name));
    for (key, map) in [("labels", &one.labels), ("annotations", &one.annotations)] {
        if map.as_map().is_some_and(|map| !map.is_empty()) {
            metadata.insert(key, map.clone());
        }
    }
    let mut document = Map::default();
    document.insert("apiVersion", Value::string("pintle/v1"));
    document.insert("kind", Value::string(&*one.key.kind));
    document.insert("metadata", Value::Map(metadata));
    document.insert("spec", one.spec.clone());
    let body = yaml(&Value::Map(document), &["apiVersion", "kind", "metadata", "spec"], &|_| None);
    format!("# yaml-language-server: $schema={up}schemas/{kind}.schema.json\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::diff::{Action, Bodies, Differing, LiveObject};
    use pintle_core::model::guard::Guards;
    use pintle_core::parse::parse_tree;
    use pintle_core::plan::{Plan, PlanInput, plan};
    use pintle_core::resolve::resolve;
    use proptest::prelude::*;

    /// The plan of what `imports` were written as, against the rows that they came from.
    fn replanned(imports: &[Import]) -> Plan {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut live = LiveState { read_at: now, ..LiveState::default() };
        let mut files = Vec::new();
        for one in imports {
            let file = place(one);
            files.push((file.clone(), text(one, &file)));
            let body: Map = [("annotations", &one.annotations), ("labels", &one.labels), ("spec", &one.spec)]
                .into_iter()
                .map(|(key, value)| (key.into(), value.clone()))
                .collect();
            live.objects.push(LiveObject { key: one.key.clone(), ..foreign() });
            live.bodies.insert(one.key.clone(), Bodies { live: Value::Map(body).normalised(), applied: None });
        }
        live.objects.sort_by(|a, b| a.key.cmp(&b.key));
        let tree = parse_tree(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())));
        let desired = resolve(&tree, Catalog::standard(), None, now);
        assert!(!desired.has_errors(), "{:?}\n{files:#?}", desired.problems);
        let differing = Differing::of(&desired, &live);
        let (guards, catalog) = (&Guards::default(), Catalog::standard());
        plan(PlanInput { commit: "c", desired: &desired, live: &live, differing: &differing, guards, catalog, now })
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
                    let sized = [
                        ("replicas", replicas.map(serde_json::Value::from)),
                        ("cpu", cpu.map(serde_json::Value::from)),
                    ];
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
            let plan = replanned(&imports);
            prop_assert!(plan.waiting().is_empty(), "{:?}", plan.waiting());
            prop_assert!(plan.steps().iter().all(|step| step.change.action == Action::Adopt), "{:?}", plan.steps());
        }
    }
}
