//! Whether this host's clock agrees with the database's. What is due and what has expired goes by the database's alone,
//! so a clock that jumps moves nothing; but times in logs and in commits are this host's, and somebody should know.

use jiff::{SignedDuration, Timestamp};

/// Less is not worth a word.
const WORTH_SAYING: SignedDuration = SignedDuration::from_secs(5);

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Skew(SignedDuration);

impl Skew {
    /// What is to be said when the database's clock shows `database` and this host's shows `own`: how far ahead this one
    /// is, if that changed; zero if they agree again.
    pub fn seen(&mut self, database: Timestamp, own: Timestamp) -> Option<SignedDuration> {
        let ahead = own.duration_since(database);
        let ahead = if ahead.abs() < WORTH_SAYING { SignedDuration::ZERO } else { ahead };
        let changed = (ahead - self.0).abs() >= WORTH_SAYING;
        changed.then(|| self.0 = ahead).map(|()| ahead)
    }

    /// Says it.
    pub fn tell(ahead: SignedDuration) {
        match ahead.as_secs() {
            0 => tracing::info!("this host's clock agrees with the database's again"),
            seconds => tracing::warn!(
                seconds,
                "this host's clock is {} s {} the database's, which counts",
                seconds.abs(),
                if seconds > 0 { "ahead of" } else { "behind" }
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_said_once_and_so_is_its_end() {
        let (mut skew, now) = (Skew::default(), Timestamp::UNIX_EPOCH);
        let hour = SignedDuration::from_hours(1);
        assert_eq!(skew.seen(now, now), None);
        assert_eq!(skew.seen(now, now + hour), Some(hour));
        assert_eq!(skew.seen(now, now + hour), None);
        assert_eq!(skew.seen(now, now - hour), Some(-hour));
        assert_eq!(skew.seen(now, now), Some(SignedDuration::ZERO));
    }
}
