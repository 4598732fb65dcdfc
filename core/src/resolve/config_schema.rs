//! `config` of an instance against the `configSchema` of every capability it uses, and of every version
//! it is pinned to. Which version a channel will give is not known here: the gate asks again then.

use super::Problem;
use super::index::{Entry, Index};
use crate::change::{FieldPath, ObjectKey, Value};
use crate::diagnostic::Code;
use std::collections::HashMap;

/// The compiled config schemas of a tree.
#[derive(Default)]
pub struct ConfigSchemas {
    /// By the object that carries them.
    compiled: HashMap<ObjectKey, jsonschema::Validator>,
    /// Which Version document is which version of which component.
    versions: HashMap<(Box<str>, Box<str>), ObjectKey>,
}

/// A schema may be this large, compiled once a tree.
const MAX_SCHEMA_BYTES: usize = 64 * 1024;

impl ConfigSchemas {
    /// Compiles those of `index`; broken ones go to `problems`.
    pub fn of(index: &Index, problems: &mut Vec<Problem>) -> Self {
        let mut schemas = Self::default();
        for entry in ["Capability", "Version"].into_iter().flat_map(|kind| index.of_kind(kind)) {
            let spec = entry.document.spec();
            let Some(schema) = spec.get("configSchema") else { continue };
            if let (Some(component), Some(version)) = (text(spec, &["component"]), text(spec, &["version"])) {
                schemas.versions.insert((component.into(), version.into()), entry.document.key.clone());
            }
            match compile(schema) {
                Ok(validator) => {
                    schemas.compiled.insert(entry.document.key.clone(), validator);
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
        if self.compiled.is_empty() || &*entry.document.key.kind != "Instance" {
            return Vec::new();
        }
        let config = body.at(&["spec", "config"]).map_or_else(|| serde_json::json!({}), Into::into);
        let used = references.iter().chain(self.pinned(body)).filter_map(|key| Some((key, self.compiled.get(key)?)));
        used.flat_map(|(key, validator)| {
            validator
                .iter_errors(&config)
                .map(|error| {
                    let below = error.instance_path().to_string();
                    let path = ["spec", "config"]
                        .into_iter()
                        .map(str::to_owned)
                        .chain(below.split('/').skip(1).map(unescape))
                        .collect();
                    (FieldPath(path), format!("{key} does not accept this config: {error}"))
                })
                .collect::<Vec<_>>()
        })
        .collect()
    }
}

impl ConfigSchemas {
    /// The Version documents that `body` is pinned to, as far as they carry a schema.
    fn pinned<'a>(&'a self, body: &'a Value) -> impl Iterator<Item = &'a ObjectKey> {
        let platform = text(body, &["spec", "update", "pin", "version"]).map(|version| ("platform", version));
        let suites =
            body.at(&["spec", "suites"]).and_then(Value::as_map).into_iter().flat_map(crate::change::Map::iter);
        let suites = suites.filter_map(|(suite, used)| Some((suite, text(used, &["pin", "version"])?)));
        platform
            .into_iter()
            .chain(suites)
            .filter_map(|(component, version)| self.versions.get(&(component.into(), version.into())))
    }
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    value.at(path).and_then(Value::as_str)
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
