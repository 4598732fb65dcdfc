//! The waves of a Rollout: how far each reaches, and when it opens. A function of how the members ended.

use crate::change::{Number, Value};
use crate::model::scalar::span_ms;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// A wave of a Rollout.
pub(super) struct Wave {
    pub name: Arc<str>,
    soak: SignedDuration,
    /// How many members have moved once it is done.
    pub reaches: usize,
    max_failures: usize,
    min_succeeded: usize,
    by_hand: bool,
    /// How long it may take until it is judged by what it has.
    deadline: SignedDuration,
}

/// The moment, and when the run began.
pub(super) struct Clock {
    pub began: Timestamp,
    pub now: Timestamp,
}

/// How it stands with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// It has still to move, or is on its way.
    Moves,
    /// It moved then.
    Done(Timestamp),
    /// It failed for good then.
    Failed(Timestamp),
}

impl Member {
    fn failed_at(self) -> Option<Timestamp> {
        if let Self::Failed(at) = self { Some(at) } else { None }
    }
}

/// When a wave opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    /// At that moment.
    At(Timestamp),
    /// Those before it are under way; when they are judged at the latest.
    Later(Option<Timestamp>),
    /// So many before it failed that it does not.
    Halted(usize),
    /// Too few before it came in time.
    NoEvidence,
    /// When somebody says so.
    ByHand,
}

/// When each wave opens, given the members in their order: once those before it are done and have soaked, and not at all
/// after too many failures. `advanced` says when somebody opened one, if somebody did.
pub(super) fn openings(
    waves: &[Wave],
    halt: &Halt,
    members: &[Member],
    advanced: &dyn Fn(&str) -> Option<Timestamp>,
    clock: &Clock,
) -> Vec<Opens> {
    let (mut opens, mut from) = (Opens::At(clock.began), 0);
    let mut all = Vec::with_capacity(waves.len());
    let halted = halt.halted(members);
    for wave in waves {
        if let (Opens::At(due), true) = (opens, wave.by_hand) {
            opens = advanced(&wave.name).map_or(Opens::ByHand, |at| Opens::At(due.max(at)));
        }
        all.push(halted.map_or(opens, Opens::Halted));
        if let Opens::At(opened) = opens {
            opens = after(wave, opened, &members[from..wave.reaches], clock.now);
        } else if !matches!(opens, Opens::Halted(_) | Opens::NoEvidence) {
            opens = Opens::Later(None);
        }
        from = wave.reaches;
    }
    all
}

/// When the wave behind `wave` opens.
fn after(wave: &Wave, opened: Timestamp, members: &[Member], now: Timestamp) -> Opens {
    let failed = members.iter().filter(|one| one.failed_at().is_some()).count();
    let mut ends: Vec<Timestamp> =
        members.iter().filter_map(|one| if let Member::Done(at) = one { Some(*at) } else { None }).collect();
    if failed > wave.max_failures {
        return Opens::Halted(failed);
    }
    let deadline = opened.checked_add(wave.deadline).unwrap_or(Timestamp::MAX);
    let unfinished = members.contains(&Member::Moves);
    if unfinished && now < deadline {
        return Opens::Later(Some(deadline));
    }
    let enough = wave.min_succeeded.min(members.len());
    // Who came in time decides when the next one opens, and it does not close again for who comes late.
    ends.sort_unstable();
    let timely = ends.iter().filter(|end| **end <= deadline).count();
    ends.truncate(timely.max(enough));
    if (failed > 0 || unfinished) && ends.len() < enough {
        return if failed > 0 { Opens::Halted(failed) } else { Opens::NoEvidence };
    }
    let soaked = |end: Timestamp| end.checked_add(wave.soak).unwrap_or(Timestamp::MAX);
    Opens::At(ends.into_iter().max().map_or(opened, |end| soaked(end).max(opened)))
}

/// What halts the whole run.
pub(super) struct Halt {
    sample: usize,
    percent: Option<usize>,
    /// Failures in a row.
    consecutive: Option<usize>,
}

impl Halt {
    /// Of the body of a Rollout.
    pub(super) fn of(body: &Value) -> Self {
        let halt = body.at(&["spec", "halt"]).cloned().unwrap_or_default();
        Self {
            sample: whole(&halt, "minSample").unwrap_or(1),
            percent: whole(&halt, "failedPercent"),
            consecutive: whole(&halt, "consecutive"),
        }
    }

