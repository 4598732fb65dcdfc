//! Why something that should move waits. Each reason says what lifts it.

use crate::change::ObjectKey;
use crate::diff::Change;
use crate::model::guard::Mode;
use crate::render::minute;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// A change that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What should move.
    pub change: Change,
    /// Why it does not.
    pub reason: Reason,
}

/// Why a change waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Reason {
    /// A worker is at it; its end wakes the next tick.
    InFlight {
        /// The job.
        job: i64,
    },
    /// Every attempt at this very target failed.
    DeadLetter {
        /// The job.
        job: i64,
        /// Its last error.
        error: String,
    },
    /// What it refers to is not there yet.
    Dependency {
        /// What it waits for.
        on: ObjectKey,
    },
    /// The live row carries `pintle/protect`.
    Protected,
    /// The document is the same; this Pintle would write other defaults.
    Software,
    /// Somebody else changed it, and the guard says that such drift is told and not healed.
    Reported,
    /// There is a row that Pintle never applied, and it says something else.
    Foreign,
    /// Its deletion can still be taken back.
    Grace {
        /// Until when.
        until: Timestamp,
    },
    /// The guard's mode does not allow it.
    Mode {
        /// The mode.
        mode: Mode,
    },
    /// A window of the guard denies it now.
    Closed {
        /// The window.
        window: Arc<str>,
        /// Until when; `None` when it has no end in sight.
        until: Option<Timestamp>,
    },
    /// Somebody paused it.
    Paused {
        /// What is paused, as `pintle resume` takes it.
        scope: String,
        /// Who.
        by: String,
        /// Why.
        why: String,
        /// Until when; `None`: until it is resumed.
        until: Option<Timestamp>,
    },
    /// A wide change goes out in waves, and its wave has not come.
    Wave {
        /// The Rollout.
        rollout: Arc<str>,
        /// Its wave.
        wave: Arc<str>,
        /// When it comes, as far as that is known: the end of a soak.
        until: Option<Timestamp>,
        /// When the wave before it is judged at the latest, by what it has.
        #[serde(skip_serializing_if = "Option::is_none")]
        judged: Option<Timestamp>,
        /// What keeps it closed beside those before it.
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<Held>,
    },
    /// As many move at once as may: a service has still to carry out what their rows say.
    Moving {
        /// Of what: the fleet, a partner, a region.
        of: String,
        /// How many move.
        moving: usize,
        /// How many may.
        allowed: usize,
        /// The Rollouts in whose waves it goes.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rollouts: Vec<Arc<str>>,
    },
    /// The same fields drift again and again: somebody else writes them too.
    Fight {
        /// How often it was healed within the hour.
        healed: usize,
        /// Which fields.
        fields: String,
        /// When it is healed again.
        until: Timestamp,
    },
    /// It drifted, and putting it right would pass a limit: then too many were changed at once for that.
    Limited {
        /// The limit.
        exceeded: Box<super::Exceeded>,
    },
    /// A row would go for good, and the repository may say something newer.
    NewerTip,
    /// A row would go for good, and broken glass is not ratified.
    GlassBroken,
    /// It was left out by whoever asked for this plan.
    LeftOut,
}

/// What keeps a wave closed until somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// So many before it failed for good, which is more than the Rollout bears.
    Failed(usize),
    /// At its deadline too few of the wave before it had come.
    NoEvidence,
    /// Its gate is manual.
    ByHand,
}

impl Held {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::NoEvidence => "no-evidence",
            Self::ByHand => "by-hand",
        }
    }
}

fn when(until: Option<&Timestamp>) -> String {
    until.map_or_else(String::new, |until| format!(" until {}", minute(*until)))
}

