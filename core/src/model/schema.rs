//! Rust type → published JSON Schema (draft 2020-12): no `$ref`, no null wrappers, so that editors,
//! `explain` and our own diagnostics read one flat tree.

use super::Kind;
use serde_json::{Map, Value, json};

/// The schema of a whole document of kind `K`.
pub fn document_schema<K: Kind>() -> Value {
    let spec = flat_schema::<K::Spec>();
    let text_map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let name = json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "description": "DNS label, unique within the kind."});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("https://pintle.dev/schemas/{}.schema.json", K::NAME.to_lowercase()),
        "title": K::NAME,
        "description": K::SUMMARY,
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": "pintle/v1", "description": "The version of the document format."},
            "kind": {"const": K::NAME, "description": K::SUMMARY},
            "metadata": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "description": "Identity and labels.",
                "properties": {
                    "name": name,
                    "previousName": {"type": "string", "description": "The name it had before: a rename instead of delete and create."},
                    "labels": with_description(text_map.clone(), "For selectors, rules and guardrails."),
                    "annotations": with_description(text_map, "For people and tools; `pintle/protect: \"true\"` keeps it from being deleted."),
                }
            },
            "spec": spec,
        }
    })
}

/// The schema of `T` alone, as one flat tree.
pub(super) fn flat_schema<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    schema
}

fn with_description(mut schema: Value, text: &str) -> Value {
    schema["description"] = text.into();
    schema
}

/// Folds what serde's derive spells in a roundabout way: `anyOf [X, null]` becomes X that may be
/// null, a `oneOf` of constants becomes an `enum` whose descriptions are kept beside it.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(object) => {
            object.values_mut().for_each(simplify);
            fold_nullable(object);
            fold_constants(object);
            object.remove("title");
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
        }
        _ => {}
    }
}

fn fold_nullable(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("anyOf") else { return };
    let null = json!({"type": "null"});
    let [inner, last] = branches.as_slice() else { return };
    if *last != null {
        return;
    }
    let Value::Object(mut inner) = inner.clone() else { return };
    if let Some(kind) = inner.get("type").cloned() {
        inner.insert(
            "type".into(),
            match kind {
                Value::Array(mut kinds) => {
                    kinds.push("null".into());
                    Value::Array(kinds)
                }
                one => json!([one, "null"]),
            },
        );
    }
    if let Some(Value::Array(values)) = inner.get_mut("enum") {
        values.push(Value::Null);
    }
    object.remove("anyOf");
    for (key, value) in inner {
        object.entry(key).or_insert(value);
    }
}

fn fold_constants(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("oneOf") else { return };
    let constants: Option<Vec<Value>> = branches.iter().map(|branch| branch.get("const").cloned()).collect();
    let Some(constants) = constants else { return };
    let notes: Map<String, Value> = branches
        .iter()
        .filter_map(|branch| Some((branch.get("const")?.as_str()?.to_owned(), branch.get("description")?.clone())))
        .collect();
    object.remove("oneOf");
    object.insert("enum".into(), Value::Array(constants));
    object.insert("type".into(), "string".into());
    object.insert("x-pintle-values".into(), Value::Object(notes));
}
