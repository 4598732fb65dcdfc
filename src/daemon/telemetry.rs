//! The numbers that matter first. Read from the database by whoever is asked, so that any process
//! answers for the fleet.

use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What the loop knows of itself.
#[derive(Debug, Default)]
pub struct Gauges(Mutex<Inner>);

#[derive(Debug, Default, Clone)]
struct Inner {
    last_success: Option<SystemTime>,
    pending_since: Option<Instant>,
    drifted: usize,
    leader: bool,
}

impl Gauges {
    fn change(&self, with: impl FnOnce(&mut Inner)) {
        with(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// A tick ended well.
    pub fn ticked(&self, tick: &crate::reconcile::Tick) {
        self.change(|inner| {
            inner.last_success = Some(SystemTime::now());
            inner.drifted = tick.drifted;
            if tick.settled {
                inner.pending_since = None;
            } else {
                inner.pending_since.get_or_insert_with(Instant::now);
            }
        });
    }

    /// This process leads, or no longer does.
    pub fn leads(&self, leader: bool) {
        self.change(|inner| inner.leader = leader);
    }

    /// Writes the series to the recorder.
    pub fn publish(&self) {
        let inner = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let lag = inner.pending_since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        let success =
            inner.last_success.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0.0, |at| at.as_secs_f64());
        metrics::gauge!("pintle_commit_applied_lag_seconds").set(lag);
        metrics::gauge!("pintle_last_success_timestamp_seconds").set(success);
        metrics::gauge!("pintle_leader").set(if inner.leader { 1.0 } else { 0.0 });
    }
}
