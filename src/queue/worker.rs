//! The worker's side: a doorbell is heard, the ledger is asked, the rows are applied. A foreign job
//! may only ask for what is listed; everything else is refused where people see it.

use super::delivery::{Handle, Heard};
use crate::store::audit::AuditWriter;
use crate::store::{Store, StoreError};
use pintle_core::model::Catalog;
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

/// The queue of row changes.
pub const ROWS: &str = "rows";
/// What a foreign job may ask for.
const REQUESTS: &[&str] = &["reconcile"];

/// Everything a worker needs. Each lane of concurrency has an audit writer of its own.
pub struct Worker {
    store: Store,
    catalog: &'static Catalog,
    process: Uuid,
    writers: Mutex<Vec<AuditWriter>>,
}

impl Worker {
    /// A worker of `process`.
    pub fn new(store: Store, catalog: &'static Catalog, process: Uuid) -> Arc<Self> {
        Arc::new(Self { store, catalog, process, writers: Mutex::new(Vec::new()) })
    }

    /// What the receiver calls.
    pub fn handle(self: &Arc<Self>) -> Handle {
        let worker = self.clone();
        Arc::new(move |heard| {
            let worker = worker.clone();
            Box::pin(async move { worker.hear(heard).await.map_err(|error| describe(&error)) })
        })
    }

    async fn hear(&self, heard: Heard) -> Result<(), StoreError> {
        let delivery = match heard {
            Heard::Delivery(delivery) => delivery,
            Heard::Foreign { id, name, .. } => return self.foreign(&id, &name).await,
        };
        let mut writer = self.take_writer().await?;
        let mut result = self.store.apply(self.catalog, &writer, &delivery).await;
        if matches!(result, Err(StoreError::WriterLost)) {
            writer = self.store.replace_audit_writer(writer).await?;
            result = self.store.apply(self.catalog, &writer, &delivery).await;
        }
        if let Ok(applied) = &result {
            tracing::info!(delivery = %delivery.id, done = applied.done, stale = applied.stale, dead = applied.dead, "delivery {} applied: {} done, {} stale, {} dead", delivery.id, applied.done, applied.stale, applied.dead);
            self.writers.lock().await.push(writer);
        }
        crate::crash::point("applied");
        result.map(|_| ())
    }

    async fn take_writer(&self) -> Result<AuditWriter, StoreError> {
        if let Some(writer) = self.writers.lock().await.pop() {
            return Ok(writer);
        }
        self.store.audit_writer(self.process).await
    }

    async fn foreign(&self, id: &str, name: &str) -> Result<(), StoreError> {
        let accepted = REQUESTS.contains(&name);
        let reason = if accepted { None } else { Some("a foreign job may only ask for: reconcile") };
        self.store.record_request(&format!("redis job {id}"), name, accepted, reason).await?;
        if accepted {
            return Ok(());
        }
        tracing::warn!(id, name, "refused a foreign job `{name}` on our queue");
        let mut writer = self.take_writer().await?;
        let mut recorded = self.store.record_refused_request(&writer, id, name).await;
        if matches!(recorded, Err(StoreError::WriterLost)) {
            writer = self.store.replace_audit_writer(writer).await?;
            recorded = self.store.record_refused_request(&writer, id, name).await;
        }
        self.writers.lock().await.push(writer);
        recorded?;
        Err(StoreError::Corrupt {
            what: "request",
            source: format!("`{name}` is not a request; only {REQUESTS:?} are").into(),
        })
    }
}

fn describe(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
