//! Rollout: in which waves a change goes out, and what halts it.

use super::scalar::{Percent, Span, Word};
use super::{Kind, Problems};
use crate::change::{Number, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;

/// See the module.
pub struct Rollout;

impl Kind for Rollout {
    const NAME: &'static str = "Rollout";
    const PLURAL: &'static str = "rollouts";
    const TABLE: &'static str = "rollouts";
    const SUMMARY: &'static str =
        "The waves in which a change goes out, what halts it, and limits tighter than the fleet's.";
    type Spec = RolloutSpec;

    fn check(spec: &Value, problems: &mut Problems) {
        let waves = spec.get("waves").and_then(Value::as_list).unwrap_or_default();
        check_sizes(waves, problems);
        check_names(waves, problems);
    }
}

fn whole(wave: &Value, key: &str) -> Option<i64> {
    match wave.get(key)? {
        Value::Number(number) => Number::as_i64(number),
        _ => None,
    }
}

fn check_sizes(waves: &[Value], problems: &mut Problems) {
    let mut reached = 0;
    for (index, wave) in waves.iter().enumerate() {
        match (whole(wave, "count"), whole(wave, "percent")) {
            (Some(_), Some(_)) => problems
                .inconsistent(&format!("waves.{index}"), "a wave has a `count` or a `percent`, not both")
                .hint("remove one of them"),
            (None, None) => problems
                .inconsistent(&format!("waves.{index}"), "a wave needs a `count` or a `percent`")
                .hint("add `count: 2`, or `percent: 10`"),
            (None, Some(percent)) if percent <= reached => problems
                .inconsistent(
                    &format!("waves.{index}.percent"),
                    format!("the percent must rise: an earlier wave reaches {reached} already"),
                )
                .hint("`percent` counts everything moved so far, this wave included"),
            (None, Some(percent)) => {
                reached = percent;
                continue;
            }
            (Some(_), None) => continue,
        };
    }
    let last = waves.len().saturating_sub(1);
    if waves.last().is_some_and(|wave| whole(wave, "percent") != Some(100)) {
        problems
            .inconsistent(&format!("waves.{last}"), "the last wave must reach everybody")
            .hint("end with a wave of `percent: 100`");
    }
}

fn check_names(waves: &[Value], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, name) in waves.iter().enumerate().filter_map(|(index, wave)| Some((index, wave.get("name")?.as_str()?)))
    {
        if !seen.insert(name) {
            problems
                .inconsistent(&format!("waves.{index}.name"), format!("two waves are called `{name}`"))
                .hint("give each wave its own name");
        }
    }
}

/// What a rollout declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RolloutSpec {
    /// The waves in order; the last reaches everybody.
    #[schemars(length(min = 1, max = 50))]
    pub waves: Vec<Wave>,
    /// Limits tighter than the fleet's; looser ones have no effect.
    pub tighten: Option<Tighten>,
    /// What halts the run.
    pub halt: Option<Halt>,
    /// How long a wave may take until it is judged by what it has.
    #[serde(default = "week")]
    pub wave_deadline: Span,
}

fn week() -> Span {
    Span("7d".into())
}

/// One wave.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wave {
    /// How people call it.
    pub name: Word,
    /// How many members it has.
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// The share of all members, from 1 to 100, that have moved once this wave is done.
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u8>,
    /// How long it is watched after its last success before the next wave begins.
    #[serde(default = "nothing")]
    pub soak: Span,
    /// More failures than this halt the run.
    #[serde(default)]
    pub max_failures: u32,
    /// Fewer successes than this are no evidence, and halt the run.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub min_succeeded: u32,
    /// What opens it.
    #[serde(default)]
    pub gate: WaveGate,
}

fn nothing() -> Span {
    Span("0s".into())
}

fn one() -> u32 {
    1
}

/// What opens a wave.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaveGate {
    /// The wave before it has passed.
    #[default]
    Auto,
    /// Besides, somebody advances the run by hand.
    Manual,
}

/// Limits tighter than the fleet's; absent means the fleet's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tighten {
    /// How many instances move at once.
    #[schemars(range(min = 1))]
    pub global: Option<u32>,
    /// How many of one partner move at once.
    #[schemars(range(min = 1))]
    pub per_partner: Option<u32>,
    /// How many in one region move at once.
    #[schemars(range(min = 1))]
    pub per_region: Option<u32>,
    /// The share of the fleet that may be down at once.
    pub max_unavailable: Option<Percent>,
    /// How many tenants are on the instances that move at once.
    #[schemars(range(min = 1))]
    pub max_tenants_moving: Option<u32>,
}

/// What halts a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Halt {
    /// How many members must have ended before the failed share is judged.
    #[schemars(range(min = 1))]
    pub min_sample: Option<u32>,
    /// The failed share, in percent, that halts the run.
    #[schemars(range(min = 1, max = 100))]
    pub failed_percent: Option<u8>,
    /// Failures in a row that halt the run.
    #[schemars(range(min = 1))]
    pub consecutive: Option<u32>,
}
