//! The example repository: every document is sound, every reference resolves, the sizes are as told.

use pintle_core::change::Value;
use pintle_core::model::{self, Catalog, Guard};
use pintle_core::parse::{Document, ParsedTree, is_document_path, parse_tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/state-repo")
}

fn files(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
}

fn texts() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    files(&root(), &mut found);
    found
}

fn tree() -> ParsedTree {
    let texts = texts();
    parse_tree(
        texts.iter().filter(|(path, _)| is_document_path(path)).map(|(path, text)| (path.as_str(), text.as_bytes())),
    )
}

fn documents() -> Vec<(String, Document)> {
    let tree = tree();
    let with_path = |file: &pintle_core::parse::File| {
        file.parsed.documents.iter().map(|one| (file.path.to_string(), (**one).clone())).collect::<Vec<_>>()
    };
    tree.files.iter().flat_map(with_path).collect()
}

fn names() -> BTreeSet<(String, String)> {
    documents().into_iter().map(|(_, one)| (one.key.kind.to_string(), one.key.name.to_string())).collect()
}

fn texts_at<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    let children: Vec<(&str, &Value)> = match value {
        Value::Map(map) => map.iter().collect(),
        Value::List(items) => items.iter().map(|item| ("", item)).collect(),
        _ => return,
    };
    for (name, inner) in children {
        found.extend(inner.as_str().filter(|_| name == key));
        texts_at(inner, key, found);
    }
}

#[test]
fn every_file_parses() {
    for file in tree().files {
        assert!(file.parsed.errors.is_empty(), "{}: {:?}", file.path, file.parsed.errors);
        assert_eq!(file.parsed.documents.len(), 1, "{}", file.path);
    }
}

#[test]
fn every_document_is_sound() {
    for (path, one) in documents() {
        let kind = Catalog::standard().kind(&one.key.kind).unwrap_or_else(|| panic!("{path}: {}", one.key));
        assert_eq!(kind.violations(&one.body), [], "{path}");
    }
}

/// The schema and the Rust type of a kind are one thing: what the one accepts, the other reads.
#[test]
fn every_spec_is_read_into_its_type() {
    for (path, one) in documents() {
        let spec = serde_json::Value::from(one.spec());
        macro_rules! read {
            ($($kind:literal: $spec:ty,)*) => {
                match &*one.key.kind {
                    $($kind => serde_json::from_value::<$spec>(spec).map(drop),)*
                    other => panic!("{path}: {other} is not listed here"),
                }
            };
        }
        let read = read! {
            "Capability": model::capability::CapabilitySpec,
            "Channel": model::channel::ChannelSpec,
            "Guardrail": model::guardrail::GuardrailSpec,
            "Instance": model::instance::InstanceSpec,
            "MaintenanceWindow": model::window::MaintenanceWindowSpec,
            "Member": model::member::MemberSpec,
            "Partner": model::partner::PartnerSpec,
            "PlatformConfig": model::platform_config::PlatformConfigSpec,
            "Profile": model::profile::ProfileSpec,
            "Rollout": model::rollout::RolloutSpec,
            "Schedule": model::schedule::ScheduleSpec,
            "Suite": model::suite::SuiteSpec,
            "Tenant": model::tenant::TenantSpec,
            "Version": model::version::VersionSpec,
        };
        assert!(read.is_ok(), "{path}: {read:?}");
    }
}

#[test]
fn every_reference_resolves() {
    let names = names();
    let check = |place: &str, kind: &str, body: &Value| {
        let shape = &Catalog::standard().kind(kind).unwrap().shape;
        shape.references(body, &mut |path, kind, name| {
            assert!(names.contains(&(kind.to_owned(), name.to_owned())), "{place} {path}: no {kind}/{name}");
        });
    };
    for (path, one) in documents() {
        check(&path, &one.key.kind, &one.body);
        if let Some(values) = one.spec().get("values") {
            let spec = [("spec".into(), values.clone())].into_iter().collect();
            check(&path, one.spec().get("appliesTo").unwrap().as_str().unwrap(), &Value::Map(spec));
        }
    }
}

#[test]
fn every_version_that_is_named_exists() {
    let documents = documents();
    let version = |one: &Document| {
        (
            one.spec().get("component").and_then(Value::as_str).unwrap().to_owned(),
            one.spec().get("version").and_then(Value::as_str).unwrap().to_owned(),
        )
    };
    let known: BTreeSet<_> =
        documents.iter().filter(|(_, one)| &*one.key.kind == "Version").map(|(_, one)| version(one)).collect();
    for (path, one) in &documents {
        let mut wanted = Vec::new();
        for (component, at) in [
            ("platform", vec!["update", "pin", "version"]),
            ("crm", vec!["suites", "crm", "pin", "version"]),
            ("pos", vec!["suites", "pos", "pin", "version"]),
        ] {
            wanted.extend(
                one.spec().at(&at).and_then(Value::as_str).map(|number| (component.to_owned(), number.to_owned())),
            );
        }
        if let (Some(component), Some(target)) = (one.spec().get("component"), one.spec().get("target")) {
            wanted.push((component.as_str().unwrap().to_owned(), target.as_str().unwrap().to_owned()));
        }
        for one in wanted {
            assert!(known.contains(&one), "{path}: {one:?}");
        }
    }
}

