//! Schedule: work that is done again and again, or once at a time.

use super::job::Job;
use super::scalar::{Cron, Instant, Ref, Set, Span, TimeZoneName, span_ms, to};
use super::{Kind, Problems};
use crate::change::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// See the module.
pub struct Schedule;

impl Kind for Schedule {
    const NAME: &'static str = "Schedule";
    const PLURAL: &'static str = "schedules";
    const TABLE: &'static str = "schedules";
    const SUMMARY: &'static str = "A job that is done by a clock: by cron, at an interval, or once.";
    type Spec = ScheduleSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        check_clock(spec, problems);
        check_missed(spec, problems);
        super::job::check(spec.get("job").unwrap_or(&Value::Null), problems);
    }
}

fn given(spec: &Value, key: &str) -> bool {
    spec.get(key).is_some_and(|value| *value != Value::Null)
}

fn check_clock(spec: &Value, problems: &mut Problems) {
    let clocks: Vec<&str> = ["cron", "every", "at"].into_iter().filter(|key| given(spec, key)).collect();
    match clocks.as_slice() {
        [_] => {}
        [] => {
            problems
                .inconsistent("", "a schedule needs one of `cron`, `every`, `at`")
                .hint("add `cron: [\"0 3 * * *\"]`, or `every: 6h`");
        }
        [first, second, ..] => {
            problems
                .inconsistent(
                    second,
                    format!("a schedule has one of `cron`, `every`, `at`; `{first}` is given already"),
                )
                .hint("write two schedules instead");
        }
    }
    let every = spec.get("every").and_then(Value::as_str).and_then(span_ms);
    if every.is_some_and(|every| every < 60_000) {
        problems.invalid("every", "a schedule fires at most once a minute").hint("give `1m` or more");
    }
    let offset = spec.get("offset").and_then(Value::as_str).and_then(span_ms);
    match (offset, every) {
        (Some(_), None) => problems
            .inconsistent("offset", "an offset needs `every`")
            .hint("remove `offset`: cron names its own minutes"),
        (Some(offset), Some(every)) if offset >= every => problems
            .inconsistent("offset", "the offset must be shorter than `every`")
            .hint("an offset shifts the ticks within one interval"),
        _ => return,
    };
}

fn check_missed(spec: &Value, problems: &mut Problems) {
    let policy = spec.at(&["missed", "policy"]).and_then(Value::as_str).unwrap_or_default();
    if policy != "run-all" && spec.at(&["missed", "max"]).is_some_and(|max| *max != Value::Null) {
        problems
            .inconsistent("missed.max", "`max` bounds what `policy: run-all` catches up")
            .hint("remove `max`, or set `policy: run-all`");
    }
}

/// What a schedule declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// What it is for, in a sentence.
    pub description: Option<String>,
    /// Fires by each of these cron expressions: 5 or 6 fields, with `L`, `W` and `#`.
    #[schemars(length(min = 1, max = 20))]
    pub cron: Option<Vec<Cron>>,
    /// Fires at this interval, counted from the Unix epoch.
    pub every: Option<Span>,
    /// Shifts the ticks of `every`.
    pub offset: Option<Span>,
    /// Fires once, at this moment.
    pub at: Option<Instant>,
    /// The zone in which cron expressions are read.
    #[serde(default = "utc")]
    pub timezone: TimeZoneName,
    /// What becomes of fires that a change of the clocks skips or repeats.
    pub dst: Option<DaylightSaving>,
    /// Spreads the fires over this span, the same way for the same tick.
    pub jitter: Option<Span>,
    /// What happens when a tick comes while the one before still runs.
    #[serde(default)]
    pub overlap: Overlap,
    /// What happens with ticks that passed while nobody was there.
    pub missed: Option<Missed>,
    /// How long one run may take.
    pub deadline: Option<Span>,
    /// Whether it keeps from firing.
    #[serde(default)]
    pub suspend: bool,
    /// It does not fire within the deny spans of these windows.
    pub exclude: Option<Set<Ref<to::MaintenanceWindow>>>,
    /// What it does.
    pub job: Job,
}

fn utc() -> TimeZoneName {
    TimeZoneName("UTC".into())
}

/// What becomes of fires that a change of the clocks skips or repeats.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DaylightSaving {
    /// A time of day that does not exist that day.
    #[serde(default)]
    pub gap: GapRule,
    /// A time of day that comes twice that day.
    #[serde(default)]
    pub overlap: OverlapRule,
}

/// What becomes of a time of day that does not exist.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapRule {
    /// Fires at the first moment after the gap.
    #[default]
    RunAfter,
    /// Does not fire.
    Skip,
}

/// What becomes of a time of day that comes twice.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapRule {
    /// Fires the first time.
    #[default]
    First,
    /// Fires the second time.
    Second,
    /// Fires both times.
    Both,
}

/// What happens when a tick comes while the one before still runs.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// The new tick is dropped, and said so.
    #[default]
    Skip,
    /// One tick waits; further ones are dropped.
    BufferOne,
    /// Every tick waits.
    BufferAll,
    /// The running one is cancelled.
    CancelOther,
    /// Both run.
    Allow,
}

/// What happens with ticks that passed while nobody was there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Missed {
    /// How many of them run late.
    #[serde(default)]
    pub policy: MissedPolicy,
    /// Ticks older than this never run late.
    #[serde(default = "ten_minutes")]
    pub catch_up_window: Span,
    /// The most that `run-all` runs late.
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<u32>,
}

fn ten_minutes() -> Span {
    Span("10m".into())
}

/// How many missed ticks run late.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissedPolicy {
    /// None.
    Skip,
    /// The latest one.
    #[default]
    RunOnce,
    /// All, oldest first, up to `max`.
    RunAll,
}
