//! The ringing side: the relay and the sweeper.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bullmq::types::RemoveOnFinish;
use bullmq::{BulkJob, Error, JobOptions, Queue};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::connection::{PREFIX, open_queue, within};
use super::error::DeliveryError;
use super::interference;
use super::known::{self, Known};
use super::message::{Delivery, NAME};

/// Limit for one round trip, or one chunk of a bulk.
const CALL_LIMIT: Duration = Duration::from_secs(5);
const RING_CHUNK: usize = 1_000;
const KNOWN_CHUNK: usize = 5_000;
const KEEP_COMPLETED: usize = 100;
const KEEP_FAILED: usize = 1_000;

/// Rings doorbells and asks what became of them. Cheap to clone.
#[derive(Clone)]
pub struct Ringer {
    line: Arc<Line>,
}

struct Line {
    redis_url: String,
    queue: String,
    /// Dropped at the first failure: a new one is ready sooner than the crate reconnects.
    open: Mutex<Option<Arc<Queue>>>,
    /// Whether the script was loaded by this line.
    rung: AtomicBool,
}

impl Ringer {
    /// Connects, or fails within a few seconds.
    pub async fn connect(redis_url: &str, queue: &str) -> Result<Self, DeliveryError> {
        let open = open_queue(redis_url, queue, PREFIX).await?;
        let line = Line {
            redis_url: redis_url.to_owned(),
            queue: queue.to_owned(),
            open: Mutex::new(Some(Arc::new(open))),
            rung: AtomicBool::default(),
        };
        Ok(Self { line: Arc::new(line) })
    }

    /// Rings for each delivery. Ringing again what Redis still knows does nothing, so after
    /// an error the whole call may be repeated.
    pub async fn ring(&self, deliveries: &[Delivery]) -> Result<(), DeliveryError> {
        // The first of a line goes alone: it loads the script, which a concurrent bulk would send with every job.
        let alone = if self.line.rung.load(Ordering::Relaxed) { 0 } else { deliveries.len().min(1) };
        let (first, rest) = deliveries.split_at(alone);
        for chunk in first.chunks(1).chain(rest.chunks(RING_CHUNK)) {
            self.call("ring", async |queue| queue.add_bulk(chunk.iter().map(bulk_job).collect()).await.map(drop))
                .await?;
            self.line.rung.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where each delivery stands, in the order asked.
    pub async fn known(&self, ids: &[Uuid]) -> Result<Vec<Known>, DeliveryError> {
        let mut all = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(KNOWN_CHUNK) {
            let states = self.call("read deliveries", async |queue| known::read(&queue, chunk).await).await?;
            all.extend(states);
        }
        Ok(all)
    }

    /// Asks for an answer.
    pub async fn ping(&self) -> Result<(), DeliveryError> {
        self.call("answer PING", async |queue| queue.connection().ping().await).await
    }

    /// The mark left by [`Ringer::set_epoch`]; none after a flush or on a new server.
    pub async fn epoch(&self) -> Result<Option<String>, DeliveryError> {
        self.call("read the epoch", async |queue| {
            let mut command = redis::cmd("GET");
            queue.connection().cmd(command.arg(epoch_key())).await
        })
        .await
    }

    /// Leaves a mark that a flush removes. One for all queues of a Redis database.
    pub async fn set_epoch(&self, epoch: &str) -> Result<(), DeliveryError> {
        self.call("write the epoch", async |queue| {
            let mut command = redis::cmd("SET");
            let command = command.arg(epoch_key()).arg(epoch);
            queue.connection().cmd(command).await
        })
        .await
    }

    /// Says what another `BullMQ` client has done to the queue, if anything.
    pub async fn interference(&self) -> Result<Option<String>, DeliveryError> {
        self.call("read the queue's marks", async |queue| interference::read(&queue).await).await
    }

    /// Takes away what makes a queue's workers fetch nothing: pausing is the ledger's.
    pub async fn release_brakes(&self) -> Result<(), DeliveryError> {
        self.call("release the queue's brakes", async |queue| interference::release(&queue).await).await
    }

    /// Bounds a call, and repeats it once on a new line if the old one was broken.
    async fn call<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFn(Arc<Queue>) -> Result<T, Error>,
    ) -> Result<T, DeliveryError> {
        let mut fresh = false;
        loop {
            let queue = self.line.queue(&mut fresh).await?;
            let failed = match within(operation, CALL_LIMIT, work(queue.clone())).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(source)) => DeliveryError::Command { operation, source },
                Err(slow) => slow,
            };
            // A refusal, as of a full Redis, says nothing against the line.
            if !is_broken_line(&failed) {
                return Err(failed);
            }
            self.line.forget(&queue).await;
            if fresh || matches!(failed, DeliveryError::TimedOut { .. }) {
                return Err(failed);
            }
        }
    }
}

impl Line {
    async fn queue(&self, fresh: &mut bool) -> Result<Arc<Queue>, DeliveryError> {
        let mut open = self.open.lock().await;
        if let Some(queue) = open.as_ref() {
            return Ok(queue.clone());
        }
        *fresh = true;
        let queue = Arc::new(open_queue(&self.redis_url, &self.queue, PREFIX).await?);
        *open = Some(queue.clone());
        Ok(queue)
    }

    async fn forget(&self, used: &Arc<Queue>) {
        let mut open = self.open.lock().await;
        if open.as_ref().is_some_and(|queue| Arc::ptr_eq(queue, used)) {
            *open = None;
            // Another server, or the same after a restart, knows no script.
            self.rung.store(false, Ordering::Relaxed);
        }
    }
}

fn is_broken_line(error: &DeliveryError) -> bool {
    match error {
        DeliveryError::TimedOut { .. } => true,
        DeliveryError::Command { source: Error::Redis(redis), .. } => {
            redis.is_io_error() || redis.is_connection_dropped()
        }
        _ => false,
    }
}

fn bulk_job(delivery: &Delivery) -> BulkJob {
    let options = JobOptions {
        job_id: Some(Delivery::redis_id(delivery.id)),
        attempts: Some(1),
        remove_on_complete: Some(RemoveOnFinish::Count(KEEP_COMPLETED)),
        remove_on_fail: Some(RemoveOnFinish::Count(KEEP_FAILED)),
        ..JobOptions::default()
    };
    BulkJob::with_options(NAME, delivery.body(), options)
}

/// Two segments, so that no job id of any queue (`pintle:<queue>:<id>`) can be this key.
fn epoch_key() -> String {
    format!("{PREFIX}:epoch")
}
