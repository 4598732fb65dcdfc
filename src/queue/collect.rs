//! What somebody else's worker ended after nobody waited for it any more: a job that was cancelled while it was in hand, or
//! whose end could not be taken away. It would stay in Redis for ever.

use super::delivery::{DeliveryError, ExternalQueue, id_of};
use crate::chain::chain;
use crate::store::{Store, StoreError};

/// Takes away what ended there and was given up here; how many. A queue that cannot be looked at holds up no other.
pub async fn collect(store: &Store, redis_url: &str) -> Result<usize, StoreError> {
    let mut taken = 0;
    for (name, jobs) in store.given_up().await? {
        match of_queue(redis_url, &name, &jobs).await {
            Ok(count) => taken += count,
            Err(error) => tracing::debug!("what is left in the queue {name} is looked for later: {}", chain(&error)),
        }
    }
    Ok(taken)
}

async fn of_queue(redis_url: &str, name: &str, jobs: &[i64]) -> Result<usize, DeliveryError> {
    let queue = ExternalQueue::open(redis_url, name).await?;
    let mut taken = 0;
    for job in jobs {
        let id = id_of(*job);
        if matches!(queue.ended(&id).await?, Ok(Some(_))) {
            taken += usize::from(queue.withdraw(&id).await?);
        }
    }
    Ok(taken)
}
