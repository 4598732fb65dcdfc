//! Every JSON answer that a test sees is held against its published schema.

use jsonschema::{Registry, Validator};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// Commands whose subcommands have schemas of their own.
const NESTED: [&str; 4] = ["audit", "jobs", "schedules", "trust"];

static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/output");
    let schemas: BTreeMap<String, Value> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".schema.json").to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    let mut registry = Registry::new();
    for schema in schemas.values() {
        registry = registry.add(schema["$id"].as_str().unwrap(), schema.clone()).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let compiled = |schema: &Value| jsonschema::options().with_registry(&registry).build(schema).unwrap();
    let mut all: BTreeMap<String, Validator> =
        schemas.iter().map(|(name, one)| (name.clone(), compiled(one))).collect();
    let unsound = serde_json::json!({"$ref": "https://pintle.dev/schemas/output/common.schema.json#/$defs/unsound"});
    all.insert("unsound".into(), compiled(&unsound));
    all
});

/// Fails unless what `arguments` printed is as published. Answers that are not JSON are not looked at.
#[track_caller]
pub fn is_published(arguments: &[&str], printed: &str) {
    let is_json = arguments.windows(2).any(|pair| matches!(pair, ["-o" | "--output", "json"]));
    if !is_json || printed.is_empty() || matches!(arguments, ["schema", ..]) {
        return;
    }
    let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
    let command = words.next().unwrap();
    let name =
        if NESTED.contains(command) { format!("{command}-{}", words.next().unwrap()) } else { (*command).to_owned() };
    let schema = SCHEMAS.get(&name).unwrap_or_else(|| panic!("schemas/output/{name}.schema.json is missing"));
    for answer in serde_json::Deserializer::from_str(printed).into_iter::<Value>() {
        let answer = answer.unwrap();
        if name == "plan" && SCHEMAS["unsound"].is_valid(&answer) {
            continue;
        }
        let wrong: Vec<String> =
            schema.iter_errors(&answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{arguments:?} is not as published: {}\n{answer:#}", wrong.join("\n"));
    }
}
