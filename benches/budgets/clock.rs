//! Measuring: best for floors, medians for what people wait for.

use std::time::{Duration, Instant};

/// How long `work` takes.
pub fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = work();
    (started.elapsed(), result)
}

/// The shortest of `runs`.
pub fn best(runs: usize, mut work: impl FnMut()) -> Duration {
    (0..runs).map(|_| time(&mut work).0).min().unwrap_or_default()
}

/// The value below which `share` of `all` lie.
pub fn quantile(mut all: Vec<Duration>, share: f64) -> Duration {
    all.sort_unstable();
    let at = ((all.len() as f64 * share).ceil() as usize).clamp(1, all.len().max(1)) - 1;
    all.get(at).copied().unwrap_or_default()
}

/// The median.
pub fn median(all: Vec<Duration>) -> Duration {
    quantile(all, 0.5)
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
