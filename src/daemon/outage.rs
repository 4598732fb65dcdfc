//! A failure is logged once when it begins, once when it changes, once when it is over.

use crate::chain::chain;
use std::time::{Duration, Instant};

/// One thing that may be away.
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    since: Option<Instant>,
    said: String,
    tries: u32,
}

/// The first pause after a failure; it doubles up to [`LONGEST`]: what is back is to be noticed within two seconds.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

impl Outage {
    /// Nothing is away yet.
    pub fn of(what: &'static str) -> Self {
        Self { what, since: None, said: String::new(), tries: 0 }
    }

    /// It failed; returns how long to wait before the next try.
    pub fn failed(&mut self, error: &dyn std::error::Error) -> Duration {
        let text = chain(error);
        self.since.get_or_insert_with(Instant::now);
        if text != self.said {
            tracing::error!(what = self.what, "{}: {text}; retrying", self.what);
            self.said = text;
        }
        let pause = SHORTEST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        pause
    }

    /// It worked.
    pub fn over(&mut self) {
        if let Some(since) = self.since.take() {
            tracing::info!(
                what = self.what,
                seconds = since.elapsed().as_secs_f32(),
                "{}: working again after {:.1} s",
                self.what,
                since.elapsed().as_secs_f32()
            );
        }
        self.said.clear();
        self.tries = 0;
    }
}