    /// How many failed, if that is too many of those that ended.
    fn halted(&self, members: &[Member]) -> Option<usize> {
        let ended = members.iter().filter(|one| **one != Member::Moves).count();
        let failed = members.iter().filter(|one| one.failed_at().is_some()).count();
        let share = self.percent.is_some_and(|percent| ended >= self.sample && failed * 100 >= ended * percent);
        let row = self.consecutive.is_some_and(|most| in_a_row(members) >= most);
        (failed > 0 && (share || row)).then_some(failed)
    }
}

/// The longest row of failures, in the order in which members ended.
fn in_a_row(members: &[Member]) -> usize {
    let mut ends: Vec<(Timestamp, bool)> = members
        .iter()
        .filter_map(|member| match member {
            Member::Moves => None,
            Member::Done(at) => Some((*at, false)),
            Member::Failed(at) => Some((*at, true)),
        })
        .collect();
    ends.sort_unstable();
    ends.chunk_by(|one, other| one.1 == other.1).filter(|row| row[0].1).map(<[_]>::len).max().unwrap_or_default()
}

fn whole(value: &Value, key: &str) -> Option<usize> {
    match value.get(key)? {
        Value::Number(number) => usize::try_from(Number::as_i64(number)?).ok(),
        _ => None,
    }
}

