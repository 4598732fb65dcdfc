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

/// Does work. Every call may come twice.
pub trait Handler: Send + Sync + 'static {
    /// Does `work`, until it is done or `stop` is cancelled: a handler that can stops at its next safe point.
    fn handle(&self, work: &Work, stop: CancellationToken) -> impl Future<Output = Result<String, Failure>> + Send;
}

impl Handler for Tools {
    async fn handle(&self, work: &Work, stop: CancellationToken) -> Result<String, Failure> {
        match work.kind() {
            "reconcile" => reconcile::ask(self, work).await,
            "audit-export" => audit_export::export(self, work).await,
            "health-report" => health_report::report(self, work).await,
            "backup" => backup::back_up(self, work, &stop).await,
            "http" => http::call(self, work, &stop).await,
            "exec" => exec::run(self, work, &stop).await,
            "queue" => queue::hand_over(self, work, &stop).await,
            other => Err(Failure::invalid(format!("this Pintle knows no job of kind `{other}`"))),
        }
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
        "attempt": work.attempt, "startedAt": work.started_at, "trigger": work.trigger, "select": work.spec.get("select"), "data": work.spec.get("data"),
    })
}
