//! Guardrail: a rule of governance that every matching document must satisfy.

use super::Kind;
use super::scalar::KindName;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// See the module.
pub struct Guardrail;

impl Kind for Guardrail {
    const NAME: &'static str = "Guardrail";
    const PLURAL: &'static str = "guardrails";
    const TABLE: &'static str = "guardrails";
    const SUMMARY: &'static str = "A rule of governance: a CEL expression that every matching document must satisfy, with the message shown when it does not.";
    type Spec = GuardrailSpec;
}

/// What a guardrail declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GuardrailSpec {
    /// Which documents it speaks about.
    #[serde(rename = "match")]
    pub selector: GuardrailMatch,
    /// A CEL expression that gives true where all is well. It sees `object` (the merged document), `old` and `now`; ask `has()` before you read an optional field.
    #[schemars(length(min = 1, max = 4096))]
    pub expression: String,
    /// What is wrong when it gives false, in one sentence.
    #[schemars(length(min = 1))]
    pub message: String,
    /// What happens then.
    #[serde(default)]
    pub enforcement: Enforcement,
}

/// Which documents a guardrail speaks about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GuardrailMatch {
    /// Documents of this kind; none means every kind.
    pub kind: Option<KindName>,
    /// Only those with all of these labels; none means every document of the kind.
    pub labels: Option<BTreeMap<String, String>>,
}

/// What happens when an expression gives false.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// An error: nothing of the commit is applied.
    #[default]
    Deny,
    /// A warning in plan, review and status.
    Warn,
}
