//! From a fetched job to the handler and back.

use std::sync::Arc;

use bullmq::{Error, Job};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::locks::Locks;
use super::message::{Heard, hear};
use crate::queue::hands::Hands;

/// What is done with each thing heard. An `Err` fails the doorbell, not the ledger row.
pub type Handle = Arc<dyn Fn(Heard) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Handlers in progress. Outlives any one of the crate's workers, so that a rebuilt worker
/// neither repeats nor doubles them.
#[derive(Clone)]
pub(super) struct Handlers {
    pub(super) handle: Handle,
    pub(super) locks: Locks,
    pub(super) hands: Arc<Hands>,
    /// Cancelled when the grace is over.
    pub(super) abandon: CancellationToken,
}

impl Handlers {
    /// The crate's processor. Every failure is final: retries belong to the ledger.
    pub(super) async fn process(self, job: Job) -> Result<Value, Error> {
        let _lock = self.locks.hold(&job);
        let heard = hear(job.id(), job.name(), job.data()).map_err(|refusal| {
            warn!(%refusal, "refused a foreign job");
            Error::Unrecoverable(refusal.to_string())
        })?;
        let hand = self.hands.take().await;
        let abandon = self.abandon.clone();
        // A task of its own, so that a panic ends here and not in the crate's loop.
        let outcome = tokio::spawn(async move {
            let _hand = hand;
            tokio::select! {
                biased;
                () = abandon.cancelled() => Err("abandoned: the grace is over".to_owned()),
                outcome = async { (self.handle)(heard).await } => outcome,
            }
        });
        match outcome.await {
            Ok(Ok(())) => Ok(Value::Null),
            Ok(Err(reason)) => Err(Error::Unrecoverable(reason)),
            Err(_) => {
                error!(job = job.id(), "a handler panicked; its doorbell fails");
                Err(Error::Unrecoverable("the handler panicked".to_owned()))
            }
        }
    }
}