/// The waves of the Rollout `body` for `members` members.
pub(super) fn waves(body: &Value, members: usize) -> Vec<Wave> {
    let mut reached = 0;
    let span = |value: Option<&Value>| value.and_then(Value::as_str).and_then(span_ms);
    let length = |ms: u64| SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    let deadline = span(body.at(&["spec", "waveDeadline"])).map_or(SignedDuration::MAX, length);
    let list = body.at(&["spec", "waves"]).and_then(Value::as_list).unwrap_or_default();
    let mut waves: Vec<Wave> = list
        .iter()
        .map(|wave| {
            let share = whole(wave, "percent").map(|percent| (members * percent).div_ceil(100));
            reached = share.unwrap_or(reached + whole(wave, "count").unwrap_or(0)).clamp(reached, members);
            Wave {
                name: wave.get("name").and_then(Value::as_str).unwrap_or_default().into(),
                soak: length(span(wave.get("soak")).unwrap_or_default()),
                reaches: reached,
                max_failures: whole(wave, "maxFailures").unwrap_or(0),
                min_succeeded: whole(wave, "minSucceeded").unwrap_or(1),
                by_hand: wave.get("gate").and_then(Value::as_str) == Some("manual"),
                deadline,
            }
        })
        .collect();
    if let Some(last) = waves.last_mut() {
        last.reaches = members;
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rollout(spec: &str) -> Value {
        Value::from(&serde_json::from_str::<serde_json::Value>(&format!(r#"{{"spec": {spec}}}"#)).unwrap())
    }

    fn opened(spec: &str, members: &[Member], advanced: &[&str]) -> Vec<Opens> {
        let body = rollout(spec);
        let advanced = |wave: &str| advanced.contains(&wave).then_some(at(50));
        let clock = Clock { began: at(0), now: at(100) };
        openings(&waves(&body, members.len()), &Halt::of(&body), members, &advanced, &clock)
    }

    const TWO: &str = r#"{"waves": [{"name": "canary", "count": 2, "soak": "1h"}, {"name": "all", "percent": 100}]}"#;
    const FIRST: Opens = Opens::At(Timestamp::UNIX_EPOCH);
    const LATER: Opens = Opens::Later(Some(Timestamp::MAX));

    #[test]
    fn a_wave_opens_when_those_before_it_are_done_and_have_soaked() {
        use Member::{Done, Moves};
        assert_eq!(opened(TWO, &[Done(at(5)), Moves, Moves], &[]), [FIRST, LATER]);
        assert_eq!(opened(TWO, &[Done(at(5)), Done(at(9)), Moves], &[]), [FIRST, Opens::At(at(9 + 3600))]);
    }

    #[test]
    fn a_failure_halts_what_comes_after_it_unless_the_wave_bears_it() {
        use Member::{Done, Moves};
        let failed = Member::Failed(at(1));
        assert_eq!(opened(TWO, &[failed, Moves, Moves], &[]), [FIRST, Opens::Halted(1)]);
        let bears = TWO.replace("\"count\": 2", "\"count\": 2, \"maxFailures\": 1");
        assert_eq!(opened(&bears, &[failed, Moves, Moves], &[]), [FIRST, LATER]);
        assert_eq!(opened(&bears, &[failed, Done(at(0)), Moves], &[]), [FIRST, Opens::At(at(3600))]);
        let wants = bears.replace("\"maxFailures\"", "\"minSucceeded\": 2, \"maxFailures\"");
        assert_eq!(opened(&wants, &[failed, Done(at(0)), Moves], &[]), [FIRST, Opens::Halted(1)]);
    }

    #[test]
    fn too_large_a_share_of_failures_halts_every_wave() {
        use Member::{Done, Moves};
        let failed = Member::Failed(at(1));
        let spec = TWO
            .replace("\"count\": 2", "\"count\": 2, \"maxFailures\": 9")
            .replace("]}", r#"], "halt": {"minSample": 2, "failedPercent": 50}}"#);
        assert_eq!(opened(&spec, &[failed, Moves, Moves], &[])[0], FIRST, "one is no sample");
        assert_eq!(opened(&spec, &[failed, Done(at(0)), Moves], &[]), [Opens::Halted(1), Opens::Halted(1)]);
    }

    #[test]
    fn a_wave_with_a_manual_gate_opens_when_somebody_says_so() {
        use Member::{Done, Moves};
        let spec = TWO.replace("\"percent\": 100", "\"percent\": 100, \"gate\": \"manual\"");
        assert_eq!(opened(&spec, &[Moves, Moves, Moves], &["all"]), [FIRST, LATER], "said too early, it counts later");
        let done = [Done(at(0)), Done(at(0)), Moves];
        assert_eq!(opened(&spec, &done, &[]), [FIRST, Opens::ByHand]);
        assert_eq!(opened(&spec, &done, &["all"]), [FIRST, Opens::At(at(3600))]);
    }

    #[test]
    fn at_its_deadline_a_wave_is_judged_by_what_it_has() {
        use Member::{Done, Moves};
        let spec = TWO.replace("]}", r#"], "waveDeadline": "2m"}"#);
        assert_eq!(opened(&spec, &[Done(at(5)), Moves, Moves], &[]), [FIRST, Opens::Later(Some(at(120)))]);
        let over = spec.replace("2m", "90s");
        assert_eq!(
            opened(&over, &[Done(at(5)), Moves, Moves], &[]),
            [FIRST, Opens::At(at(5 + 3600))],
            "one is evidence"
        );
        assert_eq!(opened(&over, &[Moves, Moves, Moves], &[]), [FIRST, Opens::NoEvidence], "none is not");
        let late = [Done(at(5)), Done(at(95)), Moves];
        assert_eq!(opened(&over, &late, &[]), [FIRST, Opens::At(at(5 + 3600))], "who comes late closes nothing");
        assert_eq!(opened(&over, &late[1..], &[])[1], Opens::At(at(95 + 3600)), "and is evidence all the same");
        let later = [Done(at(98)), Done(at(95)), Moves];
        assert_eq!(opened(&over, &later, &[])[1], Opens::At(at(95 + 3600)), "as far as evidence is needed");
    }

    #[test]
    fn the_deadline_of_a_wave_that_somebody_opened_counts_from_then() {
        use Member::{Done, Moves};
        let spec = r#"{"waveDeadline": "90s", "waves": [{"name": "one", "count": 1}, {"name": "two", "count": 1, "gate": "manual"}, {"name": "all", "percent": 100}]}"#;
        let members = [Done(at(1)), Moves, Moves];
        assert_eq!(opened(spec, &members, &["two"])[2], Opens::Later(Some(at(50 + 90))));
    }

    #[test]
    fn failures_in_a_row_halt_every_wave_and_a_success_between_them_breaks_the_row() {
        use Member::{Done, Failed, Moves};
        let spec = TWO
            .replace("\"count\": 2", "\"count\": 3, \"maxFailures\": 9")
            .replace("]}", r#"], "halt": {"consecutive": 2}}"#);
        let row = [Done(at(1)), Failed(at(2)), Failed(at(3)), Moves];
        assert_eq!(opened(&spec, &row, &[]), [Opens::Halted(2), Opens::Halted(2)]);
        assert_eq!(opened(&spec, &[Failed(at(1)), Done(at(2)), Failed(at(3)), Moves], &[])[0], FIRST);
    }
}
