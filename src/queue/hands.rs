//! How many things a lane does at one time: a number that may grow and shrink while it runs.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The hands of one lane.
#[derive(Debug)]
pub struct Hands {
    free: Arc<Semaphore>,
    count: watch::Sender<usize>,
}

/// One that is not free until this is dropped.
pub type Hand = Option<OwnedSemaphorePermit>;

impl Hands {
    /// `count` of them.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(count)), count: watch::Sender::new(count) })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// How many of them have something to do.
    pub fn busy(&self) -> usize {
        self.count().saturating_sub(self.free.available_permits())
    }

    /// Waits for a free one.
    pub async fn take(&self) -> Hand {
        // Nobody closes the semaphore.
        self.free.clone().acquire_owned().await.ok()
    }

    /// Waits until none has anything to do.
    pub async fn rest(&self) {
        let all = u32::try_from(self.count()).unwrap_or(u32::MAX);
        drop(self.free.acquire_many(all).await);
    }

    /// Makes them `count`; fewer only as far as they are free.
    pub fn resize(&self, count: usize) {
        self.count.send_modify(|now| {
            if count > *now {
                self.free.add_permits(count - *now);
                *now = count;
            } else {
                *now -= self.free.forget_permits(*now - count);
            }
        });
    }

    /// Tells of every new count.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hand_that_is_busy_is_not_taken_away() {
        let hands = Hands::new(2);
        let (one, two) = (hands.take().await, hands.take().await);
        hands.resize(1);
        assert_eq!((hands.count(), hands.busy()), (2, 2));
        drop(one);
        hands.resize(1);
        assert_eq!((hands.count(), hands.busy()), (1, 1));
        hands.resize(3);
        drop(two);
        assert_eq!((hands.count(), hands.busy()), (3, 0));
        hands.rest().await;
    }
}
