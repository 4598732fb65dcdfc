//! The worker's side: a doorbell is heard, the ledger is asked, the rows are applied. A foreign job
//! may only ask for what is listed; everything else is refused where people see it.

use super::delivery::Heard;
use super::hears::{HearError, Hears};
use super::writers::Writers;
use crate::store::{Store, StoreError};
use pintle_core::model::Catalog;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a foreign job may ask for.
const REQUESTS: &[&str] = &["reconcile"];
/// Refusals are recorded no more often than this; those between are counted.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Everything a worker needs.
pub struct Worker {
    store: Store,
    catalog: &'static Catalog,
    writers: Writers,
    refused: Refused,
}

impl Hears for Worker {
    async fn hear(&self, heard: Heard) -> Result<(), HearError> {
        let delivery = match heard {
            Heard::Delivery(delivery) => delivery,
            Heard::Foreign { id, name, .. } => return Ok(self.foreign(&id, &name).await?),
        };
        let wanted = &delivery;
        let applied =
            self.writers.with(|writer| async move { self.store.apply(self.catalog, &writer, wanted).await }).await;
        crate::crash::point("applied");
        let applied = applied?;
        tracing::info!(delivery = %delivery.id, done = applied.done, stale = applied.stale, dead = applied.dead, "delivery {} applied: {} done, {} stale, {} dead", delivery.id, applied.done, applied.stale, applied.dead);
        Ok(())
    }
}

impl Worker {
    /// A worker of `process`.
    pub fn new(store: Store, catalog: &'static Catalog, process: Uuid) -> Arc<Self> {
        Arc::new(Self { writers: Writers::new(store.clone(), process), store, catalog, refused: Refused::default() })
    }

    async fn foreign(&self, id: &str, name: &str) -> Result<(), StoreError> {
        if REQUESTS.contains(&name) {
            return self.store.record_request(&format!("redis job {id}"), name, None).await;
        }
        if let Some(more) = self.refused.told(Instant::now()) {
            tracing::warn!(id, name, more, "refused a foreign job `{name}` on our queue, and {more} before it");
            self.writers
                .with(|writer| async move { self.store.record_refused_request(&writer, id, name, more).await })
                .await?;
        }
        Err(StoreError::Corrupt {
            what: "request",
            source: format!("`{name}` is not a request; only {REQUESTS:?} are").into(),
        })
    }
}

/// Refusals that were not told of yet: who writes to Redis must not fill the audit log.
#[derive(Default)]
struct Refused(Mutex<(Option<Instant>, u64)>);

impl Refused {
    /// Counts one at `now`; how many came before it that nobody was told of, if it is time to tell.
    fn told(&self, now: Instant) -> Option<u64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, more) = *seen;
        if last.is_some_and(|last| now.duration_since(last) < TELL_EVERY) {
            seen.1 += 1;
            return None;
        }
        *seen = (Some(now), 0);
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refusals_are_told_of_together() {
        let (refused, begin) = (Refused::default(), Instant::now());
        assert_eq!(refused.told(begin), Some(0));
        assert_eq!((refused.told(begin), refused.told(begin + TELL_EVERY / 2)), (None, None));
        assert_eq!(refused.told(begin + TELL_EVERY), Some(2));
        assert_eq!(refused.told(begin + TELL_EVERY * 2), Some(0));
    }
}
