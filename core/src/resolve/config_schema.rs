//! `config` of an instance against the `configSchema` of every capability it uses.

use super::index::{Entry, Index};
use crate::change::{FieldPath, ObjectKey, Value};
use crate::diagnostic::Code;
use super::Problem;
use std::collections::HashMap;

/// The compiled config schemas of a tree, by the object that carries them.
#[derive(Default)]
pub struct ConfigSchemas(HashMap<ObjectKey, jsonschema::Validator>);

/// A schema may be this large, compiled once a tree.
const MAX_SCHEMA_BYTES: usize = 64 * 1024;

impl ConfigSchemas {
    /// Compiles those of `index`; broken ones go to `problems`.
    pub fn of(index: &Index, problems: &mut Vec<Problem>) -> Self {
        let mut schemas = Self::default();
        for entry in ["Capability", "Version"].into_iter().flat_map(|kind| index.of_kind(kind)) {
            let Some(schema) = entry.document.spec().get("configSchema") else { continue };
            match compile(schema) {
                Ok(validator) => {
                    schemas.0.insert(entry.document.key.clone(), validator);
                }
                Err(reason) => {
                    let path = FieldPath::dotted("spec.configSchema");
                    problems.push(Problem::error(Code::SchemaInvalid, &entry.id(), path, reason));
                }
            }
        }
        schemas
    }

    /// What is wrong with the merged `body` of `entry` for the objects it uses: path and message.
    pub fn check(&self, entry: &Entry, body: &Value, references: &[ObjectKey]) -> Vec<(FieldPath, String)> {
        if self.0.is_empty() || &*entry.document.key.kind != "Instance" {
            return Vec::new();
        }
        let config = body.at(&["spec", "config"]).map_or_else(|| serde_json::json!({}), Into::into);
        let used = references.iter().filter_map(|key| Some((key, self.0.get(key)?)));
        used.flat_map(|(key, validator)| {
            validator.iter_errors(&config).map(|error| {
                let below = error.instance_path().to_string();
                let path = ["spec", "config"].into_iter().map(str::to_owned).chain(below.split('/').skip(1).map(unescape)).collect();
                (FieldPath(path), format!("{key} does not accept this config: {error}"))
            }).collect::<Vec<_>>()
        }).collect()
    }
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
    let json = serde_json::Value::from(schema);
    if json.to_string().len() > MAX_SCHEMA_BYTES {
        return Err(format!("the schema is larger than {MAX_SCHEMA_BYTES} bytes"));
    }
    jsonschema::draft202012::new(&json).map_err(|error| format!("not a usable JSON Schema: {error}"))
}
