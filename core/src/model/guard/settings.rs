//! How much may change and move: limits, pace in numbers, grace.

use super::policy::{Closed, Drift, Match, ModeRule, Notice, Pace};
use crate::model::scalar::{Percent, Set, Span, Word};
use schemars::JsonSchema;
use serde::Deserialize;

/// The guard settings of a repository. A section that the file does not give keeps its default.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Guard {
    /// How many objects may change within 24 hours, what is pending included. All that match must hold.
    pub limits: Vec<Limit>,
    /// How many instances move at once, over all operations of the fleet.
    pub moving: Moving,
    /// Wide changes that go out in waves, and are counted there instead of by the update limits.
    pub pace: Vec<Pace>,
    /// What may be done to which objects at all; the strictest match wins.
    pub modes: Vec<ModeRule>,
    /// When objects of any kind may not change.
    pub closed: Vec<Closed>,
    /// How long a deletion can be taken back.
    pub grace: Grace,
    /// Who may lift a limit for one plan; none means nobody.
    #[serde(rename = "override")]
    pub lift: Option<Override>,
    /// What is done about values changed behind the repository's back; `heal` where nothing matches.
    pub drift: Vec<Drift>,
    /// Who is told.
    pub notify: Vec<Notice>,
}

impl Default for Guard {
    /// What holds in a repository without the file: few deletions, a bounded share of updates.
    fn default() -> Self {
        let limit = |kind: Option<&str>, action, count, percent, minimum, per| {
            let selector = Match { kind: kind.map(|kind| crate::model::scalar::KindName(kind.into())), labels: None };
            Limit { selector, action, count, percent, minimum, per }
        };
        Self {
            limits: vec![
                limit(None, LimitedAction::Delete, Some(5), Some(10), Some(3), None),
                limit(Some("Instance"), LimitedAction::Update, None, Some(30), Some(10), Some(LimitPer::Partner)),
            ],
            moving: Moving::default(),
            pace: Vec::new(),
            modes: Vec::new(),
            closed: Vec::new(),
            grace: Grace::default(),
            lift: None,
            drift: Vec::new(),
            notify: Vec::new(),
        }
    }
}

/// How many objects may change within 24 hours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limit {
    /// Which objects it counts.
    #[serde(rename = "match", default)]
    pub selector: Match,
    /// Which changes it counts.
    pub action: LimitedAction,
    /// No more than this many.
    pub count: Option<u32>,
    /// No more than this share, in percent, of what was live before.
    #[schemars(range(max = 100))]
    pub percent: Option<u8>,
    /// The share never comes out smaller than this many.
    pub minimum: Option<u32>,
    /// Count apart for each; none means all together.
    pub per: Option<LimitPer>,
}

/// Which changes a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedAction {
    /// New objects.
    Create,
    /// Changed objects; a channel counts the instances that it will move.
    Update,
    /// Objects that go; terminations and replacements included.
    Delete,
}

/// What a limit is counted apart for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitPer {
    /// Each partner.
    Partner,
    /// Each region.
    Region,
}

/// How many instances move at once, over all operations of the fleet. A Rollout may only tighten it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Moving {
    /// In the whole fleet.
    pub global: u32,
    /// Of one partner.
    pub per_partner: u32,
    /// In one region.
    pub per_region: u32,
    /// The share of the fleet that may be down at once; at least one instance, unless `0%` is written.
    pub max_unavailable: Percent,
    /// How many tenants are on the instances that move at once; none means unbounded.
    pub max_tenants_moving: Option<u32>,
}

impl Default for Moving {
    fn default() -> Self {
        Self {
            global: 10,
            per_partner: 2,
            per_region: 5,
            max_unavailable: Percent("5%".into()),
            max_tenants_moving: None,
        }
    }
}

/// How long a deletion can be taken back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Grace {
    /// Between the tombstone and the removal; restoring the document within it keeps everything.
    pub delete: Span,
}

impl Default for Grace {
    fn default() -> Self {
        Self { delete: Span("24h".into()) }
    }
}

/// Who may lift a limit for one plan, by a signed `Allow-Limit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Override {
    /// How many people it takes.
    #[schemars(range(min = 1, max = 20))]
    pub approvals: u32,
    /// The groups of the trust policy that they come from.
    #[schemars(length(min = 1))]
    pub from: Set<Word>,
}
