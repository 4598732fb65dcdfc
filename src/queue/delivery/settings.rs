//! How a receiver is set.

use crate::queue::hands::Hands;
use std::sync::Arc;
use std::time::Duration;

/// How a receiver works.
#[derive(Debug, Clone)]
pub struct ReceiverSettings {
    /// `redis://host:port/db`, `redis+unix:///path?db=0`, `unix:///path` or `redis+sentinel://host,host/service/db`.
    pub redis_url: String,
    /// The queue.
    pub queue: String,
    /// Handlers at one time; at least 1.
    pub hands: Arc<Hands>,
    /// How long Redis believes in a silent worker.
    pub lock_duration: Duration,
    /// How often jobs of dead workers are looked for.
    pub stalled_interval: Duration,
    /// How long handlers may go on after the stop.
    pub grace: Duration,
}

impl ReceiverSettings {
    /// The usual times for a queue.
    #[must_use]
    pub fn new(redis_url: &str, queue: &str, concurrency: usize) -> Self {
        Self {
            redis_url: redis_url.to_owned(),
            queue: queue.to_owned(),
            hands: Hands::new(concurrency),
            lock_duration: Duration::from_secs(15),
            stalled_interval: Duration::from_secs(15),
            grace: Duration::from_secs(20),
        }
    }
}
