//! Channel: which version of a component its followers are to run, and how it reaches them.

use super::scalar::{Component, Ref, SemVer, SemVerRange, Span, to};
use super::version::Severity;
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Channel;

impl Kind for Channel {
    const NAME: &'static str = "Channel";
    const PLURAL: &'static str = "channels";
    const TABLE: &'static str = "channels";
    const SUMMARY: &'static str =
        "Which version of a component its followers are to run, after which channel upstream, and by which rollout.";
    type Spec = ChannelSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        check_version(spec, problems);
        if spec.get("mode").and_then(Value::as_str) == Some("auto") && !given(spec, "rollout") {
            problems.inconsistent("mode", "an automatic channel needs a `rollout`").hint("add `rollout: NAME`");
        }
    }
}

fn given(spec: &Value, key: &str) -> bool {
    spec.get(key).is_some_and(|value| *value != Value::Null)
}

/// Freezing stays an edit of one word: a frozen channel keeps whatever it had.
fn check_version(spec: &Value, problems: &mut Problems) {
    let mode = spec.get("mode").and_then(Value::as_str).unwrap_or_default();
    match (given(spec, "target"), given(spec, "track")) {
        (true, true) => {
            problems.inconsistent("track", "a channel has a `target` or a `track`, not both").hint("remove one of them")
        }
        (false, false) if mode == "auto" => problems
            .inconsistent("mode", "an automatic channel needs a `target` or a `track`")
            .hint("add `target: VERSION`, or `track: \"4.x\"`"),
        (false, true) if mode == "manual" => problems
            .inconsistent("track", "a manual channel follows no range by itself")
            .hint("name one version with `target`, or set `mode: auto`"),
        _ => return,
    };
}

/// What a channel declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChannelSpec {
    /// What moves its followers.
    pub mode: ChannelMode,
    /// What it gives versions of: `platform`, a Suite or a Capability.
    pub component: Component,
    /// The version that its followers are to run.
    pub target: Option<SemVer>,
    /// Follow the newest released version in this range, such as `4.x`.
    pub track: Option<SemVerRange>,
    /// The channel on which a version proves itself first.
    pub upstream: Option<Upstream>,
    /// What a security fix may overtake.
    pub security_override: Option<SecurityOverride>,
    /// The waves in which a new version goes out.
    pub rollout: Option<Ref<to::Rollout>>,
}

/// What moves the followers of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelMode {
    /// A new version goes out by the rollout.
    Auto,
    /// Each instance waits until its own `update.target` names the version.
    Manual,
    /// Nothing moves but security overrides.
    Frozen,
}

/// The channel on which a version proves itself first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Upstream {
    /// The channel upstream.
    pub channel: Ref<to::Channel>,
    /// How long the version must have run there.
    pub soak: Span,
    /// How many instances there must have stayed healthy on it; all of them where there are fewer.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub min_healthy: u32,
}

fn one() -> u32 {
    1
}

/// What a security fix may overtake. Never canary, limits, halt, pause, pin, floors or backup.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecurityOverride {
    /// Fixes at least this severe.
    pub min_severity: Severity,
    /// The soak that replaces the channel's.
    pub soak: Span,
    /// How many people must approve one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 20))]
    pub approvals: u32,
    /// Whether it may move an instance outside its windows.
    #[serde(default)]
    pub may_ignore_window: bool,
}
