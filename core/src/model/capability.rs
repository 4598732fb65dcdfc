//! Capability: something that can be switched on for an instance or a tenant.

use super::Kind;
use super::scalar::{EmbeddedSchema, Ref, Set, to};
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Capability;

impl Kind for Capability {
    const NAME: &'static str = "Capability";
    const PLURAL: &'static str = "capabilities";
    const TABLE: &'static str = "capabilities";
    const SUMMARY: &'static str =
        "Something that can be switched on for an instance or a tenant, with the suites and capabilities it needs.";
    type Spec = CapabilitySpec;
}

/// What a capability declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CapabilitySpec {
    /// What it does for a tenant.
    #[schemars(length(min = 1))]
    pub description: String,
    /// The suites it belongs to; none means that it is part of the platform itself.
    pub suites: Option<Set<Ref<to::Suite>>>,
    /// Capabilities that must be on wherever this one is.
    pub requires: Option<Set<Ref<to::Capability>>>,
    /// Whether it is on where nobody says otherwise.
    #[serde(default)]
    pub default: bool,
    /// A JSON Schema (draft 2020-12) that the `config` of every instance with this capability must satisfy.
    pub config_schema: Option<EmbeddedSchema>,
}
