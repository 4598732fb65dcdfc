//! Reaching Redis within bounds.
//!
//! The crate's own connections reconnect with a private backoff that grows to 5 s, and a
//! command issued meanwhile waits for it. So whether Redis is there is asked here, on a
//! fresh connection with short limits, and the crate's objects are built only after it is.

use std::time::Duration;

use bullmq::options::RedisConnectionOptions;
use bullmq::{Queue, QueueOptions};
use redis::AsyncConnectionConfig;
use tokio::time::timeout;

use super::error::DeliveryError;

/// First segment of every key, so that other `BullMQ` users of one Redis stay apart.
pub(super) const PREFIX: &str = "pintle";

const PROBE_LIMIT: Duration = Duration::from_secs(1);
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(3);

/// Asks a fresh connection for PONG. A Redis that is still loading counts as away.
pub(super) async fn probe(redis_url: &str) -> Result<(), DeliveryError> {
    let client = redis::Client::open(redis_url).map_err(DeliveryError::Address)?;
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PROBE_LIMIT)).set_response_timeout(Some(PROBE_LIMIT));
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await
    };
    within("answer PING", PROBE_LIMIT * 2, asked).await?.map_err(DeliveryError::Unreachable)
}

/// Opens the queue for adding and reading.
pub(super) async fn open_queue(redis_url: &str, queue: &str) -> Result<Queue, DeliveryError> {
    probe(redis_url).await?;
    let options = QueueOptions::new().connection(options(redis_url)).prefix(PREFIX);
    within("open a queue", OPEN_LIMIT, Queue::with_options(queue, options))
        .await?
        .map_err(|source| DeliveryError::Open { queue: queue.to_owned(), source })
}

/// The crate passes the address to redis-rs as it is, so unix sockets work too.
pub(super) fn options(redis_url: &str) -> RedisConnectionOptions {
    RedisConnectionOptions::new().url(redis_url)
}

/// Bounds anything that waits for Redis.
pub(super) async fn within<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, DeliveryError> {
    timeout(limit, work).await.map_err(|_| DeliveryError::TimedOut { operation, limit })
}
