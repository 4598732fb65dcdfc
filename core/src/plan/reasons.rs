//! Why something that should move waits. Each reason says what lifts it.

use crate::change::ObjectKey;
use crate::diff::Change;
use serde::Serialize;

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
        }
    }

    /// One sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::InFlight { job } => format!("job {job} is running"),
            Self::DeadLetter { job, error } => format!("job {job} failed for good: {error}"),
            Self::Dependency { on } => format!("waits for {on}"),
            Self::Protected => "protected by pintle/protect: removing its document does not delete it".into(),
            Self::Software => "another default of this Pintle; the document did not change".into(),
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
        }
    }
}
