//! Version: a release of the platform, a suite or a capability.

use super::scalar::{ArtifactRef, Component, DateOrInstant, EmbeddedSchema, SemVer, SemVerRange, Set, Span};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub struct Version;

impl Kind for Version {
    const NAME: &'static str = "Version";
    const PLURAL: &'static str = "versions";
    const TABLE: &'static str = "versions";
    const SUMMARY: &'static str = "A release of the platform, a Suite or a Capability: its stage, what it needs, how it migrates, its artifacts by digest.";
    type Spec = VersionSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        check_stage(spec, problems);
        check_ranges(spec, problems);
        check_migration(spec, problems);
        check_breaking(spec, problems);
    }
}

fn text<'v>(spec: &'v Value, path: &[&str]) -> Option<&'v str> {
    spec.at(path).and_then(Value::as_str)
}

fn check_stage(spec: &Value, problems: &mut Problems) {
    let stage = text(spec, &["stage"]).unwrap_or_default();
    if matches!(stage, "draft" | "candidate") && text(spec, &["lts", "until"]).is_some() {
        problems
            .inconsistent("lts", format!("a {stage} has no long-term support yet"))
            .hint("remove `lts`, or release the version");
    }
    if stage != "yanked" && spec.get("dangerous").and_then(Value::as_bool) == Some(true) {
        problems.inconsistent("dangerous", "only a yanked version can be dangerous").hint("set `stage: yanked`");
    }
}

fn check_ranges(spec: &Value, problems: &mut Problems) {
    let own: Option<semver::Version> = text(spec, &["version"]).and_then(|text| text.parse().ok());
    let component = text(spec, &["component"]).unwrap_or_default();
    let Some(own) = own else { return };
    let holds_itself = |range: Option<&str>| {
        range.and_then(|range| semver::VersionReq::parse(range).ok()).map(|range| range.matches(&own))
    };
    if holds_itself(text(spec, &["upgradeFrom"])) == Some(true) {
        problems
            .inconsistent("upgradeFrom", "a version cannot be an upgrade from itself")
            .hint(format!("end the range with `<{own}`"));
    }
    if holds_itself(text(spec, &["requires", component])) == Some(false) {
        problems
            .inconsistent(
                &format!("requires.{component}"),
                "a version must satisfy what it requires of its own component",
            )
            .hint("say where it may come from with `upgradeFrom`");
    }
}

fn check_migration(spec: &Value, problems: &mut Problems) {
    let step = |key: &str| text(spec, &["migration", key]);
    if step("contract").is_some() && step("expand").is_none() {
        problems
            .inconsistent("migration.contract", "a migration cannot contract what it did not expand")
            .hint("add `expand`");
    }
    if step("reversibleFor").is_some() && step("contract").is_none() {
        problems
            .inconsistent("migration.reversibleFor", "without `contract` a migration stays reversible")
            .hint("remove `reversibleFor`, or add `contract`");
    }
}

fn check_breaking(spec: &Value, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let changes = spec.get("breaking").and_then(Value::as_list).unwrap_or_default();
    for (index, id) in changes.iter().enumerate().filter_map(|(index, change)| Some((index, text(change, &["id"])?))) {
        if !seen.insert(id) {
            problems
                .inconsistent(&format!("breaking.{index}.id"), format!("`{id}` names two breaking changes"))
                .hint("give each its own id");
        }
    }
}

/// What a version declares. Once released only its stage and its texts change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VersionSpec {
    /// What it is a version of: `platform`, a Suite or a Capability.
    pub component: Component,
    /// Its number, as a semantic version in full.
    pub version: SemVer,
    /// How far it has come.
    pub stage: Stage,
    /// A yanked version that must not go on running: instances on it are alarmed.
    #[serde(default)]
    pub dangerous: bool,
    /// How long one upgrade to it takes, until measurements replace the estimate.
    #[serde(default = "default_estimate")]
    pub estimate: Span,
    /// What is new, for people; Markdown.
    pub changelog: Option<String>,
    /// The versions from which one hop leads here; none means every older one.
    pub upgrade_from: Option<SemVerRange>,
    /// Whether no upgrade may jump over it.
    #[serde(default)]
    pub floor: bool,
    /// Which versions of other components it works with, by component.
    pub requires: Option<BTreeMap<String, SemVerRange>>,
    /// Changes that people must act on.
    pub breaking: Option<Vec<BreakingChange>>,
    /// What it repairs.
    pub security: Option<SecurityFix>,
    /// How it changes the component's database schema.
    pub migration: Option<Migration>,
    /// What is deployed, each by digest, under a name that drivers know such as `image` or `archive`.
    pub artifacts: Option<BTreeMap<String, ArtifactRef>>,
    /// Its long-term support; none means that it has none.
    pub lts: Option<LongTermSupport>,
    /// A JSON Schema (draft 2020-12) that the `config` of every instance on this version must satisfy.
    pub config_schema: Option<EmbeddedSchema>,
}

/// How long an upgrade takes where its version does not say.
pub const DEFAULT_ESTIMATE: &str = "15m";

fn default_estimate() -> Span {
    Span(DEFAULT_ESTIMATE.into())
}

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Being written; never installed.
    Draft,
    /// For trial: installed only where it is pinned or targeted by name.
    Candidate,
    /// May be installed.
    Released,
    /// May be installed, but a newer one is preferred.
    Deprecated,
    /// Withdrawn: never newly installed.
    Yanked,
    /// End of life: never newly installed, and no longer repaired.
    Eol,
}

/// A change that people must act on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BreakingChange {
    /// How people refer to it, such as `BC-1`.
    #[schemars(length(min = 1))]
    pub id: String,
    /// What breaks, and what to do, in a sentence or two.
    #[schemars(length(min = 1))]
    pub summary: String,
    /// Whether somebody must acknowledge it before an instance moves.
    #[serde(default)]
    pub acknowledge: bool,
}

/// What a version repairs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecurityFix {
    /// The vulnerabilities, by CVE or advisory id.
    #[schemars(length(min = 1))]
    pub fixes: Set<String>,
    /// The worst of them.
    pub severity: Severity,
}

/// How bad a vulnerability is (CVSS qualitative rating).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.
    Critical,
}

/// How a version changes the component's database schema.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Migration {
    /// The step before the new version runs; the old version goes on serving on its result.
    pub expand: Option<String>,
    /// The later step that removes what only the old version needs: the point of no return.
    pub contract: Option<String>,
    /// How long after the run the contract step waits.
    pub reversible_for: Option<Span>,
}

/// Long-term support.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LongTermSupport {
    /// The day or moment at which support ends.
    pub until: DateOrInstant,
}
