//! Traces of other `BullMQ` clients that hold our queue up.

use bullmq::{Error, Queue};

/// The `BullMQ` major whose scripts the crate carries.
pub(super) const BULLMQ_MAJOR: &str = "6";

/// What a dashboard may set on a queue that makes its workers fetch less, or nothing.
const BRAKES: [&str; 4] = ["paused", "concurrency", "max", "duration"];

type Marks = (u64, Vec<Option<String>>, Option<String>);

/// Takes the brakes off: pausing and limits are the ledger's, where they are recorded.
pub(super) async fn release(queue: &Queue) -> Result<(), Error> {
    let mut pipe = redis::pipe();
    pipe.cmd("HDEL").arg(queue.keys().meta()).arg(&BRAKES).ignore();
    queue.connection().pipe(&pipe).await
}

/// Describes what was found, if anything.
pub(super) async fn read(queue: &Queue) -> Result<Option<String>, Error> {
    let keys = queue.keys();
    let mut pipe = redis::pipe();
    pipe.cmd("LLEN").arg(keys.paused());
    pipe.cmd("HMGET").arg(keys.meta()).arg(&BRAKES);
    pipe.cmd("HGET").arg(keys.meta()).arg("version");
    let (parked, brakes, version): Marks = queue.connection().pipe(&pipe).await?;
    let braked: Vec<&str> =
        BRAKES.iter().zip(&brakes).filter(|(_, set)| set.is_some()).map(|(name, _)| *name).collect();
    Ok(describe(parked, &braked, version.as_deref()))
}

fn describe(parked: u64, braked: &[&str], version: Option<&str>) -> Option<String> {
    let mut found = Vec::new();
    if parked > 0 {
        found.push(format!("a BullMQ 5 client has put {parked} jobs on the list `paused`"));
    }
    if !braked.is_empty() {
        found.push(format!("a BullMQ client has set {} on the queue", braked.join(", ")));
    }
    if let Some(version) = version.filter(|version| major(version) != BULLMQ_MAJOR) {
        let version: String = version.chars().take(64).collect();
        found.push(format!("a BullMQ client wrote version {version:?}, not {BULLMQ_MAJOR}"));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// `BullMQ` writes `bullmq:6.2.0`, its relatives `name:6.2.0`.
pub(super) fn major(version: &str) -> &str {
    let number = version.rsplit(':').next().unwrap_or(version);
    number.split('.').next().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_major_is_no_interference() {
        assert_eq!(describe(0, &[], None), None);
        assert_eq!(describe(0, &[], Some("bullmq:6.2.0")), None);
    }

    #[test]
    fn a_foreign_major_a_pause_and_a_paused_list_are_all_named() {
        let said = describe(3, &["paused"], Some("bullmq:5.65.1")).unwrap();
        for part in ["3 jobs", "set paused", "5.65.1"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
