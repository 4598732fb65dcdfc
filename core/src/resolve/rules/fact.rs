//! What the rules read of one object, taken from its merged spec before its sets are sorted, so that
//! the place of a list item is its place in the document.

use crate::change::Value;
use crate::model::quantity::{bytes, milli_cores};
use crate::model::scalar::span_ms;
use crate::model::version::DEFAULT_ESTIMATE;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the rules read of one object; kinds that no rule reads have none.
#[derive(Debug, Clone)]
pub enum Fact {
    /// Of an Instance.
    Instance(Arc<Instance>),
    /// Of a Tenant.
    Tenant(Arc<Tenant>),
    /// Of a Partner.
    Partner(Arc<Partner>),
    /// Of a Member.
    Member(Arc<Member>),
    /// Of a Version.
    Version(Arc<Version>),
    /// Of a Channel.
    Channel(Arc<Channel>),
    /// Of a Capability.
    Capability(Arc<Capability>),
    /// Of a MaintenanceWindow.
    Window(Arc<Window>),
}

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    Active,
    Suspended,
    Terminated,
}

/// An instance: who owns it, what it follows, what it uses.
#[derive(Debug)]
pub struct Instance {
    pub shared: bool,
    pub enterprise: bool,
    pub partner: Option<Box<str>>,
    pub lifecycle: Lifecycle,
    pub platform: Follows,
    pub target: Option<Box<str>>,
    pub windows: Box<[Box<str>]>,
    pub suites: Box<[(Box<str>, Follows)]>,
    pub capabilities: Box<[Box<str>]>,
    pub domains: Box<[Box<str>]>,
    pub cpu: u128,
    pub memory: u128,
    pub storage: u128,
}

/// How the version of a component on an instance is chosen.
#[derive(Debug)]
pub struct Follows {
    pub channel: Option<Box<str>>,
    pub pin: Option<Box<str>>,
}

/// A tenant: whose it is, and where it is at home.
#[derive(Debug)]
pub struct Tenant {
    pub partner: Box<str>,
    pub instance: Box<str>,
    pub lifecycle: Lifecycle,
}

/// A partner: whether it is in business, and its quotas in one unit each.
#[derive(Debug)]
pub struct Partner {
    pub lifecycle: Lifecycle,
    pub quotas: BTreeMap<&'static str, u128>,
}

/// A member: whose administrator, and of which tenants.
#[derive(Debug)]
pub struct Member {
    pub partner: Box<str>,
    pub tenants: Box<[Box<str>]>,
}

/// A version: of what, how far, and which components it requires.
#[derive(Debug)]
pub struct Version {
    pub component: Box<str>,
    pub number: Box<str>,
    pub stage: Box<str>,
    pub estimate: Box<str>,
    pub requires: Box<[Box<str>]>,
}

/// A channel: of what, and where it takes versions from.
#[derive(Debug)]
pub struct Channel {
    pub component: Box<str>,
    pub target: Option<Box<str>>,
    pub track: Option<Box<str>>,
    pub upstream: Option<Box<str>>,
}

/// A capability: what must be on with it.
#[derive(Debug)]
pub struct Capability {
    pub requires: Box<[Box<str>]>,
    pub default: bool,
}

/// A maintenance window.
#[derive(Debug)]
pub struct Window {
    /// The weekly spans: start in milliseconds from Monday's midnight, and length.
    pub allow: Vec<(u64, u64)>,
}

impl Fact {
    /// What the rules read of a sound object of `kind` with this merged `spec`.
    pub fn of(kind: &str, spec: &Value) -> Option<Self> {
        Some(match kind {
            "Instance" => Self::Instance(Arc::new(instance(spec))),
            "Tenant" => Self::Tenant(Arc::new(Tenant {
                partner: text(spec, &["partner"])?,
                instance: text(spec, &["instance"])?,
                lifecycle: lifecycle(spec),
            })),
            "Partner" => Self::Partner(Arc::new(Partner { lifecycle: lifecycle(spec), quotas: quotas(spec) })),
            "Member" => Self::Member(Arc::new(Member {
                partner: text(spec, &["partner"])?,
                tenants: texts(spec, &["tenants"]),
            })),
            "Version" => Self::Version(Arc::new(version(spec)?)),
            "Channel" => Self::Channel(Arc::new(Channel {
                component: text(spec, &["component"])?,
                target: text(spec, &["target"]),
                track: text(spec, &["track"]),
                upstream: text(spec, &["upstream", "channel"]),
            })),
            "Capability" => Self::Capability(Arc::new(Capability {
                requires: texts(spec, &["requires"]),
                default: spec.get("default").and_then(Value::as_bool) == Some(true),
            })),
            "MaintenanceWindow" => Self::Window(Arc::new(Window { allow: allowed(spec) })),
            _ => return None,
        })
    }
}

