//! The audit writers of a process: each lane of concurrency takes one, and gives it back.

use crate::store::audit::AuditWriter;
use crate::store::{Store, StoreError};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Those that nobody uses just now.
pub struct Writers {
    store: Store,
    process: Uuid,
    free: Mutex<Vec<AuditWriter>>,
}

impl Writers {
    /// None yet.
    pub fn new(store: Store, process: Uuid) -> Self {
        Self { store, process, free: Mutex::default() }
    }

    /// Does `work` with one; once more with another, if the lease of the first ran out. What fails otherwise may have
    /// left it in use: it is not given back.
    pub async fn with<T, W>(&self, work: impl Fn(AuditWriter) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let free = self.free.lock().await.pop();
        let mut writer = match free {
            Some(writer) => writer,
            None => self.store.audit_writer(self.process).await?,
        };
        let mut done = work(writer.clone()).await;
        if matches!(done, Err(StoreError::WriterLost)) {
            writer = self.store.replace_audit_writer(&writer).await?;
            done = work(writer.clone()).await;
        }
        if matches!(done, Ok(_) | Err(StoreError::Overtaken(_))) {
            self.free.lock().await.push(writer);
        }
        done
    }
}
