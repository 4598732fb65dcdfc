//! What Redis knows of deliveries.

use std::collections::HashSet;

use bullmq::{Error, Queue};
use uuid::Uuid;

use super::message::Delivery;

/// Entries read from one list. Redis is never deep; what lies beyond is reported unknown,
/// and ringing it anew costs one look at the ledger.
const LIST_MAX: isize = 100_000;

/// Where a delivery stands in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nobody has heard it yet.
    Waiting,
    /// A worker has heard it and not ended it.
    Active,
    /// Handled.
    Completed,
    /// Its handler failed.
    Failed,
    /// Never rung, flushed, or ended long ago.
    Unknown,
}

type Scores = Vec<Option<f64>>;
type Reply = (Vec<String>, Vec<String>, Scores, Scores);

/// Reads all states in one round trip, in the order a job walks through them, so that one on
/// its way is seen where it goes. Only a stalled job on its way back can be missed; ringing
/// it anew costs one look at the ledger. A transaction would be refused by a full Redis.
pub(super) async fn read(queue: &Queue, ids: &[Uuid]) -> Result<Vec<Known>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let redis_ids: Vec<String> = ids.iter().copied().map(Delivery::redis_id).collect();
    let keys = queue.keys();
    let mut pipe = redis::pipe();
    for list in [keys.wait(), keys.active()] {
        pipe.cmd("LRANGE").arg(list).arg(-LIST_MAX).arg(-1);
    }
    for set in [keys.completed(), keys.failed()] {
        pipe.cmd("ZMSCORE").arg(set).arg(&redis_ids);
    }
    let mut connection = queue.connection().connection();
    let reply: Reply = pipe.query_async(&mut connection).await?;
    Ok(states(&redis_ids, &reply))
}

fn states(ids: &[String], reply: &Reply) -> Vec<Known> {
    let (wait, active, completed, failed) = reply;
    let active: HashSet<&String> = active.iter().collect();
    let waiting: HashSet<&String> = wait.iter().collect();
    ids.iter()
        .zip(completed.iter().zip(failed))
        .map(|(id, (completed, failed))| {
            if completed.is_some() {
                Known::Completed
            } else if failed.is_some() {
                Known::Failed
            } else if active.contains(id) {
                Known::Active
            } else if waiting.contains(id) {
                Known::Waiting
            } else {
                Known::Unknown
            }
        })
        .collect()
}
