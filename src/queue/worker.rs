//! The worker's side: a doorbell is heard, the ledger is asked, the rows are applied. A foreign job
//! may only ask for what is listed; everything else is refused where people see it.

use super::delivery::Heard;
use super::hears::{HearError, Hears};
use super::writers::Writers;
use crate::store::{Store, StoreError};
use pintle_core::model::Catalog;
use std::sync::Arc;
use uuid::Uuid;

/// What a foreign job may ask for.
const REQUESTS: &[&str] = &["reconcile"];

/// Everything a worker needs.
pub struct Worker {
    store: Store,
    catalog: &'static Catalog,
    writers: Writers,
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
        Arc::new(Self { writers: Writers::new(store.clone(), process), store, catalog })
    }

    async fn foreign(&self, id: &str, name: &str) -> Result<(), StoreError> {
        let accepted = REQUESTS.contains(&name);
        let reason = if accepted { None } else { Some("a foreign job may only ask for: reconcile") };
        self.store.record_request(&format!("redis job {id}"), name, accepted, reason).await?;
        if accepted {
            return Ok(());
        }
        tracing::warn!(id, name, "refused a foreign job `{name}` on our queue");
        self.writers.with(|writer| async move { self.store.record_refused_request(&writer, id, name).await }).await?;
        Err(StoreError::Corrupt {
            what: "request",
            source: format!("`{name}` is not a request; only {REQUESTS:?} are").into(),
        })
    }
}
