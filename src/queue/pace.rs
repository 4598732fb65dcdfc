//! How much of a lane is let out at one time: enough that no hand is idle, little enough that what is urgent waits for
//! little. It follows how fast work ends and how many hands there are.

use crate::store::release::{EXTERNAL, Lane, Limits, Released, Room};
use std::time::{Duration, Instant};

/// What one doorbell brings is to be over within this.
const DELIVERY: Duration = Duration::from_millis(100);
/// How long a rate is remembered, of time in which something was out: hands that have nothing to do are not slow.
const MEMORY: Duration = Duration::from_millis(250);
/// Doorbells ahead of each hand.
const AHEAD: f64 = 4.0;
/// Room that was missing is looked for after this at the latest, if somebody says that there is some.
const BREATH: Duration = Duration::from_millis(50);
/// The same in a lane that is not paced: what is out there lasts for longer than this.
const LONG_BREATH: Duration = Duration::from_millis(250);
/// What is out at least, also while nobody has said how many hands there are.
const LEAST: f64 = 16.0;

/// The pace of one lane.
#[derive(Debug)]
pub struct Pace {
    lane: Lane,
    limits: Limits,
    slots: f64,
    /// Jobs that end in a second.
    rate: f64,
    /// Jobs that were out when it was looked last, and when that was.
    seen: Option<(f64, Instant)>,
}

impl Pace {
    /// Of a lane that nothing is known of. What others do takes no place here: only its queues are limited.
    pub fn new(lane: Lane, limits: &Limits) -> Self {
        let limits = match lane.queue {
            _ if lane.paced => limits.clone(),
            queue if queue == EXTERNAL.queue => Limits { kinds: limits.kinds.clone(), ..Limits::default() },
            _ => Limits::default(),
        };
        Self { lane, limits, slots: 0.0, rate: 0.0, seen: None }
    }

    /// Whose.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// What of it may be out at one time.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What may be released now.
    pub fn room(&self) -> Room {
        if !self.lane.paced {
            return self.lane.room;
        }
        let slots = self.slots.max(1.0);
        let most = (self.lane.room.window as f64).max(slots);
        // With two doorbells for each hand, at the least, none is idle while another has many jobs.
        let many = (self.lane.room.batch as f64).min(most / (2.0 * slots)).max(1.0);
        let batch = (self.rate * DELIVERY.as_secs_f64() / slots).clamp(1.0, many).floor();
        let window = (AHEAD * self.slots * batch).max(LEAST).min(most);
        // Looking for what is due costs something.
        Room { batch: batch as i64, window: window as i64, refill: (window / 4.0) as i64 }
    }

    /// How long not to look for room that was missing: half of what it takes until enough has come back. A slot that
    /// becomes free is looked for at once.
    pub fn breath(&self) -> Duration {
        if self.limits.are_set() {
            return Duration::ZERO;
        }
        let refill = self.room().refill as f64 / 2.0;
        let most = if self.lane.paced { BREATH } else { LONG_BREATH };
        Duration::from_secs_f64((refill / self.rate.max(f64::MIN_POSITIVE)).min(most.as_secs_f64()))
    }

    /// How long from `now` on a lane that is not paced has no room, as far as is known: whoever looks counts all that is out.
    pub fn is_full_for(&self, now: Instant) -> Option<Duration> {
        let (out, at) = self.seen.filter(|_| !self.lane.paced)?;
        let room = self.room();
        let full = out > (room.window - room.refill) as f64;
        self.breath().checked_sub(now.saturating_duration_since(at)).filter(|left| full && !left.is_zero())
    }

    /// Remembers what was `released` at `now`, if nothing later is known.
    pub fn released(&mut self, now: Instant, released: &Released) {
        if self.seen.is_some_and(|(_, at)| now < at) {
            return;
        }
        match (released.out, &mut self.seen) {
            (Some(out), _) => self.saw(now, released.slots, out, released.jobs),
            // How many ended since it was counted is told when it is counted again.
            (None, Some((out, _))) => *out += released.jobs as f64,
            (None, None) => {}
        }
    }

    /// At `now`, with `slots` hands, `out` jobs were out, and `released` joined them.
    fn saw(&mut self, now: Instant, slots: i64, out: i64, released: usize) {
        if let Some((before, at)) = self.seen.filter(|(before, _)| *before > 0.0) {
            let passed = now.saturating_duration_since(at).as_secs_f64().max(1e-6);
            let ended = (before - out as f64).max(0.0);
            let weight = 1.0 - (-passed / MEMORY.as_secs_f64()).exp();
            self.rate += weight * (ended / passed - self.rate);
        }
        self.slots = slots as f64;
        self.seen = Some((out as f64 + released as f64, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::release::{ROWS, WORK};

    /// Lets out what there is room for, a hundred times a second for three, while `slots` hands take `each` for a job.
    fn paced(slots: i64, each: Duration) -> Room {
        let (mut pace, began) = (Pace::new(WORK, &Limits::default()), Instant::now());
        let mut out = 0.0;
        for turn in 0..300 {
            let ends = (slots as f64 * 0.01 / each.as_secs_f64()).min(out);
            out -= ends;
            let released = (pace.room().window as f64 - out).max(0.0);
            pace.saw(began + Duration::from_millis(10) * turn, slots, out as i64, released as usize);
            out += released;
        }
        pace.room()
    }

    #[test]
    fn long_work_is_let_out_one_by_one_and_little_of_it() {
        assert_eq!(paced(4, Duration::from_mins(1)), Room { batch: 1, window: 16, refill: 4 });
    }

    #[test]
    fn short_work_goes_many_to_a_doorbell() {
        let room = paced(50, Duration::from_millis(2));
        assert!(room.batch > 10 && room.window >= 2 * 50 * room.batch, "{room:?}");
    }

    #[test]
    fn without_hands_a_little_is_let_out() {
        assert_eq!(Pace::new(WORK, &Limits::default()).room().window, 16);
    }

    #[test]
    fn a_full_lane_of_rows_is_not_counted_again_before_enough_can_have_come_back() {
        let (mut pace, now) = (Pace::new(ROWS, &Limits::default()), Instant::now());
        pace.saw(now, 1, 0, 5_000);
        assert_eq!(pace.is_full_for(now), None, "there is room");
        pace.saw(now, 1, 5_000, 3_000);
        assert_eq!(pace.is_full_for(now), Some(LONG_BREATH));
        assert_eq!(pace.is_full_for(now + LONG_BREATH), None, "by then it is");
        pace.saw(now + Duration::from_secs(1), 1, 2_000, 5_000);
        let soon = pace.is_full_for(now + Duration::from_secs(1)).unwrap();
        assert!(soon < LONG_BREATH, "6,000 a second: {soon:?}");
    }

    #[test]
    fn row_changes_are_not_paced() {
        assert_eq!(Pace::new(ROWS, &Limits::default()).room(), ROWS.room);
    }
}
