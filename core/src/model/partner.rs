//! Partner: who deploys or resells instances, and how much they may have.

use super::Kind;
use super::scalar::{Bytes, Cpu, Email, Ref, to};
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Partner;

impl Kind for Partner {
    const NAME: &'static str = "Partner";
    const PLURAL: &'static str = "partners";
    const TABLE: &'static str = "partners";
    const SUMMARY: &'static str =
        "A partner: contact, lifecycle, quotas, and the profiles that all its documents share.";
    type Spec = PartnerSpec;
}

/// What a partner declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PartnerSpec {
    /// The name that people read.
    pub display_name: String,
    /// Who to talk to.
    pub contact: Option<Contact>,
    /// Suspended partners get no new instances; terminated ones keep none.
    #[serde(default)]
    pub lifecycle: PartnerLifecycle,
    /// Upper bounds over everything the partner owns.
    pub quotas: Option<Quotas>,
    /// Profiles merged into the partner's documents before their own.
    pub profiles: Option<Vec<Ref<to::Profile>>>,
}

/// Who to talk to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// A person or a team.
    pub name: Option<String>,
    /// Their e-mail address.
    pub email: Email,
}

/// Whether the partner does business with us.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartnerLifecycle {
    /// In business.
    #[default]
    Active,
    /// Nothing new; what runs goes on.
    Suspended,
    /// Ended.
    Terminated,
}

/// Upper bounds; absent means unbounded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// How many instances.
    pub instances: Option<u32>,
    /// How many tenants.
    pub tenants: Option<u32>,
    /// Cores over all instances.
    pub cpu: Option<Cpu>,
    /// Memory over all instances.
    pub memory: Option<Bytes>,
    /// Storage over all instances.
    pub storage: Option<Bytes>,
}
