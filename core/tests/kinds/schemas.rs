//! The published schemas: valid, described, and as generated.

use pintle_core::model::{Catalog, Guard};
use serde_json::Value;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas")
}

fn published() -> Vec<(String, Value)> {
    let kinds = Catalog::standard().iter().map(|kind| (kind.name.to_lowercase(), kind.schema.clone()));
    kinds.chain([("guard".to_owned(), Guard::schema().clone())]).collect()
}

/// `PINTLE_UPDATE=1 cargo test -p pintle-core schemas_on_disk` writes them.
#[test]
fn schemas_on_disk_are_fresh() {
    let update = std::env::var_os("PINTLE_UPDATE").is_some();
    for (name, schema) in published() {
        let path = folder().join(format!("{name}.schema.json"));
        let fresh = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if update {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &fresh).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == fresh, "{} is stale; run the tests with PINTLE_UPDATE=1", path.display());
    }
}

#[test]
fn no_schema_is_left_over() {
    let entries = std::fs::read_dir(folder()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    let mut found: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let mut wanted: Vec<String> = published().iter().map(|(name, _)| format!("{name}.schema.json")).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn every_schema_is_valid_draft_2020_12() {
    for (name, schema) in published() {
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{name}");
    }
}

#[test]
fn every_field_has_a_description() {
    let mut bare = Vec::new();
    for (name, schema) in published() {
        collect_bare(&name, &schema, &mut bare);
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
}

fn collect_bare(path: &str, schema: &Value, bare: &mut Vec<String>) {
    for (key, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{key}");
        if field.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            bare.push(path.clone());
        }
        collect_bare(&path, field, bare);
    }
    for (key, shown) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            collect_bare(&format!("{path}{shown}"), inner, bare);
        }
    }
}

/// Our diagnostics, `explain` and editors read one flat tree: no `$ref`, no branches.
#[test]
fn every_schema_is_flat() {
    for (name, schema) in published() {
        let text = schema.to_string();
        for word in ["\"$ref\"", "\"$defs\"", "\"anyOf\"", "\"oneOf\"", "\"allOf\""] {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
}
