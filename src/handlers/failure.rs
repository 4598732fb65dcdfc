//! Why a job failed, and whether trying again may help.

use std::fmt::Display;

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
    /// Whether trying again is of no use.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Invalid | Self::Denied)
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

/// A failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: Class,
    /// For people.
    pub reason: String,
}

impl Failure {
    /// What was asked for can never work.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { class: Class::Invalid, reason: reason.into() }
    }

    /// It is not allowed.
    pub fn denied(reason: impl Into<String>) -> Self {
        Self { class: Class::Denied, reason: reason.into() }
    }

    /// It may pass.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self { class: Class::Transient, reason: reason.into() }
    }

    /// `what` could not be done, because of `error`, which may pass.
    pub fn during(what: &str, error: impl Display) -> Self {
        Self::transient(format!("{what}: {error}"))
    }
}
