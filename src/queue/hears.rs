//! What a worker is to a receiver: somebody who hears, and says in a sentence why it failed.

use super::delivery::{Handle, Heard};
use crate::chain::chain;
use std::sync::Arc;

/// Hears what a queue brings.
pub trait Hears: Send + Sync + 'static {
    /// Does what was heard. An error fails the doorbell, not what the ledger says.
    fn hear(&self, heard: Heard) -> impl Future<Output = Result<(), HearError>> + Send;
}

/// Why a doorbell failed.
pub type HearError = Box<dyn std::error::Error + Send + Sync>;

/// What a receiver calls for `worker`.
pub fn handle(worker: Arc<impl Hears>) -> Handle {
    Arc::new(move |heard| {
        let worker = worker.clone();
        Box::pin(async move { worker.hear(heard).await.map_err(|error| chain(&*error)) })
    })
}
