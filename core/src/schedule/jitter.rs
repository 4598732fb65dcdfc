//! Spreads ticks that fall due together.

use crate::change::Digest;
use jiff::{SignedDuration, Timestamp};

/// How long after its time the tick of `schedule` runs, within `span`: the same for the same tick, on every host.
pub fn jitter(schedule: &str, tick: Timestamp, span: SignedDuration) -> SignedDuration {
    let span_ms = span.as_millis().max(0) as u64;
    if span_ms == 0 {
        return SignedDuration::ZERO;
    }
    let digest = Digest::of(format!("{schedule}@{tick}").as_bytes());
    let mut number = [0; 8];
    number.copy_from_slice(&digest.0[..8]);
    SignedDuration::from_millis((u64::from_be_bytes(number) % span_ms) as i64)
}
