//! A tick comes while runs of the same schedule are not over.

use crate::change::Value;

/// Runs of one schedule that are not over, at most.
pub const MAX_WAITING: usize = 1_000;

/// What a schedule wants then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapRule {
    /// The tick is dropped.
    Skip,
    /// One tick waits; further ones are dropped.
    BufferOne,
    /// Every tick waits.
    BufferAll,
    /// The others are cancelled, and this one runs after them.
    CancelOther,
    /// All run beside each other.
    Allow,
}

/// What becomes of the tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It runs, as soon as those before it are over.
    Run,
    /// It runs, and those before it are cancelled.
    Instead,
    /// It is dropped.
    Skip,
}

impl OverlapRule {
    /// The rule of a Schedule's `spec`.
    pub fn of(spec: &Value) -> Self {
        match spec.get("overlap").and_then(Value::as_str) {
            Some("buffer-one") => Self::BufferOne,
            Some("buffer-all") => Self::BufferAll,
            Some("cancel-other") => Self::CancelOther,
            Some("allow") => Self::Allow,
            _ => Self::Skip,
        }
    }

    /// Whether runs of the schedule take turns.
    pub fn takes_turns(self) -> bool {
        self != Self::Allow
    }

    /// What becomes of a tick when `open` runs are not over; `followed`: by another that is due at the same time.
    pub fn start(self, open: usize, followed: bool) -> Start {
        match (self, open) {
            (_, MAX_WAITING..) => Start::Skip,
            (Self::CancelOther, _) if followed => Start::Skip,
            (_, 0) | (Self::Allow | Self::BufferAll, _) | (Self::BufferOne, 1) => Start::Run,
            (Self::CancelOther, _) => Start::Instead,
            (Self::Skip | Self::BufferOne, _) => Start::Skip,
        }
    }
}

/// What becomes of a run that somebody asks for: it takes its turn, and is not dropped for those before it.
pub fn start_by_hand(open: usize) -> Start {
    if open < MAX_WAITING { Start::Run } else { Start::Skip }
}
