//! Traces of other `BullMQ` clients that hold our queue up.

use bullmq::{Error, Queue};

/// The `BullMQ` major whose scripts the crate carries.
const BULLMQ_MAJOR: &str = "6";

type Marks = (u64, Option<String>, Option<String>);

/// Describes what was found, if anything.
pub(super) async fn read(queue: &Queue) -> Result<Option<String>, Error> {
    let keys = queue.keys();
    let mut pipe = redis::pipe();
    pipe.cmd("LLEN").arg(keys.paused());
    pipe.cmd("HGET").arg(keys.meta()).arg("paused");
    pipe.cmd("HGET").arg(keys.meta()).arg("version");
    let (parked, paused, version): Marks = queue.connection().pipe(&pipe).await?;
    Ok(describe(parked, paused.as_deref(), version.as_deref()))
}

fn describe(parked: u64, paused: Option<&str>, version: Option<&str>) -> Option<String> {
    let mut found = Vec::new();
    if parked > 0 {
        found.push(format!(
            "a BullMQ 5 client has put {parked} jobs on the list `paused`"
        ));
    }
    if paused.is_some() {
        found.push("a BullMQ client has paused the queue".to_owned());
    }
    if let Some(version) = version.filter(|version| major(version) != BULLMQ_MAJOR) {
        let version: String = version.chars().take(64).collect();
        found.push(format!(
            "a BullMQ client wrote version {version:?}, not {BULLMQ_MAJOR}"
        ));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// `BullMQ` writes `bullmq:6.2.0`, its relatives `name:6.2.0`.
fn major(version: &str) -> &str {
    let number = version.rsplit(':').next().unwrap_or(version);
    number.split('.').next().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_major_is_no_interference() {
        assert_eq!(describe(0, None, None), None);
        assert_eq!(describe(0, None, Some("bullmq:6.2.0")), None);
    }

    #[test]
    fn a_foreign_major_a_pause_and_a_paused_list_are_all_named() {
        let said = describe(3, Some("1"), Some("bullmq:5.65.1")).unwrap();
        for part in ["3 jobs", "paused the queue", "5.65.1"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
