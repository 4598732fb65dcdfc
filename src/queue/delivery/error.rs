//! What can go wrong with a doorbell.

use std::time::Duration;

/// A failed call to Redis. Nothing is lost by it: the ledger keeps what was released, and
/// the sweeper rings again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The address cannot be read.
    #[error("the Redis address cannot be read")]
    Address(#[source] redis::RedisError),
    /// No answer to PING.
    #[error("Redis does not answer")]
    Unreachable(#[source] redis::RedisError),
    /// It takes no writes.
    #[error("Redis is a replica there, and takes nothing: give the primary's address, or that of its Sentinels")]
    Replica,
    /// No Sentinel names a primary.
    #[error("no Sentinel that answers knows a primary of `{service}`")]
    NoPrimary {
        /// What Sentinels call it.
        service: String,
        /// Why the last of them did not answer, if one did not.
        #[source]
        source: Option<redis::RedisError>,
    },
    /// The queue could not be opened though Redis answers.
    #[error("cannot open queue `{queue}`")]
    Open {
        /// The queue.
        queue: String,
        /// What the crate said.
        #[source]
        source: bullmq::Error,
    },
    /// A command was refused or its connection broke.
    #[error("Redis failed to {operation}")]
    Command {
        /// What was asked, as a verb phrase.
        operation: &'static str,
        /// What the crate said.
        #[source]
        source: bullmq::Error,
    },
    /// No answer within the limit.
    #[error("Redis took longer than {limit:?} to {operation}")]
    TimedOut {
        /// What was asked, as a verb phrase.
        operation: &'static str,
        /// The limit.
        limit: Duration,
    },
}
