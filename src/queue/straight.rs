//! Between who adds work and who rings for it, both in the leader: how much may be added as released, and what was.

use super::delivery::{DeliveryError, Ringer};
use super::pace::Pace;
use super::relay::ring;
use crate::store::release::{Released, Room};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// Work that was released by the transaction that added it. What is lost of it with the process, the sweep rings for.
#[derive(Debug, Default)]
pub struct Straight {
    room: Mutex<Option<Room>>,
    released: Mutex<VecDeque<(Instant, Arc<Released>)>>,
    rung: Notify,
}

impl Straight {
    /// What may be added as released; none while nobody rings, and where slots are to be counted.
    pub fn room(&self) -> Option<Room> {
        *locked(&self.room)
    }

    /// Hands over what was released by a transaction that is committed, and began after `looked`.
    pub fn hand_over(&self, looked: Instant, released: Released) {
        if released.jobs > 0 {
            crate::crash::point("fired");
            locked(&self.released).push_back((looked, Arc::new(released)));
            self.rung.notify_one();
        }
    }

    fn first(&self) -> Option<(Instant, Arc<Released>)> {
        locked(&self.released).front().cloned()
    }

    /// Nobody rings.
    pub fn close(&self) {
        *locked(&self.room) = None;
    }

    /// Rings for what is handed over, until there is `anything` else to do.
    pub async fn ring_until(
        &self,
        ringer: &Ringer,
        pace: &mut Pace,
        anything: impl Future<Output = ()>,
    ) -> Result<(), DeliveryError> {
        let mut anything = std::pin::pin!(anything);
        loop {
            self.ring(ringer, pace).await?;
            tokio::select! {
                () = &mut anything => return Ok(()),
                () = self.rung.notified() => {}
            }
        }
    }

    /// Rings for what was handed over, and opens as far as `pace` lets it.
    async fn ring(&self, ringer: &Ringer, pace: &mut Pace) -> Result<(), DeliveryError> {
        // What was not rung for stays: ringing twice is ringing once.
        while let Some((looked, some)) = self.first() {
            ring(ringer, &some.deliveries).await?;
            pace.released(looked, &some);
            locked(&self.released).pop_front();
        }
        *locked(&self.room) = (!pace.limits().are_set()).then(|| pace.room());
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
