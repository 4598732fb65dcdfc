//! Tenant: one customer of a partner, at home on one instance.

use super::Kind;
use super::scalar::{Ref, Set, Word, to};
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Tenant;

impl Kind for Tenant {
    const NAME: &'static str = "Tenant";
    const PLURAL: &'static str = "tenants";
    const TABLE: &'static str = "tenants";
    const SUMMARY: &'static str =
        "A customer of a partner: its home instance, where its data must stay, and its own capabilities.";
    type Spec = TenantSpec;
}

/// What a tenant declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TenantSpec {
    /// The partner it belongs to.
    pub partner: Ref<to::Partner>,
    /// Its home: the instance that holds its data.
    pub instance: Ref<to::Instance>,
    /// The name that people read.
    #[schemars(length(min = 1))]
    pub display_name: String,
    /// Profiles merged below this document, left to right.
    pub profiles: Option<Vec<Ref<to::Profile>>>,
    /// Whether it is served.
    #[serde(default)]
    pub lifecycle: TenantLifecycle,
    /// The region it is served from.
    pub region: Option<Word>,
    /// The jurisdiction that its data may not leave, such as `eu`, `ng` or `br`.
    pub data_residency: Option<Word>,
    /// Capabilities switched on for this tenant, beside those of its instance.
    pub capabilities: Option<Set<Ref<to::Capability>>>,
}

/// Whether a tenant is served.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TenantLifecycle {
    /// Served.
    #[default]
    Active,
    /// Not served; its data stay.
    Suspended,
    /// Ended; its data go after the final backup's retention.
    Terminated,
}
