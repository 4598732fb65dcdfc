//! What jobs do: one file a kind. A handler is told what a Schedule says, and gives back a sentence or why it failed.
//! It refuses to know the ledger: claiming, trying again and recording are the worker's. Every call may come twice; the
//! key is the same over all tries of one tick.

mod audit_export;
mod backup;
mod exec;
mod failure;
mod files;
mod health_report;
mod http;
mod public_address;
mod queue;
mod reconcile;
mod tools;

pub use failure::{Class, Failure};
pub use tools::{Named, Program, Tools, WorkArgs};

use crate::store::work::Work;
use pintle_core::model::scalar::span_ms;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long one try may take where the Schedule does not say.
const TIMEOUT: Duration = Duration::from_mins(15);
/// Dumps of databases take longer.
const BACKUP_TIMEOUT: Duration = Duration::from_hours(2);

/// Does `work`, until it is done or `stop` is cancelled: a handler that can stops at its next safe point.
pub async fn handle(tools: &Tools, work: &Work, stop: CancellationToken) -> Result<String, Failure> {
    match work.kind() {
        "reconcile" => reconcile::ask(tools, work).await,
        "audit-export" => audit_export::export(tools, work).await,
        "health-report" => health_report::report(tools, work).await,
        "backup" => backup::back_up(tools, work, &stop).await,
        "http" => http::call(tools, work).await,
        "exec" => exec::run(tools, work, &stop).await,
        "queue" => queue::hand_over(tools, work, &stop).await,
        other => Err(Failure::invalid(format!("this Pintle knows no job of kind `{other}`"))),
    }
}

/// How long one try of `work` may take.
pub fn limit(work: &Work) -> Duration {
    let said = work.deadline.as_deref().and_then(span_ms).map(Duration::from_millis);
    said.unwrap_or(if work.kind() == "backup" { BACKUP_TIMEOUT } else { TIMEOUT })
}

/// What a program, an address or a queue of somebody else is told.
fn message(work: &Work) -> Value {
    json!({
        "formatVersion": "1.0", "schedule": work.schedule, "tick": work.tick, "key": work.key(), "fence": work.fence,
        "attempt": work.attempt, "select": work.spec.get("select"), "data": work.spec.get("data"),
    })
}
