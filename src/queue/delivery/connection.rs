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

use super::address::primary;
use super::error::DeliveryError;

/// First segment of every key, so that other `BullMQ` users of one Redis stay apart.
pub(super) const PREFIX: &str = "pintle";

const PROBE_LIMIT: Duration = Duration::from_secs(1);
const OPEN_LIMIT: Duration = Duration::from_secs(3);

/// Short limits, for questions whose answer is small.
pub(super) fn connection_config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(PROBE_LIMIT)).set_response_timeout(Some(PROBE_LIMIT))
}

/// Asks a fresh connection for PONG; the address of who answered. A Redis that is still loading counts as away, and so
/// does a replica: it hears and takes nothing.
pub(super) async fn probe(redis_url: &str) -> Result<String, DeliveryError> {
    let asked = async {
        let url = primary(redis_url).await?;
        let client = redis::Client::open(&*url).map_err(DeliveryError::Address)?;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&connection_config())
            .await
            .map_err(DeliveryError::Unreachable)?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(DeliveryError::Unreachable)?;
        // Who may not ask for the role finds out when something is rung for.
        let role: Result<Vec<redis::Value>, _> = redis::cmd("ROLE").query_async(&mut connection).await;
        match role.ok().and_then(|role| role.into_iter().next()) {
            Some(redis::Value::BulkString(role)) if role != b"master" => Err(DeliveryError::Replica),
            _ => Ok(url),
        }
    };
    within("answer PING", PROBE_LIMIT * 2, asked).await?
}

/// Opens the queue for adding and reading.
pub(super) async fn open_queue(redis_url: &str, queue: &str, prefix: &str) -> Result<Queue, DeliveryError> {
    let options = QueueOptions::new().connection(options(&probe(redis_url).await?)).prefix(prefix);
    within("open a queue", OPEN_LIMIT, Queue::with_options(queue, options))
        .await?
        .map_err(|source| DeliveryError::Open { queue: queue.to_owned(), source })
}

/// The crate passes the address to redis-rs as it is, so unix sockets work too.
pub(super) fn options(primary: &str) -> RedisConnectionOptions {
    RedisConnectionOptions::new().url(primary)
}

/// Bounds anything that waits for Redis.
pub(super) async fn within<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, DeliveryError> {
    timeout(limit, work).await.map_err(|_| DeliveryError::TimedOut { operation, limit })
}
