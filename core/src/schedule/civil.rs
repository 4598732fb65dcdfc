//! From the clock on the wall to moments. A cron expression speaks of the wall; on two days a year the wall skips an
//! hour or shows one twice.
//!
//! The rule is after cron(8) of Debian: jobs of fixed hours that a change of the clocks skips run right after it, and
//! those that it repeats run once; jobs of every hour go by the time that passes. `dst` of a Schedule says otherwise
//! for the former. It differs in two points: what counts is whether every hour is meant, however that is written, and
//! not an asterisk in the fields of hour or minute; and no gap is too long.

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

/// The clocks of the world never moved further than a day at once (Samoa, 2011).
const FURTHEST: SignedDuration = SignedDuration::from_hours(26);

/// What becomes of times of day that come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    First,
    Second,
    Both,
}

/// One cron expression in a zone.
#[derive(Debug, Clone)]
pub(super) struct Wall {
    cron: Cron,
    zone: TimeZone,
    /// Whether skipped times of day fire after the gap.
    after_gap: bool,
    repeated: Repeated,
}

impl Wall {
    pub fn new(cron: Cron, zone: TimeZone, after_gap: bool, repeated: Repeated) -> Self {
        // What fires every hour goes by the time that passes: nothing of it is skipped, nothing repeated.
        let hourly = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        let (after_gap, repeated) = if hourly { (false, Repeated::Both) } else { (after_gap, repeated) };
        Self { cron, zone, after_gap, repeated }
    }

    /// The first moment after `after` at which it fires; `None` when there is none within the years that are looked at.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let wall = self.zone.to_datetime(after);
        let mut from = wall.checked_sub(self.moved_around(after)).ok()?;
        let mut best: Option<Timestamp> = None;
        loop {
            let Some(at) = self.next_on_wall(from) else { return best };
            let [first, second] = self.moments(at);
            if first.or(second).is_some_and(|earliest| best.is_some_and(|best| best <= earliest)) {
                return best;
            }
            let later =
                [first, second].into_iter().flatten().filter(|moment| *moment > after && self.fires(at, *moment)).min();
            best = best.into_iter().chain(later).min();
            if best.is_some() && first == second {
                return best;
            }
            from = at;
        }
    }

    /// How far the clocks move within a day of `moment`, and nothing on most days.
    fn moved_around(&self, moment: Timestamp) -> SignedDuration {
        let ends = [-FURTHEST, FURTHEST].map(|far| moment.checked_add(far).unwrap_or(moment));
        let [before, after] = ends.map(|end| self.zone.to_offset(end).seconds());
        SignedDuration::from_secs(i64::from((after - before).abs()))
    }

    /// The next time on a wall clock that never moves.
    fn next_on_wall(&self, after: DateTime) -> Option<DateTime> {
        let steady: Zoned = after.to_zoned(TimeZone::UTC).ok()?;
        self.cron.find_next_occurrence(&steady, false).ok().map(|next| next.datetime())
    }

    /// The first and the last moment at which the wall shows `at`; the end of the gap when it never does.
    fn moments(&self, at: DateTime) -> [Option<Timestamp>; 2] {
        let ambiguous = self.zone.to_ambiguous_timestamp(at);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => [ambiguous.unambiguous().ok(); 2],
            AmbiguousOffset::Gap { after, .. } => {
                // Read by the offset after the gap, the time lies before it: the next change of the clocks is the gap.
                // `preceding` is no help: beyond the last change on record it goes by the zone's rule of today, which
                // says another time for a change of law that falls together with one of the clocks.
                let ahead = after.to_timestamp(at).ok();
                let end = ahead.and_then(|ahead| self.zone.following(ahead).next());
                [end.map(|transition| transition.timestamp()); 2]
            }
            AmbiguousOffset::Fold { before, after } => [before.to_timestamp(at).ok(), after.to_timestamp(at).ok()],
        }
    }

    /// Whether the tick `at` on the wall fires at `moment`, one of its moments.
    fn fires(&self, at: DateTime, moment: Timestamp) -> bool {
        match self.zone.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { .. } => true,
            AmbiguousOffset::Gap { .. } => self.after_gap,
            AmbiguousOffset::Fold { before, .. } => match self.repeated {
                Repeated::Both => true,
                Repeated::First => before.to_timestamp(at).is_ok_and(|first| first == moment),
                Repeated::Second => before.to_timestamp(at).is_ok_and(|first| first != moment),
            },
        }
    }
}
