//! MaintenanceWindow: when an instance may move, and when it may not.

use super::scalar::{DateOrInstant, Set, Span, TimeOfDay, TimeZoneName, moment, span_ms};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct MaintenanceWindow;

impl Kind for MaintenanceWindow {
    const NAME: &'static str = "MaintenanceWindow";
    const PLURAL: &'static str = "windows";
    const TABLE: &'static str = "windows";
    const SUMMARY: &'static str =
        "When things may move and when they may not: weekly spans that allow, dated spans that deny.";
    type Spec = MaintenanceWindowSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        let spans = |key: &str| spec.get(key).and_then(Value::as_list).unwrap_or_default();
        if spans("allow").is_empty() && spans("deny").is_empty() {
            problems.inconsistent("", "the window neither allows nor denies anything").hint("add `allow` or `deny`");
        }
        for (index, span) in spans("allow").iter().enumerate() {
            check_allow(index, span, problems);
        }
        let zone = spec.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
        for (index, span) in spans("deny").iter().enumerate() {
            check_deny(index, span, zone, problems);
        }
    }
}

const WEEK_MS: u64 = 7 * 24 * 3_600_000;

fn check_allow(index: usize, span: &Value, problems: &mut Problems) {
    let duration = span.get("duration").and_then(Value::as_str).and_then(span_ms).unwrap_or_default();
    if duration == 0 {
        problems
            .invalid(&format!("allow.{index}.duration"), "a window of no duration never opens")
            .hint("give a duration such as `4h`");
    } else if duration > WEEK_MS {
        problems
            .invalid(&format!("allow.{index}.duration"), "a weekly window cannot last longer than a week")
            .hint("leave `allow` out: then it is always open");
    }
}

fn check_deny(index: usize, span: &Value, zone: &str, problems: &mut Problems) {
    let at = |key: &str| span.get(key).and_then(Value::as_str).and_then(|text| moment(text, zone));
    if let (Some(from), Some(to)) = (at("from"), at("to"))
        && to <= from
    {
        problems
            .inconsistent(&format!("deny.{index}.to"), "the span ends before it begins")
            .hint("`to` is exclusive: the first day that is free again");
    }
}

/// What a window declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MaintenanceWindowSpec {
    /// The zone in which times of day and dates are read.
    pub timezone: TimeZoneName,
    /// Weekly spans in which things may move; none means always.
    pub allow: Option<Vec<AllowSpan>>,
    /// Dated spans in which they may not; they win over `allow`.
    pub deny: Option<Vec<DenySpan>>,
}

/// A weekly span. It belongs to the day on which it starts, and may reach into the next.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AllowSpan {
    /// The days on which it starts.
    #[schemars(length(min = 1))]
    pub days: Set<Weekday>,
    /// When it starts on the clock of the zone.
    pub start: TimeOfDay,
    /// How long it lasts in elapsed time, at most a week.
    pub duration: Span,
}

/// A dated span, from its beginning up to, not including, its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DenySpan {
    /// The first day or moment that is denied.
    pub from: DateOrInstant,
    /// The first day or moment that is free again.
    pub to: DateOrInstant,
    /// What is denied; none means everything.
    #[schemars(length(min = 1))]
    pub blocks: Option<Set<MoveClass>>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// What kind of movement an operation is; one over several hops has the class of its highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MoveClass {
    /// Configuration, resources or network.
    Config,
    /// A suite or a capability switched on or off.
    Feature,
    /// A version that differs in its last number.
    Patch,
    /// A version that differs in its middle number.
    Minor,
    /// A version that differs in its first number.
    Major,
    /// A version taken for its security fix.
    Security,
}
