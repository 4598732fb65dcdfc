//! A lane of work: as many jobs at one time as it has hands. Work that is usually short is claimed before there is a hand
//! for it, together with its neighbours; work that may be long is claimed by the hand that will do it, so that no process
//! holds what another could begin.

use super::delivery::Heard;
use super::hands::Hands;
use super::hears::{HearError, Hears};
use super::work::WorkWorker;
use crate::handlers::Handler;
use crate::store::StoreError;
use crate::store::work::Attempt;
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use uuid::Uuid;

/// How long what a doorbell brought may wait for a free hand.
const FREE_WITHIN: Duration = Duration::from_secs(1);
/// Work that usually takes less is short.
const SHORT: Duration = Duration::from_millis(100);

/// A lane of a worker.
pub struct WorkLane<H> {
    worker: Arc<WorkWorker<H>>,
    hands: Arc<Hands>,
    usual: Usual,
}

impl<H: Handler> Hears for WorkLane<H> {
    async fn hear(&self, heard: Heard) -> Result<(), HearError> {
        let Heard::Delivery(delivery) = heard else { return Err("this queue takes deliveries only".into()) };
        let tries = delivery.jobs.iter().map(|job| self.one(delivery.id, *job));
        join_all(tries).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}

impl<H: Handler> WorkLane<H> {
    /// Of `worker`, with `hands` of its own.
    pub fn new(worker: Arc<WorkWorker<H>>, hands: Arc<Hands>) -> Arc<Self> {
        Arc::new(Self { worker, hands, usual: Usual::default() })
    }

    /// Tries the job that `delivery` brought, if the ledger says that it did; what became of it is written when this
    /// returns.
    pub async fn one(&self, delivery: Uuid, job: i64) -> Result<(), Arc<StoreError>> {
        let _in_hand = self.worker.in_hand(job);
        let lease = self.worker.alive().await;
        let mut hand = None;
        if !self.usual.is_short() {
            match timeout(FREE_WITHIN, self.hands.take()).await {
                Ok(free) => hand = Some(free),
                // Others may have a hand free.
                Err(_) => return self.worker.put_back(delivery, job).await,
            }
        }
        let Some(work) = self.worker.start(delivery, job).await? else { return Ok(()) };
        if hand.is_none() {
            hand = timeout(FREE_WITHIN, self.hands.take()).await.ok();
        }
        let attempt = if hand.is_some() {
            let began = Instant::now();
            let attempt = self.worker.attempt(&work, &lease).await;
            self.usual.took(began.elapsed());
            attempt
        } else {
            self.usual.was_long();
            Attempt::Stopped
        };
        drop(hand);
        self.worker.write_down(work, attempt).await
    }
}

/// How long work of this lane took lately, in microseconds; long, until something is known.
struct Usual(AtomicU64);

impl Default for Usual {
    fn default() -> Self {
        Self(AtomicU64::new(FREE_WITHIN.as_micros() as u64))
    }
}

impl Usual {
    fn is_short(&self) -> bool {
        self.0.load(Ordering::Relaxed) < SHORT.as_micros() as u64
    }

    /// One took `took`: it counts for an eighth. Of two at once one may go uncounted.
    fn took(&self, took: Duration) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store((before * 7 + took.as_micros() as u64) / 8, Ordering::Relaxed);
    }

    /// No hand became free for long: what is being done is not short.
    fn was_long(&self) {
        self.0.store(FREE_WITHIN.as_micros() as u64, Ordering::Relaxed);
    }
}
