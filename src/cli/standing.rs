//! What does not stand as declared yet, and why: the reasons of the newest plan, and the jobs that
//! are not over.

use super::CliError;
use crate::store::Store;
use crate::store::waiting::{OpenJob, WaitingRow, Why};
use std::collections::BTreeMap;

/// Why each object waits, by `Kind/name`.
#[derive(Debug, Default)]
pub struct Standing {
    entries: BTreeMap<String, WaitingRow>,
}

impl Standing {
    /// Reads the plan's reasons and the open and dead jobs: of one kind, or one object, if asked for.
    pub async fn read(store: &Store, kind: Option<&str>, name: Option<&str>) -> Result<Self, CliError> {
        Ok(Self::of(store.waiting(kind, name).await?, store.open_jobs(kind, name).await?))
    }

    fn of(waiting: Vec<WaitingRow>, jobs: Vec<OpenJob>) -> Self {
        let mut entries: BTreeMap<String, WaitingRow> =
            waiting.into_iter().map(|one| (one.object.clone(), one)).collect();
        for job in jobs {
            entries.entry(job.object.clone()).or_insert_with(|| reason(job));
        }
        Self { entries }
    }

    /// Why `object` waits, if it does.
    pub fn get(&self, object: &str) -> Option<&WaitingRow> {
        self.entries.get(object)
    }

    /// The first `most` reasons, by object.
    pub fn entries(&self, most: usize) -> Vec<&WaitingRow> {
        self.entries.values().take(most).collect()
    }

    /// How many objects wait.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// How many objects of `kind` wait.
    pub fn waiting_of(&self, kind: &str) -> usize {
        self.of_kind(kind).count()
    }

    /// How many of those because somebody else's row says something else.
    pub fn foreign_of(&self, kind: &str) -> usize {
        self.of_kind(kind).filter(|waiting| waiting.why.code == "foreign").count()
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a WaitingRow> {
        let is_of = move |object: &str| object.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/'));
        self.entries.iter().filter(move |(object, _)| is_of(object)).map(|(_, waiting)| waiting)
    }
}

fn reason(job: OpenJob) -> WaitingRow {
    let id = job.id;
    let (code, message, lifted_by) = match job.state.as_str() {
        "dead" => {
            let error = job.reason.as_deref().unwrap_or("no error was kept");
            (
                "dead-letter",
                format!("job {id} failed for good: {error}"),
                format!("pintle jobs retry {id} --reason TEXT, or another target"),
            )
        }
        "queued" => ("queued", format!("job {id} is queued"), format!("its turn (pintle jobs show {id})")),
        _ => ("in-flight", format!("job {id} is running"), "the end of the job".to_owned()),
    };
    let why = Why { code: code.to_owned(), message, lifted_by, until: None, wave: None };
    WaitingRow { object: job.object, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_reason_wins_and_kinds_are_not_confused_by_their_beginning() {
        let waiting = |object: &str| {
            let (code, message, lifted_by) = ("protected".into(), String::new(), String::new());
            WaitingRow { object: object.to_owned(), why: Why { code, message, lifted_by, until: None, wave: None } }
        };
        let job = |object: &str| OpenJob { object: object.into(), id: 7, state: "queued".into(), reason: None };
        let waits = vec![waiting("Instance/a"), waiting("InstanceGroup/b")];
        let standing = Standing::of(waits, vec![job("Instance/a"), job("Instance/c")]);
        assert_eq!((standing.waiting_of("Instance"), standing.count()), (2, 3));
        let code = |object| standing.get(object).map(|one| one.why.code.as_str());
        assert_eq!(
            (code("Instance/a"), code("Instance/c"), code("Instance/d")),
            (Some("protected"), Some("queued"), None)
        );
    }
}