impl Reason {
    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InFlight { .. } => "in-flight",
            Self::DeadLetter { .. } => "dead-letter",
            Self::Dependency { .. } => "dependency",
            Self::Protected => "protected",
            Self::Software => "software",
            Self::Reported => "reported",
            Self::Foreign => "foreign",
            Self::Grace { .. } => "grace",
            Self::Mode { .. } => "mode",
            Self::Closed { .. } => "closed",
            Self::Paused { .. } => "paused",
            Self::Wave { .. } => "wave",
            Self::Moving { .. } => "moving",
            Self::Fight { .. } => "fight",
            Self::Limited { .. } => "limited",
            Self::NewerTip => "newer-tip",
            Self::GlassBroken => "glass-broken",
            Self::LeftOut => "left-out",
        }
    }

    /// Whether the gate said it: the step itself is sound, and may move later.
    pub fn is_deferral(&self) -> bool {
        matches!(
            self,
            Self::Mode { .. }
                | Self::Closed { .. }
                | Self::Paused { .. }
                | Self::Wave { .. }
                | Self::Moving { .. }
                | Self::Fight { .. }
                | Self::Limited { .. }
                | Self::NewerTip
                | Self::GlassBroken
        )
    }

    /// When time alone lifts it, if it does.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Grace { until } | Self::Fight { until, .. } => Some(*until),
            Self::Limited { exceeded } => exceeded.until,
            Self::Closed { until, .. } | Self::Paused { until, .. } | Self::Wave { until, .. } => *until,
            _ => None,
        }
    }

    /// When time alone may change it: lift it, or decide about it.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Wave { until, judged, .. } => until.or(*judged),
            other => other.until(),
        }
    }

    /// One sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::InFlight { job } => format!("job {job} is running"),
            Self::DeadLetter { job, error } => format!("job {job} failed for good: {error}"),
            Self::Dependency { on } => format!("waits for {on}"),
            Self::Protected => {
                "protected by pintle/protect: its document alone neither deletes nor terminates it".into()
            }
            Self::Software => "another default of this Pintle; the document did not change".into(),
            Self::Reported => "changed by somebody else; such drift is reported, not healed".into(),
            Self::Foreign => "the row was never applied by Pintle, and says something else".into(),
            Self::Grace { until } => {
                format!("tombstoned; the row goes after {}", minute(*until))
            }
            Self::Mode { mode } => format!("the guard's mode is {}", mode.as_str()),
            Self::Closed { window, until } => format!("closed by window {window}{}", when(until.as_ref())),
            Self::Paused { scope, by, why, until } => {
                format!("{scope} is paused by {by}{}: {why}", when(until.as_ref()))
            }
            Self::Wave { rollout, wave, until, judged, held: None } => {
                let judged = judged
                    .filter(|_| until.is_none())
                    .map(|at| format!("; the one before it is judged on {}", minute(at)));
                format!("wave {wave} of {rollout} has not come{}{}", when(until.as_ref()), judged.unwrap_or_default())
            }
            Self::Wave { rollout, wave, held: Some(Held::Failed(failed)), .. } => {
                format!("wave {wave} of {rollout} is halted: {failed} before it failed for good")
            }
            Self::Wave { rollout, wave, held: Some(Held::NoEvidence), .. } => {
                format!("wave {wave} of {rollout} is halted: too few before it came in time")
            }
            Self::Wave { rollout, wave, held: Some(Held::ByHand), .. } => {
                format!("wave {wave} of {rollout} waits until somebody opens it")
            }
            Self::Moving { of, moving, allowed, .. } => {
                format!("waits until others have arrived: {moving} of {of} move, {allowed} may at once")
            }
            Self::Fight { healed, fields, until } => {
                format!(
                    "{fields} was healed {healed} times within the hour and drifts again; left{}",
                    when(Some(until))
                )
            }
            Self::Limited { exceeded } => format!("healing all of these would pass a limit: {}", exceeded.sentence()),
            Self::NewerTip => {
                "a newer tip is not accepted, or the remote does not answer: it may bring this back".into()
            }
            Self::GlassBroken => "nothing goes for good while broken glass is not ratified".into(),
            Self::LeftOut => "left out of this plan".into(),
        }
    }

    /// What lifts it.
    pub fn lifted_by(&self) -> String {
        match self {
            Self::InFlight { .. } => "the end of the job".into(),
            Self::DeadLetter { job, .. } => format!("pintle jobs retry {job} --reason TEXT, or another target"),
            Self::Dependency { on } => format!("pintle why {on}"),
            Self::Protected => "an accepted commit that takes the annotation away first".into(),
            Self::Software => "any change of the document".into(),
            Self::Reported => {
                "declaring what is live, or a `drift` rule with `mode: heal` in .pintle/guard.yaml".into()
            }
            Self::Foreign => {
                "a document that says what the row does (pintle get KIND/NAME -o yaml), or `mode: full` for it in .pintle/guard.yaml".into()
            }
            Self::Grace { .. } => "time; bringing the document back keeps the row".into(),
            Self::Mode { .. } => {
                "an accepted commit that changes `modes` in .pintle/guard.yaml, and any commit after it".into()
            }
            Self::Closed { .. } => "time, or taking the window out of `closed` in .pintle/guard.yaml".into(),
            Self::Paused { scope, .. } => format!("pintle resume {scope}"),
            Self::Wave { held: None, .. } => "the end of the wave before it, and of its soak".into(),
            Self::Wave { held: Some(Held::NoEvidence), .. } => {
                "the services that carry the rows out (pintle_api.observe_v1), or a longer `waveDeadline`".into()
            }
            Self::Moving { .. } => {
                "the services that carry the rows out (pintle_api.observe_v1), or `moving` in .pintle/guard.yaml".into()
            }
            Self::Wave { held: Some(Held::Failed(_)), .. } => {
                "pintle jobs retry (pintle jobs list --state dead), the service that says so, or another target".into()
            }
            Self::Wave { rollout, wave, held: Some(Held::ByHand), .. } => {
                format!("pintle advance {rollout} {wave} --reason TEXT")
            }
            Self::Fight { .. } => "finding who writes it (pintle audit), or declaring what they write".into(),
            Self::Limited { exceeded } => {
                let limit = &exceeded.limit;
                format!(
                    "setting the rows right by hand, `drift` with `mode: report` in .pintle/guard.yaml, or pintle approve --allow-limit '{limit}' --for ACTIONS (pintle plan shows them)"
                )
            }
            Self::NewerTip => "accepting what is held, or taking it back (pintle status)".into(),
            Self::GlassBroken => "pintle approve --ratify COMMIT (pintle status names it)".into(),
            Self::LeftOut => "the flags of this plan: --target, --exclude, --only".into(),
        }
    }
}
