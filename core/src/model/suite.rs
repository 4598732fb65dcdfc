//! Suite: a product that runs on the platform and has versions of its own.

use super::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Suite;

impl Kind for Suite {
    const NAME: &'static str = "Suite";
    const PLURAL: &'static str = "suites";
    const TABLE: &'static str = "suites";
    const SUMMARY: &'static str =
        "A product suite on the platform, such as a CRM; it has versions and channels of its own.";
    type Spec = SuiteSpec;
}

/// What a suite declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SuiteSpec {
    /// The name that people read; the document's name where absent.
    pub display_name: Option<String>,
    /// What it does for a tenant.
    #[schemars(length(min = 1))]
    pub description: String,
    /// The team that answers for it.
    #[schemars(length(min = 1))]
    pub owner: String,
}
