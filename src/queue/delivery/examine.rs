//! What a Redis is like, for `pintle doctor`.

use super::connection::{probe, within};
use super::error::DeliveryError;
use super::ring::Ringer;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Clone)]
pub struct RedisReport {
    /// The server's version, such as `7.2.4`.
    pub version: String,
    /// What it does when memory is full; `None` when it will not say.
    pub policy: Option<String>,
    /// Traces of other BullMQ clients on our queue.
    pub interference: Option<String>,
}

/// Looks at the Redis at `redis_url`, and at who else uses the queue.
pub async fn examine(redis_url: &str, queue: &str) -> Result<RedisReport, DeliveryError> {
    let primary = probe(redis_url).await?;
    let client = redis::Client::open(primary).map_err(DeliveryError::Address)?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let policy: Result<Vec<String>, _> =
            redis::cmd("CONFIG").arg("GET").arg("maxmemory-policy").query_async(&mut connection).await;
        Ok((info, policy.ok().and_then(|pair| pair.into_iter().nth(1))))
    };
    let (info, policy) = within("describe itself", LIMIT, asked).await?.map_err(DeliveryError::Unreachable)?;
    let version =
        info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown").trim().to_owned();
    let interference = Ringer::connect(redis_url, queue).await?.interference().await?;
    Ok(RedisReport { version, policy, interference })
}
