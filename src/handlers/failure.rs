//! Why a job failed, whether trying again may help, and when.

use std::fmt::Display;
use std::time::Duration;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It may pass by itself.
    Transient,
    /// Somebody else is at it.
    Busy,
    /// What was asked for can never work.
    Invalid,
    /// Something is not as it was taken to be.
    Conflict,
    /// It is not allowed.
    Denied,
    /// It may have been done, or not.
    UnknownOutcome,
}

impl Class {
    /// How long the next try waits after `tries` of them, jitter apart; `None`: there is none.
    ///
    /// What may pass is tried soon, and less and less often. Whoever is busy is left alone for longer at first. What is
    /// not as it was taken to be is looked at anew at once: it is not the same question any more. What may have been
    /// done gets time to come to its end, so that the next try finds out instead of doing it twice at one time.
    pub fn pause(self, tries: u32) -> Option<Duration> {
        let first = match self {
            Self::Invalid | Self::Denied => return None,
            Self::Conflict => Duration::from_secs(1),
            Self::Transient => Duration::from_secs(2),
            Self::Busy => Duration::from_secs(10),
            Self::UnknownOutcome => Duration::from_secs(15),
        };
        Some((first * 2u32.saturating_pow(tries.saturating_sub(1).min(16))).min(LONGEST_PAUSE))
    }

    /// The word in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Busy => "busy",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::UnknownOutcome => "unknown-outcome",
        }
    }
}

/// No try waits for longer.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// A failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: Class,
    /// For people.
    pub reason: String,
    /// How long whoever was asked wants to be left alone.
    pub not_within: Option<Duration>,
}

impl Failure {
    /// Of `class`.
    pub fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), not_within: None }
    }

    /// What was asked for can never work.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(Class::Invalid, reason)
    }

    /// It is not allowed.
    pub fn denied(reason: impl Into<String>) -> Self {
        Self::new(Class::Denied, reason)
    }

    /// It may pass.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::new(Class::Transient, reason)
    }

    /// `what` could not be done, because of `error`, which may pass.
    pub fn during(what: &str, error: impl Display) -> Self {
        Self::transient(format!("{what}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 6] =
        [Class::Transient, Class::Busy, Class::Invalid, Class::Conflict, Class::Denied, Class::UnknownOutcome];

    #[test]
    fn what_can_never_work_and_what_is_not_allowed_are_not_tried_again_and_all_else_is() {
        for class in CLASSES {
            let never = matches!(class, Class::Invalid | Class::Denied);
            assert_eq!(class.pause(1).is_none(), never, "{class:?}");
        }
    }

    #[test]
    fn each_try_waits_longer_than_the_one_before_it_and_none_for_more_than_five_minutes() {
        for class in CLASSES {
            let pauses: Vec<Duration> = (1..40).filter_map(|tries| class.pause(tries)).collect();
            assert!(pauses.windows(2).all(|two| two[0] < two[1] || two[1] == LONGEST_PAUSE), "{class:?}: {pauses:?}");
        }
    }

    #[test]
    fn a_conflict_is_looked_at_sooner_than_what_may_pass_and_what_may_have_been_done_latest() {
        let [conflict, transient, busy, unknown] =
            [Class::Conflict, Class::Transient, Class::Busy, Class::UnknownOutcome].map(|class| class.pause(1));
        assert!(conflict < transient && transient < busy && busy < unknown);
    }
}
