//! Moments and spans in words. Pure: both moments are arguments.

use jiff::{SignedDuration, Timestamp};

/// `2 min ago`, `in 3 h 12 min`, `just now`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(then);
    match passed.as_millis() {
        50.. => format!("{} ago", span(passed)),
        // Two clocks differ by a little; that is no future.
        -999..50 => "just now".to_owned(),
        _ => format!("in {}", span(passed.abs())),
    }
}

/// `24 Nov 20:31 UTC`: a moment of this year, for people.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%d %b %H:%M UTC").to_string()
}

/// The two largest units that tell: `0.2 s`, `45 s`, `2 min`, `3 h 12 min`, `2 days 5 h`, `40 days`.
pub fn span(length: SignedDuration) -> String {
    let tenths = length.as_millis().unsigned_abs() / 100;
    let seconds = tenths / 10;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..10 => format!("{seconds}.{} s", tenths % 10),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => with_rest(format!("{hours} h"), minutes % 60, "min"),
        _ if days < 14 => with_rest(days_text(days), hours % 24, "h"),
        _ => days_text(days),
    }
}

fn days_text(days: u128) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn with_rest(first: String, rest: u128, unit: &str) -> String {
    if rest == 0 { first } else { format!("{first} {rest} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_people_say_them() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (millis, text) in [
            (-200, "0.2 s ago"),
            (-45_000, "45 s ago"),
            (-120_000, "2 min ago"),
            (-90_000_000, "1 day 1 h ago"),
            (-40 * 86_400_000, "40 days ago"),
            (11_520_000, "in 3 h 12 min"),
            (3_600_000, "in 1 h"),
            (500, "just now"),
            (0, "just now"),
        ] {
            assert_eq!(ago(now + SignedDuration::from_millis(millis), now), text);
        }
    }
}
