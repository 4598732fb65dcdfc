//! What somebody else's worker ended after nobody waited for it any more: a job that was cancelled while it was in hand, or
//! whose end could not be taken away. It would stay in Redis for ever.

use super::delivery::{DeliveryError, ExternalQueue, job_of};
use crate::store::{Store, StoreError};

/// Why it could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
}

/// Takes away what ended there and is over here; how many.
pub async fn collect(store: &Store, redis_url: &str) -> Result<usize, CollectError> {
    let mut taken = 0;
    for name in store.external_queues().await? {
        let queue = ExternalQueue::open(redis_url, &name).await?;
        let left = queue.left_behind().await?;
        let jobs: Vec<i64> = left.iter().filter_map(|id| job_of(id)).collect();
        let over = store.over(&jobs).await?;
        for id in left.iter().filter(|id| job_of(id).is_some_and(|job| over.contains(&job))) {
            taken += usize::from(queue.withdraw(id).await?);
        }
    }
    Ok(taken)
}
