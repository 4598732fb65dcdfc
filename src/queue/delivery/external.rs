//! A queue that somebody else's BullMQ worker serves, in any language. What comes back is bounded and believed only for
//! the job that was put there.

use super::connection::{open_queue, within};
use super::error::DeliveryError;
use super::interference::{BULLMQ_MAJOR, major};
use bullmq::types::RemoveOnFinish;
use bullmq::{Error, JobOptions, Queue};
use serde_json::Value;
use std::time::Duration;

/// What BullMQ puts before its keys when nobody says otherwise.
const PREFIX: &str = "bull";
const LIMIT: Duration = Duration::from_secs(5);
/// What of a result is read.
const MAX_RESULT: usize = 16 << 10;

/// The queue.
pub struct ExternalQueue {
    name: String,
    queue: Queue,
}

/// Why nothing can be put on a queue of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unserved {
    /// Nobody said which BullMQ serves it: a `Queue` of BullMQ writes that down, a `Worker` alone does not.
    Nobody,
    /// Its worker is of another major version, whose scripts differ from ours.
    Foreign(String),
}

/// Whether it is there, whether it ended, whether it gave something back, and how long that and the reason of a failure are.
type Ended = (bool, Option<String>, bool, usize, usize);

/// What a job of ours is called there.
pub fn id_of(job: i64) -> String {
    format!("pintle-{job}")
}

impl ExternalQueue {
    /// Opens it.
    pub async fn open(redis_url: &str, name: &str) -> Result<Self, DeliveryError> {
        let queue = open_queue(redis_url, name, PREFIX).await?;
        Ok(Self { name: name.to_owned(), queue })
    }

    /// The version of the BullMQ that serves it, if that is one that we understand. `known` counts where nobody says it.
    pub async fn served(&self, known: Option<String>) -> Result<Result<String, Unserved>, DeliveryError> {
        // Raw: what the crate calls the version is its own.
        let read = async {
            let mut command = redis::cmd("HGET");
            self.queue.connection().cmd::<Option<String>>(command.arg(self.queue.keys().meta()).arg("version")).await
        };
        let version = self.call("read a queue's version", read).await?;
        Ok(match version.or(known) {
            None => Err(Unserved::Nobody),
            Some(version) if major(&version) == BULLMQ_MAJOR => Ok(version),
            Some(version) => Err(Unserved::Foreign(version.chars().take(64).collect())),
        })
    }

    /// Puts a job there. One of the same id that is still known stays as it is.
    pub async fn hand_over(&self, id: &str, name: &str, data: &Value) -> Result<(), DeliveryError> {
        let options = JobOptions {
            job_id: Some(id.to_owned()),
            attempts: Some(1),
            remove_on_complete: Some(RemoveOnFinish::Bool(false)),
            remove_on_fail: Some(RemoveOnFinish::Bool(false)),
            ..JobOptions::default()
        };
        let add = async { self.queue.add(name, data).options(options).await };
        self.call("hand a job over", add).await.map(drop)
    }

    /// How the job `id` ended, if it did: what it gave back, or why it failed. `Err` inside: it is not there any more.
    pub async fn ended(&self, id: &str) -> Result<Result<Option<Result<String, String>>, ()>, DeliveryError> {
        let key = format!("{PREFIX}:{}:{id}", self.name);
        let ask = async {
            let mut pipe = redis::pipe();
            pipe.cmd("EXISTS").arg(&key).cmd("HGET").arg(&key).arg("finishedOn");
            // What is thrown may have an empty message: only what did not fail gives something back.
            pipe.cmd("HEXISTS").arg(&key).arg("returnvalue");
            pipe.cmd("HSTRLEN").arg(&key).arg("returnvalue").cmd("HSTRLEN").arg(&key).arg("failedReason");
            self.queue.connection().pipe::<Ended>(&pipe).await
        };
        let (exists, finished, gave, returned, failed) = self.call("look after a job", ask).await?;
        if !exists {
            return Ok(Err(()));
        }
        if finished.is_none() {
            return Ok(Ok(None));
        }
        let (field, length) = if gave { ("returnvalue", returned) } else { ("failedReason", failed) };
        let text = if length > MAX_RESULT {
            format!("{length} bytes, too many to be read")
        } else {
            let read = async {
                let mut command = redis::cmd("HGET");
                self.queue.connection().cmd::<Option<String>>(command.arg(&key).arg(field)).await
            };
            self.call("read a result", read).await?.unwrap_or_default()
        };
        Ok(Ok(Some(if gave { Ok(text) } else { Err(text) })))
    }

    /// Takes the job `id` away, if nobody has it in hand; whether it did.
    pub async fn withdraw(&self, id: &str) -> Result<bool, DeliveryError> {
        match self.call("take a job away", self.queue.remove(id)).await {
            Ok(removed) => Ok(removed),
            Err(DeliveryError::Command {
                source: Error::JobLocked(_) | Error::JobNotFound(_) | Error::Script { .. },
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, DeliveryError> {
        within(operation, LIMIT, work).await?.map_err(|source| DeliveryError::Command { operation, source })
    }
}
