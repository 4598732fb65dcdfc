//! What may be done to which objects, when, and who is told.

use crate::model::scalar::{KindName, Ref, Set, WebhookUrl, to};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which objects a setting is about: all that match everything given.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Match {
    /// Objects of this kind; none means every kind.
    pub kind: Option<KindName>,
    /// Only those with all of these labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// A wide change that goes out in waves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pace {
    /// Which objects.
    #[serde(rename = "match", default)]
    pub selector: Match,
    /// A plan that changes more of them than this goes out in waves.
    pub above: u32,
    /// The waves.
    pub rollout: Ref<to::Rollout>,
}

/// What may be done to the objects that match.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModeRule {
    /// Which objects.
    #[serde(rename = "match", default)]
    pub selector: Match,
    /// What may be done to them.
    pub mode: Mode,
}

/// What may be done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Everything.
    Full,
    /// Creating and updating.
    NoDelete,
    /// Creating.
    CreateOnly,
    /// Nothing: differences are shown.
    Observe,
}

impl Mode {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoDelete => "no-delete",
            Self::CreateOnly => "create-only",
            Self::Observe => "observe",
        }
    }
}

/// When objects may not change.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Closed {
    /// Which objects.
    #[serde(rename = "match", default)]
    pub selector: Match,
    /// Windows whose deny spans close them.
    #[schemars(length(min = 1))]
    pub windows: Set<Ref<to::MaintenanceWindow>>,
}

/// What is done about values changed behind the repository's back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Drift {
    /// Which objects.
    #[serde(rename = "match", default)]
    pub selector: Match,
    /// Only these fields and what is below them, such as `spec.resources`; none means all.
    #[schemars(length(min = 1))]
    pub fields: Option<Set<String>>,
    /// What is done; the last match wins.
    pub mode: DriftMode,
}

/// What is done about drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftMode {
    /// The declared value is put back.
    #[default]
    Heal,
    /// It is shown.
    Report,
    /// It is not looked at.
    Ignore,
}

/// A webhook that is told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Notice {
    /// The address that gets a signed POST for each transition.
    pub url: WebhookUrl,
    /// The secret that signs it.
    pub secret_ref: Option<String>,
    /// What it is told; none means everything.
    #[schemars(length(min = 1))]
    pub events: Option<Set<NotifyEvent>>,
}

/// What a webhook can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyEvent {
    /// A commit is held.
    Held,
    /// A plan is refused by a limit or a guardrail.
    Refused,
    /// A commit is applied everywhere it can be, and the waves of the change that began with it are over.
    Applied,
    /// A change failed for good.
    Failed,
    /// Something drifted.
    Drift,
    /// A wide change halted: too much of a wave failed, or too little of it came in time.
    Halted,
    /// A wide change waits until somebody opens its next wave.
    Gated,
    /// Somebody broke the glass.
    BreakGlass,
}
