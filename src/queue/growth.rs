//! A process takes on more work while work waits and all its hands are busy, and less when they are idle. Only how much:
//! what it does is somebody else's.

use std::time::Duration;

/// Work that waits for so long wants more hands.
const LONG: Duration = Duration::from_secs(5);
/// Hands that are not wanted for so long are let go.
const IDLE: Duration = Duration::from_secs(30);

/// Bounds, and for how long fewer would have done.
#[derive(Debug, Clone)]
pub struct Growth {
    least: usize,
    most: usize,
    idle: Duration,
}

impl Growth {
    /// Between `least` and `most`.
    pub fn new(least: usize, most: usize) -> Self {
        Self { least, most: most.max(least), idle: Duration::ZERO }
    }

    /// How many hands there should be, of `count` with `busy` of them, while the first in line waits since `age`; it was
    /// asked last `since` ago.
    pub fn wanted(&mut self, count: usize, busy: usize, age: Duration, since: Duration) -> usize {
        let enough = age.is_zero() && busy * 2 <= count && count > self.least;
        self.idle = if enough { self.idle + since } else { Duration::ZERO };
        if age >= LONG && busy >= count {
            (count * 2).min(self.most)
        } else if self.idle >= IDLE {
            self.idle = Duration::ZERO;
            (count / 2).max(self.least)
        } else {
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Duration = Duration::from_secs(2);

    #[test]
    fn hands_double_while_work_waits_and_all_are_busy_up_to_the_bound() {
        let mut growth = Growth::new(4, 10);
        assert_eq!(growth.wanted(4, 4, LONG, ASK), 8);
        assert_eq!(growth.wanted(8, 8, LONG, ASK), 10);
        assert_eq!(growth.wanted(10, 10, LONG, ASK), 10);
    }

    #[test]
    fn waiting_alone_wants_no_hands_while_some_are_free() {
        // Something else holds it up: a limit, a turn.
        assert_eq!(Growth::new(4, 16).wanted(4, 3, LONG * 10, ASK), 4);
    }

    #[test]
    fn idle_hands_are_let_go_after_a_while_down_to_the_bound() {
        let mut growth = Growth::new(4, 16);
        let counts: Vec<usize> =
            std::iter::successors(Some(16), |count| Some(growth.wanted(*count, 1, Duration::ZERO, ASK)))
                .take(40)
                .collect();
        assert_eq!(counts[14..16], [16, 8]);
        assert_eq!(counts[39], 4);
    }
}
