//! `queue`: hands a job to somebody else's BullMQ worker, and waits for its end. While it is known there it is not handed
//! over again: whoever tries next finds it, and goes on waiting or reads how it ended.

use super::{Class, Failure, Tools, message};
use crate::chain::chain;
use crate::queue::delivery::{ExternalQueue, Unserved, id_of};
use crate::store::work::Work;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long it is tried to take away what ended while Redis is away: less than a worker waits for a safe point.
const WITHDRAWING: Duration = Duration::from_secs(6);
/// What of a result is kept.
const SAID: usize = 300;

pub(super) async fn hand_over(tools: &Tools, work: &Work, stop: &CancellationToken) -> Result<String, Failure> {
    let name = work.text("queue").unwrap_or_default();
    let failed = |error| Failure::during(&format!("queue `{name}`"), chain(&error));
    let queue = ExternalQueue::open(&tools.redis_url, name).await.map_err(failed)?;
    let known = tools.store.external_version(name).await.map_err(|error| failed_here(&error))?;
    match queue.served(known.clone()).await.map_err(failed)? {
        Ok(version) if known.as_deref() == Some(&version) => {}
        Ok(version) => tools.store.remember_queue(name, &version).await.map_err(|error| failed_here(&error))?,
        Err(Unserved::Nobody) => {
            return Err(Failure::transient(format!(
                "nobody said which BullMQ serves the queue `{name}`: open it with `new Queue` beside the worker"
            )));
        }
        Err(Unserved::Foreign(version)) => {
            return Err(Failure::invalid(format!(
                "the worker of the queue `{name}` is {version}; this Pintle speaks BullMQ 6: update the worker"
            )));
        }
    }
    let id = id_of(work.job);
    let job = work.text("name").unwrap_or(&work.schedule);
    queue.hand_over(&id, job, &message(work)).await.map_err(failed)?;
    let ended = stop.run_until_cancelled(end(&queue, &id)).await;
    let Some(ended) = ended else {
        let taken = queue.withdraw(&id).await.unwrap_or(false);
        let reason =
            if taken { "taken back before anybody began it" } else { "it is in hand, and cannot be taken back" };
        return Err(Failure::new(Class::UnknownOutcome, reason));
    };
    let ended = ended.map_err(failed)?;
    withdraw(&queue, &id).await;
    let cut = |text: String| text.chars().filter(|c| !c.is_control()).take(SAID).collect::<String>();
    match ended {
        Some(Ok(returned)) => Ok(cut(serde_json::from_str(&returned).unwrap_or(returned))),
        Some(Err(reason)) if reason.trim().is_empty() => Err(Failure::transient("it failed, and said nothing")),
        Some(Err(reason)) => Err(Failure::transient(cut(reason))),
        None => Err(Failure::new(
            Class::UnknownOutcome,
            format!("the job {id} is gone from the queue `{name}`, and nobody said how it ended"),
        )),
    }
}

fn failed_here(error: &crate::store::StoreError) -> Failure {
    Failure::transient(chain(error))
}

/// Takes away what ended: who tries again must not read the end of this try. What cannot be taken away for long is found
/// by the leader later.
async fn withdraw(queue: &ExternalQueue, id: &str) {
    let withdrawn = async {
        while queue.withdraw(id).await.is_err() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(WITHDRAWING, withdrawn).await;
}

/// Waits until it ended; `None`: it is not there any more. A Redis that is away for a while is waited for.
async fn end(
    queue: &ExternalQueue,
    id: &str,
) -> Result<Option<Result<String, String>>, crate::queue::delivery::DeliveryError> {
    loop {
        match queue.ended(id).await {
            Ok(Ok(Some(ended))) => return Ok(Some(ended)),
            Ok(Err(())) => return Ok(None),
            Ok(Ok(None)) | Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
