//! Our own heartbeat over the locks of jobs in hand.
//!
//! The crate's renewal is switched off: it goes on under a handler that panicked and drops
//! the result of a failed renewal, so nobody learns that the lock is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bullmq::{Error, Job};
use futures_util::future::join_all;
use tokio::time::{interval, timeout};
use tracing::{debug, warn};

/// Jobs in hand, and the lock period they were fetched with.
#[derive(Clone)]
pub(super) struct Locks {
    lock_duration: Duration,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    next: u64,
    jobs: HashMap<u64, Job>,
}

/// Keeps one lock renewed until dropped, also by a panic.
pub(super) struct HeldLock {
    key: u64,
    held: Arc<Mutex<Held>>,
}

impl Locks {
    pub(super) fn new(lock_duration: Duration) -> Self {
        Self { lock_duration, held: Arc::default() }
    }

    pub(super) fn hold(&self, job: &Job) -> HeldLock {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let key = held.next;
        held.next += 1;
        held.jobs.insert(key, job.clone());
        HeldLock { key, held: self.held.clone() }
    }

    /// Renews every lock thrice a period, for as long as it is polled.
    pub(super) async fn beat(&self) {
        let mut beats = interval(self.lock_duration / 3);
        loop {
            beats.tick().await;
            let jobs = self.jobs();
            join_all(jobs.iter().map(|(key, job)| self.renew(*key, job))).await;
        }
    }

    async fn renew(&self, key: u64, job: &Job) {
        let token = job.token().unwrap_or_default();
        let lock_ms = u64::try_from(self.lock_duration.as_millis()).unwrap_or(u64::MAX);
        match timeout(self.lock_duration / 3, job.extend_lock(token, lock_ms)).await {
            Ok(Ok(())) => {}
            Ok(Err(Error::JobLocked(_))) => {
                self.release(key);
                warn!(job = job.id(), "lost the lock of a job in hand; the ledger's fence decides");
            }
            Ok(Err(error)) => debug!(job = job.id(), %error, "lock not renewed, trying again"),
            Err(_) => debug!(job = job.id(), "lock not renewed in time, trying again"),
        }
    }

    fn jobs(&self) -> Vec<(u64, Job)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.jobs.iter().map(|(key, job)| (*key, job.clone())).collect()
    }

    fn release(&self, key: u64) {
        release(&self.held, key);
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        release(&self.held, self.key);
    }
}

fn release(held: &Mutex<Held>, key: u64) {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.jobs.remove(&key);
}
