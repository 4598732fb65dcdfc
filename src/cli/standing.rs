//! What does not stand as declared yet, and why: the reasons of the newest plan, and the jobs that
//! are not over.

use super::CliError;
use crate::store::Store;
use crate::store::ledger::{JobFilter, JobRow, WaitingRow};
use std::collections::BTreeMap;

/// Jobs read at most: beyond that only their number matters.
const MOST_JOBS: i64 = 10_000;

/// Why each object waits, by `Kind/name`.
#[derive(Debug, Default)]
pub struct Standing {
    entries: BTreeMap<String, WaitingRow>,
    more: usize,
}

impl Standing {
    /// Reads the plan's reasons and the open and dead jobs.
    pub async fn read(store: &Store) -> Result<Self, CliError> {
        let states = ["queued", "released", "running", "dead"].map(str::to_owned).to_vec();
        let jobs = store.jobs(&JobFilter { states, limit: MOST_JOBS, ..JobFilter::default() }).await?;
        let (waiting, count) = store.waiting().await?;
        Ok(Self::of(waiting, count, &jobs))
    }

    fn of(waiting: Vec<WaitingRow>, count: i64, jobs: &[JobRow]) -> Self {
        let more = usize::try_from(count).unwrap_or_default().saturating_sub(waiting.len());
        let mut entries: BTreeMap<String, WaitingRow> =
            waiting.into_iter().map(|one| (one.object.clone(), one)).collect();
        for job in jobs {
            entries.entry(job.object.clone()).or_insert_with(|| reason(job));
        }
        Self { entries, more }
    }

    /// Why `object` waits, if it does.
    pub fn get(&self, object: &str) -> Option<&WaitingRow> {
        self.entries.get(object)
    }

    /// Every reason, by object.
    pub fn entries(&self) -> Vec<&WaitingRow> {
        self.entries.values().collect()
    }

    /// How many objects wait.
    pub fn count(&self) -> usize {
        self.entries.len() + self.more
    }

    /// How many objects of `kind` wait.
    pub fn waiting_of(&self, kind: &str) -> usize {
        self.of_kind(kind).count()
    }

    /// How many of those because somebody else's row says something else.
    pub fn foreign_of(&self, kind: &str) -> usize {
        self.of_kind(kind).filter(|waiting| waiting.code == "foreign").count()
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a WaitingRow> {
        let is_of = move |object: &str| object.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/'));
        self.entries.iter().filter(move |(object, _)| is_of(object)).map(|(_, waiting)| waiting)
    }
}

fn reason(job: &JobRow) -> WaitingRow {
    let id = job.id;
    let (code, message, lifted_by) = match job.state.as_deref() {
        Some("dead") => {
            let error = job.reason.as_deref().unwrap_or("no error was kept");
            (
                "dead-letter",
                format!("job {id} failed for good: {error}"),
                format!("pintle jobs retry {id} --reason TEXT, or another target"),
            )
        }
        Some("queued") => ("queued", format!("job {id} is queued"), format!("its turn (pintle jobs show {id})")),
        _ => ("in-flight", format!("job {id} is running"), "the end of the job".to_owned()),
    };
    WaitingRow { object: job.object.clone(), code: code.to_owned(), message, lifted_by, until: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_reason_wins_and_kinds_are_not_confused_by_their_beginning() {
        let waiting = |object: &str| WaitingRow {
            object: object.to_owned(),
            code: "protected".into(),
            message: String::new(),
            lifted_by: String::new(),
            until: None,
        };
        let standing = Standing::of(vec![waiting("Instance/a"), waiting("InstanceGroup/b")], 5, &[]);
        assert_eq!((standing.waiting_of("Instance"), standing.count()), (1, 5));
        assert_eq!(standing.get("Instance/a").map(|one| one.code.as_str()), Some("protected"));
    }
}