fn text(spec: &Value, path: &[&str]) -> Option<Box<str>> {
    spec.at(path).and_then(Value::as_str).map(Into::into)
}

fn texts(spec: &Value, path: &[&str]) -> Box<[Box<str>]> {
    let items = spec.at(path).and_then(Value::as_list).unwrap_or_default();
    items.iter().map(|item| item.as_str().unwrap_or_default().into()).collect()
}

fn keys(spec: &Value, path: &[&str]) -> Box<[Box<str>]> {
    spec.at(path).and_then(Value::as_map).map(|map| map.keys().map(Into::into).collect()).unwrap_or_default()
}

fn lifecycle(spec: &Value) -> Lifecycle {
    match spec.get("lifecycle").and_then(Value::as_str) {
        Some("terminated") => Lifecycle::Terminated,
        Some("suspended") => Lifecycle::Suspended,
        _ => Lifecycle::Active,
    }
}

fn instance(spec: &Value) -> Instance {
    let kind = spec.get("type").and_then(Value::as_str);
    let amount =
        |key: &str, read: fn(&Value) -> Option<u128>| spec.at(&["resources", key]).and_then(read).unwrap_or_default();
    let suites = spec.get("suites").and_then(Value::as_map);
    Instance {
        shared: kind == Some("shared-saas"),
        enterprise: kind == Some("self-hosted-enterprise"),
        partner: text(spec, &["partner"]),
        lifecycle: lifecycle(spec),
        platform: follows(spec.get("update")),
        target: text(spec, &["update", "target"]),
        windows: texts(spec, &["update", "windows"]),
        suites: suites
            .map(|map| map.iter().map(|(name, suite)| (name.into(), follows(Some(suite)))).collect())
            .unwrap_or_default(),
        capabilities: texts(spec, &["capabilities"]),
        domains: texts(spec, &["network", "domains"]),
        cpu: amount("cpu", milli_cores),
        memory: amount("memory", bytes),
        storage: amount("storage", bytes),
    }
}

fn follows(value: Option<&Value>) -> Follows {
    let read = |path: &[&str]| value.and_then(|value| text(value, path));
    Follows { channel: read(&["channel"]), pin: read(&["pin", "version"]) }
}

fn quotas(spec: &Value) -> BTreeMap<&'static str, u128> {
    let count: fn(&Value) -> Option<u128> = |value| match value {
        Value::Number(number) => number.as_i64().and_then(|count| count.try_into().ok()),
        _ => None,
    };
    let readers =
        [("instances", count), ("tenants", count), ("cpu", milli_cores), ("memory", bytes), ("storage", bytes)];
    readers.into_iter().filter_map(|(key, read)| Some((key, read(spec.at(&["quotas", key])?)?))).collect()
}

fn version(spec: &Value) -> Option<Version> {
    Some(Version {
        component: text(spec, &["component"])?,
        number: text(spec, &["version"])?,
        stage: text(spec, &["stage"])?,
        estimate: text(spec, &["estimate"]).unwrap_or_else(|| DEFAULT_ESTIMATE.into()),
        requires: keys(spec, &["requires"]),
    })
}

fn allowed(spec: &Value) -> Vec<(u64, u64)> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut spans = Vec::new();
    for span in spec.get("allow").and_then(Value::as_list).unwrap_or_default() {
        let read = |key: &str| span.get(key).and_then(Value::as_str);
        let (Some((hours, minutes)), Some(length)) =
            (read("start").and_then(|at| at.split_once(':')), read("duration").and_then(span_ms))
        else {
            continue;
        };
        let start = hours.parse::<u64>().unwrap_or_default() * 60 + minutes.parse::<u64>().unwrap_or_default();
        for day in texts(span, &["days"]) {
            let Some(day) = DAYS.iter().position(|one| **one == *day) else { continue };
            spans.push(((day as u64 * 24 * 60 + start) * 60_000, length));
        }
    }
    spans
}
