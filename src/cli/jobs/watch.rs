//! `pintle jobs watch`: one job, until it is over.

use super::super::{CliError, Exit, Out};
use super::{show, state, unknown};
use crate::store::Store;
use crate::store::ledger::{JobFilter, JobRow};
use pintle_core::render::shown;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Follows job `id`. Ends with 0 when it is done, with 1 when it ends otherwise.
pub(super) async fn watch(store: &Store, id: i64, out: &Out) -> Result<Exit, CliError> {
    let mut told = String::new();
    loop {
        let filter = JobFilter { id: Some(id), limit: 1, ..JobFilter::default() };
        let Some(job) = store.jobs(&filter).await?.pop() else { return Err(unknown(id)) };
        let now = line(&job);
        if now != told && !out.is_json() {
            out.text(&now);
            told = now;
        }
        match state(&job) {
            "queued" | "released" | "running" => tokio::time::sleep(LOOK_EVERY).await,
            ended => {
                if out.is_json() {
                    show(&job, out);
                }
                return Ok(if ended == "done" || ended == "over" { Exit::Success } else { Exit::Failure });
            }
        }
    }
}

fn line(job: &JobRow) -> String {
    let tries = job.attempts.filter(|tries| *tries > 1).map(|tries| format!(", try {tries}")).unwrap_or_default();
    let reason = job.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
    format!("{} {}{tries}{reason}", job.object, state(job))
}
