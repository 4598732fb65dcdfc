//! Profile: values that many documents of one kind share.

use super::scalar::{Anything, KindName};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// See the module.
pub struct Profile;

impl Kind for Profile {
    const NAME: &'static str = "Profile";
    const PLURAL: &'static str = "profiles";
    const TABLE: &'static str = "profiles";
    const SUMMARY: &'static str =
        "Values that many documents of one kind share; merged below the documents that name it.";
    type Spec = ProfileSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        if spec.get("appliesTo").and_then(Value::as_str) == Some("Profile") {
            problems
                .invalid("appliesTo", "a profile cannot apply to profiles")
                .hint("name the kind of the documents that share the values");
        }
        for (field, why) in
            [("profiles", "a profile names no profiles"), ("partner", "a profile cannot say who owns a document")]
        {
            if spec.at(&["values", field]).is_some() {
                problems.inconsistent(&format!("values.{field}"), why).hint(format!("give `{field}` in each document"));
            }
        }
    }
}

/// What a profile declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProfileSpec {
    /// The kind of the documents it may be merged into.
    pub applies_to: KindName,
    /// A part of the `spec` of that kind. Maps merge, lists and scalars replace, `null` removes.
    #[schemars(extend("minProperties" = 1))]
    pub values: BTreeMap<String, Anything>,
}