#[test]
fn it_has_the_size_that_is_told() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, one) in documents() {
        *counts.entry(one.key.kind.to_string()).or_default() += 1;
    }
    let wanted = [
        ("Capability", 6),
        ("Channel", 4),
        ("Guardrail", 4),
        ("Instance", 16),
        ("MaintenanceWindow", 5),
        ("Member", 2),
        ("Partner", 4),
        ("PlatformConfig", 1),
        ("Profile", 3),
        ("Rollout", 2),
        ("Schedule", 5),
        ("Suite", 2),
        ("Tenant", 10),
        ("Version", 9),
    ];
    assert_eq!(counts, wanted.map(|(kind, count)| (kind.to_owned(), count)).into());
    let settings = documents().into_iter().find(|(_, one)| &*one.key.kind == "PlatformConfig").unwrap().1;
    assert_eq!(settings.spec().get("settings").unwrap().as_map().unwrap().len(), 20);
}

#[test]
fn three_regions_and_all_types_of_instance_are_there() {
    let instances: Vec<Document> =
        documents().into_iter().map(|(_, one)| one).filter(|one| &*one.key.kind == "Instance").collect();
    let regions: BTreeSet<&str> = instances.iter().filter_map(|one| one.label("region")).collect();
    let types: BTreeSet<&str> = instances.iter().filter_map(|one| one.spec().get("type")?.as_str()).collect();
    assert_eq!((regions.len(), types.len()), (3, 3));
}

#[test]
fn every_guardrail_is_cel() {
    for (path, one) in documents().iter().filter(|(_, one)| &*one.key.kind == "Guardrail") {
        let expression = one.spec().get("expression").unwrap().as_str().unwrap();
        cel::Program::compile(expression).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

/// Also shows that the check can fail: without its `sso` the same config is refused.
#[test]
fn the_config_of_an_instance_satisfies_its_capabilities() {
    let documents = documents();
    let sso = documents.iter().find(|(_, one)| one.key.to_string() == "Capability/sso").unwrap();
    let schema =
        jsonschema::draft202012::new(&serde_json::Value::from(sso.1.spec().get("configSchema").unwrap())).unwrap();
    let uses = |one: &Document| {
        one.spec()
            .get("capabilities")
            .and_then(Value::as_list)
            .is_some_and(|all| all.iter().any(|name| name.as_str() == Some("sso")))
    };
    let with_sso: Vec<_> = documents.iter().filter(|(_, one)| &*one.key.kind == "Instance" && uses(one)).collect();
    assert!(with_sso.len() > 3);
    for (path, one) in with_sso {
        let mut config = serde_json::Value::from(one.spec().get("config").unwrap());
        assert!(schema.is_valid(&config), "{path}");
        config.as_object_mut().unwrap().remove("sso");
        assert!(!schema.is_valid(&config), "{path}");
    }
}

#[test]
fn the_guard_is_read_and_its_references_resolve() {
    let texts = texts();
    let (guard, found) = Guard::parse(&texts[Guard::PATH]);
    assert_eq!(found, []);
    assert_eq!((guard.limits.len(), guard.moving.global), (3, 10));
    let (values, _) = pintle_core::parse::read_documents(&texts[Guard::PATH], pintle_core::parse::Limits::default());
    let mut seen = 0;
    Guard::shape().references(&values[0].0, &mut |path, kind, name| {
        seen += 1;
        assert!(names().contains(&(kind.to_owned(), name.to_owned())), "{path}: no {kind}/{name}");
    });
    assert_eq!(seen, 2);
}

#[test]
fn editors_find_the_schema_of_every_file() {
    for (path, text) in texts().into_iter().filter(|(path, _)| is_document_path(path) || path == Guard::PATH) {
        let line = text.lines().next().unwrap();
        let target = line.strip_prefix("# yaml-language-server: $schema=").unwrap_or_else(|| panic!("{path}: {line}"));
        let schema = std::fs::read_to_string(root().join(&path).parent().unwrap().join(target))
            .unwrap_or_else(|error| panic!("{path}: {target}: {error}"));
        let title = serde_json::from_str::<serde_json::Value>(&schema).unwrap()["title"].as_str().unwrap().to_owned();
        assert!(title == "Guard" || text.contains(&format!("\nkind: {title}\n")), "{path}: {title}");
    }
}

#[test]
fn secrets_are_named_and_never_written() {
    for (path, one) in documents() {
        let mut found = Vec::new();
        texts_at(&one.body, "password", &mut found);
        assert!(found.is_empty(), "{path}");
    }
}
