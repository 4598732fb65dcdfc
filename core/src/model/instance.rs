//! Instance: one running installation of the platform.

use super::scalar::{
    Anything, Bytes, Cidr, Cpu, Cron, DateOrInstant, Domain, Instant, Ref, SemVer, Set, Span, UrlPath, span_ms, to,
};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// See the module.
pub struct Instance;

impl Kind for Instance {
    const NAME: &'static str = "Instance";
    const PLURAL: &'static str = "instances";
    const TABLE: &'static str = "instances";
    const SUMMARY: &'static str = "One installation of the platform: where it runs, on which version or channel, with which suites, capabilities and resources.";
    type Spec = InstanceSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        let text = |key: &str| spec.get(key).and_then(Value::as_str);
        match (text("type"), text("partner")) {
            (Some("shared-saas"), Some(_)) => {
                problems
                    .inconsistent("partner", "a shared-saas instance belongs to no partner")
                    .hint("remove `partner`, or choose another `type`");
            }
            (Some("partner-deployed"), None) => {
                problems
                    .inconsistent("type", "a partner-deployed instance needs a `partner`")
                    .hint("add `partner: NAME`");
            }
            _ => {}
        }
        let pinned = spec.at(&["update", "pin"]).is_some();
        if pinned && spec.at(&["update", "target"]).is_some() {
            problems
                .inconsistent("update.target", "a pinned instance waits for no target")
                .hint("remove `pin` or `target`");
        }
        check_health(spec, problems);
    }
}

fn check_health(spec: &Value, problems: &mut Problems) {
    let span = |key: &str| spec.at(&["health", key]).and_then(Value::as_str).and_then(span_ms);
    if let (Some(timeout), Some(interval)) = (span("timeout"), span("interval"))
        && timeout > interval
    {
        problems
            .inconsistent("health.timeout", "a probe must end before the next begins")
            .hint("shorten `timeout`, or lengthen `interval`");
    }
}

/// What an instance declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InstanceSpec {
    /// Who runs it, for whom.
    #[serde(rename = "type")]
    pub kind: InstanceType,
    /// The owner; none for shared-saas.
    pub partner: Option<Ref<to::Partner>>,
    /// Profiles merged below this document, left to right.
    pub profiles: Option<Vec<Ref<to::Profile>>>,
    /// Whether it runs.
    #[serde(default)]
    pub lifecycle: InstanceLifecycle,
    /// What runs it: `record` leaves that to services that act on the row.
    #[serde(default = "record")]
    pub driver: String,
    /// How its version moves.
    pub update: Option<Update>,
    /// The product suites on it, with a channel or pin of their own where they have one.
    #[schemars(extend("x-pintle-key-ref" = "Suite"))]
    pub suites: Option<BTreeMap<String, SuiteUse>>,
    /// The capabilities switched on.
    pub capabilities: Option<Set<Ref<to::Capability>>>,
    /// What it may use.
    pub resources: Option<Resources>,
    /// Its database.
    pub database: Option<Database>,
    /// How it is reached.
    pub network: Option<Network>,
    /// Settings of the application; checked against the `configSchema` of what it uses. A secret is `{secretRef: NAME}`.
    pub config: Option<BTreeMap<String, Anything>>,
    /// How its health is probed.
    pub health: Option<Health>,
}

fn record() -> String {
    "record".to_owned()
}

/// Who runs it, for whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceType {
    /// We run it for many tenants of many partners.
    SharedSaas,
    /// A partner runs it for its tenants.
    PartnerDeployed,
    /// One customer runs it for itself; home to one tenant.
    SelfHostedEnterprise,
}

/// Whether it runs.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceLifecycle {
    /// Runs.
    #[default]
    Active,
    /// Stopped; its data stay.
    Suspended,
    /// Ended; its data go after the final backup's retention.
    Terminated,
}

/// How its version moves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Update {
    /// The channel it follows.
    pub channel: Option<Ref<to::Channel>>,
    /// One version, held until the pin ends.
    pub pin: Option<Pin>,
    /// What a manual channel waits for.
    pub target: Option<SemVer>,
    /// Stay on versions with long-term support.
    #[serde(default)]
    pub lts: bool,
    /// When it may move; none means always.
    pub windows: Option<Vec<Ref<to::MaintenanceWindow>>>,
    /// Past this moment manual gates no longer hold it; deny spans still do.
    pub force_by: Option<Instant>,
    /// Nothing moves until then.
    pub pause: Option<Pause>,
}

/// One version, held until the pin ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The version.
    pub version: SemVer,
    /// Why.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// When the pin ends; none means never.
    pub expires: Option<DateOrInstant>,
}

/// Nothing moves until then.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Why.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// When it ends.
    pub until: DateOrInstant,
}

/// A suite on an instance.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteUse {
    /// A channel of its own.
    pub channel: Option<Ref<to::Channel>>,
    /// A pin of its own.
    pub pin: Option<Pin>,
}

/// What an instance may use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Cores.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Bytes>,
    /// Storage.
    pub storage: Option<Bytes>,
    /// How many copies run.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: u32,
}

fn one() -> u32 {
    1
}

/// An instance's database.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Which engine.
    pub engine: DatabaseEngine,
    /// Its own server or a shared one.
    pub plan: Option<DatabasePlan>,
    /// When it is backed up.
    pub backups: Option<Backups>,
}

/// Which engine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseEngine {
    /// PostgreSQL.
    Postgres,
}

/// Its own server or a shared one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatabasePlan {
    /// A server of its own.
    Dedicated,
    /// A database on a shared server.
    Shared,
}

/// When a database is backed up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backups {
    /// When, in UTC.
    pub schedule: Cron,
    /// How many are kept.
    #[serde(default = "fortnight")]
    #[schemars(range(min = 1))]
    pub retain: u32,
}

fn fortnight() -> u32 {
    14
}

/// How an instance is reached.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Names it answers to.
    pub domains: Option<Set<Domain>>,
    /// Its certificate.
    pub tls: Option<Tls>,
    /// Networks that may reach it; none means all.
    pub allow: Option<Set<Cidr>>,
}

/// A certificate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Which configured issuer.
    pub issuer: String,
}

/// How health is probed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// The path of the probe.
    pub path: UrlPath,
    /// Between two probes.
    #[serde(default = "minute")]
    pub interval: Span,
    /// How long one may take.
    #[serde(default = "two_seconds")]
    pub timeout: Span,
    /// Failures in a row that make it down.
    #[serde(default = "three")]
    #[schemars(range(min = 1))]
    pub failures: u32,
    /// Successes in a row that make it healthy again.
    #[serde(default = "two")]
    #[schemars(range(min = 1))]
    pub successes: u32,
}

fn minute() -> Span {
    Span("60s".into())
}
fn two_seconds() -> Span {
    Span("2s".into())
}
fn three() -> u32 {
    3
}
fn two() -> u32 {
    2
}
