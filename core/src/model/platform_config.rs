//! PlatformConfig: settings of the platform as a whole, one live row a key.

use super::Kind;
use super::scalar::Setting;
use crate::change::{FieldPath, Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// See the module.
pub struct PlatformConfig;

impl Kind for PlatformConfig {
    const NAME: &'static str = "PlatformConfig";
    const PLURAL: &'static str = "config";
    const TABLE: &'static str = "platform_config";
    const SUMMARY: &'static str =
        "Settings of the platform as a whole. Each key is an object of its own, with its version and history.";
    type Spec = PlatformConfigSpec;

    fn expand(spec: &Value) -> Option<Vec<(String, FieldPath, Value)>> {
        let settings = spec.get("settings").and_then(Value::as_map)?;
        Some(settings.iter().map(|(key, value)| (key.to_owned(), place_of(key), row_spec(value))).collect())
    }
}

/// Where the setting `key` stands, from the document's root.
fn place_of(key: &str) -> FieldPath {
    FieldPath(vec!["spec".to_owned(), "settings".to_owned(), key.to_owned()])
}

/// The spec of the object that one setting becomes.
fn row_spec(value: &Value) -> Value {
    let mut spec = Map::default();
    spec.insert("value", value.clone());
    Value::Map(spec)
}

/// What a document of settings declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PlatformConfigSpec {
    /// Dotted keys such as `auth.session.ttl`, each with its value. One key stands in one document only. A secret is `{secretRef: NAME}`.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z][a-zA-Z0-9]*(\\.[a-z][a-zA-Z0-9]*)+$", "maxLength": 253}, "minProperties" = 1))]
    pub settings: BTreeMap<String, Setting>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_becomes_an_object() {
        let json = serde_json::json!({"settings": {"auth.session.ttl": "12h", "mail.retries": 3}});
        let objects = PlatformConfig::expand(&Value::from(&json)).unwrap();
        let shown: Vec<_> = objects
            .iter()
            .map(|(name, path, spec)| format!("{name} at {path}: {}", serde_json::Value::from(spec)))
            .collect();
        assert_eq!(
            shown,
            [
                r#"auth.session.ttl at spec.settings["auth.session.ttl"]: {"value":"12h"}"#,
                r#"mail.retries at spec.settings["mail.retries"]: {"value":3}"#
            ]
        );
    }
}
