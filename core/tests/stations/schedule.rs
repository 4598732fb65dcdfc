//! When schedules fire: zones, both edges of daylight saving, lateness, jitter.

use jiff::{SignedDuration, Timestamp};
use pintle_core::change::Value;
use pintle_core::schedule::{Clock, MissedRule, OverlapRule, Start, due, jitter, start_by_hand};

fn spec(yaml: &str) -> Value {
    let json: serde_json::Value = serde_json::from_str(yaml).unwrap();
    Value::from(&json)
}

fn clock(json: &str) -> Clock {
    Clock::of(&spec(json), &[]).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first `count` fires after `after`, in UTC without date where all are of one day.
fn fires(json: &str, after: &str, count: usize) -> Vec<String> {
    clock(json).fires(at(after)).take(count).map(|tick| tick.to_string()).collect()
}

const GAP: &str = "2026-03-28T23:30:00Z"; // Berlin skips 02:00 to 03:00 on the 29th, at 01:00 UTC
const FOLD: &str = "2026-10-24T22:30:00Z"; // and repeats it on 25 October, at 01:00 UTC

#[test]
fn a_skipped_time_of_day_fires_once_right_after_the_gap() {
    let half_past_two = fires(r#"{"cron": ["30 2 * * *"], "timezone": "Europe/Berlin"}"#, GAP, 2);
    assert_eq!(half_past_two, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    let steps = fires(r#"{"cron": ["*/20 2 * * *"], "timezone": "Europe/Berlin"}"#, GAP, 2);
    assert_eq!(steps, ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"], "three skipped steps are one fire");
}

#[test]
fn a_gap_that_a_change_of_law_widens_ends_once() {
    // Winamac went from Central to Eastern time as summer time began: 02:00 to 04:00 at 08:00 UTC. By the rule of
    // today, summer time would have begun at 07:00 UTC.
    let fires =
        fires(r#"{"cron": ["30 2 * * *"], "timezone": "America/Indiana/Winamac"}"#, "2007-03-11T00:00:00-06:00", 2);
    assert_eq!(fires, ["2007-03-11T08:00:00Z", "2007-03-12T06:30:00Z"]);
}

#[test]
fn a_skipped_time_of_day_does_not_fire_where_the_schedule_says_so() {
    let skipped = fires(r#"{"cron": ["30 2 * * *"], "timezone": "Europe/Berlin", "dst": {"gap": "skip"}}"#, GAP, 1);
    assert_eq!(skipped, ["2026-03-30T00:30:00Z"]);
}

#[test]
fn a_repeated_time_of_day_fires_the_first_time_the_second_or_both() {
    let with = |overlap: &str| {
        let json =
            format!(r#"{{"cron": ["30 2 * * *"], "timezone": "Europe/Berlin", "dst": {{"overlap": "{overlap}"}}}}"#);
        fires(&json, FOLD, 2)
    };
    assert_eq!(with("first"), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    assert_eq!(with("second"), ["2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]);
    assert_eq!(with("both"), ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]);
}

#[test]
fn what_fires_every_hour_goes_by_the_time_that_passes() {
    let json = r#"{"cron": ["*/30 * * * *"], "timezone": "Europe/Berlin"}"#;
    for start in [GAP, FOLD] {
        let ticks: Vec<Timestamp> = clock(json).fires(at(start)).take(12).collect();
        let apart: Vec<SignedDuration> = ticks.windows(2).map(|pair| pair[0].duration_until(pair[1])).collect();
        assert!(apart.iter().all(|gap| *gap == SignedDuration::from_mins(30)), "{ticks:?}");
    }
}

#[test]
fn several_expressions_are_one_clock() {
    let json = r#"{"cron": ["0 6 * * *", "0 6 * * 1", "0 18 * * *"]}"#;
    assert_eq!(
        fires(json, "2026-11-30T00:00:00Z", 3),
        ["2026-11-30T06:00:00Z", "2026-11-30T18:00:00Z", "2026-12-01T06:00:00Z"]
    );
}

#[test]
fn the_last_day_a_weekday_nearby_and_the_second_friday_are_found() {
    let first = |cron: &str| fires(&format!(r#"{{"cron": ["{cron}"]}}"#), "2026-01-20T00:00:00Z", 2);
    assert_eq!(first("0 5 L * *"), ["2026-01-31T05:00:00Z", "2026-02-28T05:00:00Z"]);
    assert_eq!(first("0 5 15W * *"), ["2026-02-16T05:00:00Z", "2026-03-16T05:00:00Z"]);
    assert_eq!(first("0 5 * * 5#2"), ["2026-02-13T05:00:00Z", "2026-03-13T05:00:00Z"]);
    assert_eq!(
        first("30 0 5 * * 5"),
        ["2026-01-23T05:00:30Z", "2026-01-30T05:00:30Z"],
        "six fields begin with seconds"
    );
}

#[test]
fn an_interval_counts_from_the_epoch_and_its_offset() {
    let json = r#"{"every": "6h", "offset": "20m"}"#;
    assert_eq!(fires(json, "2026-01-01T00:20:00Z", 2), ["2026-01-01T06:20:00Z", "2026-01-01T12:20:00Z"]);
    assert_eq!(fires(json, "1969-12-31T00:00:00Z", 1), ["1969-12-31T00:20:00Z"]);
}

#[test]
fn a_moment_fires_once() {
    let json = r#"{"at": "2026-06-01T12:00:00+02:00"}"#;
    assert_eq!(fires(json, "2026-05-01T00:00:00Z", 5), ["2026-06-01T10:00:00Z"]);
    assert!(fires(json, "2026-06-01T10:00:00Z", 5).is_empty());
}

#[test]
fn a_date_that_never_comes_ends_the_search() {
    assert!(fires(r#"{"cron": ["0 0 31 2 *"]}"#, "2026-01-01T00:00:00Z", 1).is_empty());
}

#[test]
fn nothing_fires_within_what_an_excluded_window_denies() {
    let window = spec(
        r#"{"timezone": "Africa/Lagos", "deny": [{"from": "2026-12-24", "to": "2026-12-27"}, {"from": "2026-12-30", "to": "2026-12-31", "blocks": ["major"]}]}"#,
    );
    let clock = Clock::of(&spec(r#"{"cron": ["0 3 * * *"], "timezone": "Africa/Lagos"}"#), &[window]).unwrap();
    let fires: Vec<String> = clock.fires(at("2026-12-23T00:00:00Z")).take(5).map(|tick| tick.to_string()).collect();
    let days: Vec<&str> = fires.iter().map(|tick| &tick[5..10]).collect();
    assert_eq!(days, ["12-23", "12-27", "12-28", "12-29", "12-30"], "a span that blocks some movements blocks no job");
}

fn looked(json: &str, since: &str, now: &str) -> (Vec<(String, bool)>, usize) {
    let due = due(&clock(json), MissedRule::of(&spec(json)), at(since), at(now));
    (due.run.iter().map(|(tick, late)| (tick.to_string()[11..16].to_owned(), *late)).collect(), due.missed.len())
}

#[test]
fn a_tick_is_due_once_and_only_after_its_time() {
    let json = r#"{"every": "1h"}"#;
    assert_eq!(looked(json, "2026-01-01T00:30:00Z", "2026-01-01T00:59:59Z"), (vec![], 0));
    assert_eq!(looked(json, "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"), (vec![("01:00".into(), false)], 0));
    assert_eq!(
        looked(json, "2026-01-01T01:00:00Z", "2026-01-01T01:00:30Z"),
        (vec![], 0),
        "a clock set back repeats nothing"
    );
}

#[test]
fn after_a_day_asleep_the_policy_says_what_runs_late() {
    let late = |missed: &str| {
        let json = format!(r#"{{"every": "1h", "missed": {missed}}}"#);
        looked(&json, "2026-01-01T00:30:00Z", "2026-01-02T00:30:00Z")
    };
    assert_eq!(late(r#"{"policy": "skip", "catchUpWindow": "3h"}"#), (vec![], 24));
    assert_eq!(late(r#"{"policy": "run-once", "catchUpWindow": "3h"}"#), (vec![("00:00".into(), true)], 23));
    let all = late(r#"{"policy": "run-all", "catchUpWindow": "3h", "max": 2}"#);
    assert_eq!(all, (vec![("23:00".into(), true), ("00:00".into(), true)], 22));
    assert_eq!(late(r#"{"policy": "run-once", "catchUpWindow": "10m"}"#), (vec![], 24));
}

#[test]
fn a_year_asleep_is_told_of_as_more_than_is_counted() {
    let json = r#"{"cron": ["* * * * * *"]}"#;
    let due = due(&clock(json), MissedRule::of(&spec(json)), at("2025-01-02T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    assert!(due.more && due.missed.len() > 12_000 && due.until == at("2026-01-02T00:00:00Z"), "{}", due.missed.len());
}

#[test]
fn more_ticks_than_are_looked_at_together_are_looked_at_in_turn() {
    let json = r#"{"cron": ["* * * * * *"], "missed": {"policy": "run-all", "catchUpWindow": "1d", "max": 1000}}"#;
    let now = at("2026-01-02T00:00:00Z");
    let first = due(&clock(json), MissedRule::of(&spec(json)), at("2026-01-01T00:00:00Z"), now);
    assert!(first.until < now, "{:?}", first.until);
    assert!(first.run.is_empty(), "only the newest of all are caught up");
    let mut last = due(&clock(json), MissedRule::of(&spec(json)), first.until, now);
    while last.until < now {
        assert!(last.run.is_empty());
        last = due(&clock(json), MissedRule::of(&spec(json)), last.until, now);
    }
    let late = last.run.iter().filter(|(_, late)| *late).count();
    assert_eq!(late, 1_000, "as many as the schedule says, once");
}

#[test]
fn jitter_stays_within_its_span_and_is_the_same_everywhere() {
    let span = SignedDuration::from_mins(5);
    let delays: Vec<SignedDuration> = clock(r#"{"every": "1h"}"#)
        .fires(at("2026-01-01T00:00:00Z"))
        .take(50)
        .map(|tick| jitter("nightly", tick, span))
        .collect();
    assert!(delays.iter().all(|delay| *delay < span));
    assert!(delays.iter().any(|delay| *delay != delays[0]), "ticks are spread");
    assert_eq!(delays[0], jitter("nightly", at("2026-01-01T01:00:00Z"), span));
    assert_eq!(jitter("nightly", at("2026-01-01T01:00:00Z"), SignedDuration::ZERO), SignedDuration::ZERO);
}

#[test]
fn a_tick_that_comes_while_others_are_not_over_is_dropped_waits_or_takes_their_place() {
    let start = |rule: &str, open, followed| {
        OverlapRule::of(&spec(&format!(r#"{{"overlap": "{rule}"}}"#))).start(open, followed)
    };
    assert_eq!(OverlapRule::of(&spec("{}")), OverlapRule::Skip);
    for rule in ["skip", "buffer-one", "buffer-all", "cancel-other", "allow"] {
        assert_eq!(start(rule, 0, false), Start::Run, "{rule}");
        assert_eq!(start(rule, 1_000, false), Start::Skip, "{rule}: a crowd is bounded");
    }
    let of_one = ["skip", "buffer-one", "buffer-all", "cancel-other", "allow"].map(|rule| start(rule, 1, false));
    assert_eq!(of_one, [Start::Skip, Start::Run, Start::Run, Start::Instead, Start::Run]);
    assert_eq!((start("buffer-one", 2, false), start("buffer-all", 2, false)), (Start::Skip, Start::Run));
    assert_eq!(start("cancel-other", 0, true), Start::Skip, "of those due together the last runs");
    assert_eq!((start_by_hand(999), start_by_hand(1_000)), (Start::Run, Start::Skip));
}
