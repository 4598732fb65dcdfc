//! Which ticks run now, and what becomes of those that passed while nobody was there.

use super::clock::Clock;
use crate::change::Value;
use crate::model::scalar::span_ms;
use jiff::{SignedDuration, Timestamp};

/// A tick that is looked at this long after its time is not late: leaders change hands, databases restart.
const ON_TIME: SignedDuration = SignedDuration::from_secs(60);
/// Ticks of one schedule that are looked at together; more than a week of minutes.
const MAX_TICKS: usize = 12_000;
/// Late runs of `run-all` where the schedule does not say how many.
const DEFAULT_MAX: usize = 100;

/// What becomes of late ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedRule {
    /// How many of them run at most: the newest ones.
    most: usize,
    window: SignedDuration,
}

impl MissedRule {
    /// The rule of a Schedule's `spec`; the latest within ten minutes where it says nothing.
    pub fn of(spec: &Value) -> Self {
        let said = |key| spec.at(&["missed", key]);
        let most = match said("policy").and_then(Value::as_str) {
            Some("skip") => 0,
            Some("run-all") => match said("max") {
                Some(Value::Number(max)) => max.as_i64().map_or(DEFAULT_MAX, |max| max.max(0) as usize),
                _ => DEFAULT_MAX,
            },
            _ => 1,
        };
        let window = said("catchUpWindow").and_then(Value::as_str).and_then(span_ms).unwrap_or(600_000);
        Self { most, window: SignedDuration::from_millis(i64::try_from(window).unwrap_or(i64::MAX)) }
    }
}

/// What is due of one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Ticks that run, oldest first, and whether each is late.
    pub run: Vec<(Timestamp, bool)>,
    /// Ticks within closed spans.
    pub closed: Vec<Timestamp>,
    /// Late ticks that do not run.
    pub missed: Vec<Timestamp>,
    /// Whether there were more before those that can be caught up than were counted: the first ones were.
    pub more: bool,
    /// Up to when ticks were looked at: before `now` only where there were more than are looked at together.
    pub until: Timestamp,
}

/// The ticks of `clock` after `since` and up to `now`.
pub fn due(clock: &Clock, rule: MissedRule, since: Timestamp, now: Timestamp) -> Due {
    let late_before = now.checked_sub(ON_TIME).unwrap_or(now);
    let oldest = now.checked_sub(rule.window.max(ON_TIME)).unwrap_or(since).max(since);
    let ticks: Vec<Timestamp> = clock.ticks(oldest).take_while(|tick| *tick <= now).take(MAX_TICKS).collect();
    let until = if ticks.len() == MAX_TICKS { ticks[MAX_TICKS - 1] } else { now };
    let (closed, open): (Vec<_>, Vec<_>) = ticks.into_iter().partition(|tick| clock.is_closed(*tick));
    let (late, on_time): (Vec<_>, Vec<_>) = open.into_iter().partition(|tick| *tick <= late_before);
    // Only the newest of all are caught up: of a slice that more follow, none.
    let most = if until < now { 0 } else { rule.most };
    let (missed, caught_up) = late.split_at(late.len().saturating_sub(most));
    let before: Vec<Timestamp> = clock.ticks(since).take_while(|tick| *tick <= oldest).take(MAX_TICKS).collect();
    let more = before.len() == MAX_TICKS;
    let (closed_before, before): (Vec<_>, Vec<_>) = before.into_iter().partition(|tick| clock.is_closed(*tick));
    Due {
        run: caught_up.iter().map(|tick| (*tick, true)).chain(on_time.iter().map(|tick| (*tick, false))).collect(),
        closed: closed_before.into_iter().chain(closed).collect(),
        more,
        missed: before.into_iter().chain(missed.iter().copied()).collect(),
        until,
    }
}
