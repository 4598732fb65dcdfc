//! What is not applied, and what is said about it.

mod database;
mod documents;
mod history;
mod signatures;

use crate::harness::{Daemon, World, instance, partner, suite};
use serde_json::Value;

const CRM: &str = "suites/crm.yaml";
const PROD: &str = "instances/prod.yaml";

/// A world whose first commit is applied, and its daemon.
async fn begun() -> (World, Daemon) {
    let files =
        [(CRM, suite("crm", "one")), ("partners/acme.yaml", partner("acme")), (PROD, instance("prod", "acme", 2))];
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

/// The live rows and the ledger, to be compared.
async fn state(world: &World) -> Vec<String> {
    let rows = "SELECT kind || name || revision || coalesce(tombstoned_at::text, '') FROM pintle.objects ORDER BY 1";
    let jobs = "SELECT job_id || state FROM pintle.job_state ORDER BY job_id";
    [world.database.list(rows).await, world.database.list(jobs).await].concat()
}

/// Every code in a stored verdict, those of diagnostics included.
fn codes(verdict: &Value) -> Vec<&str> {
    match verdict {
        Value::Object(map) => {
            let own = map.get("code").and_then(Value::as_str);
            own.into_iter().chain(map.values().flat_map(codes)).collect()
        }
        Value::Array(items) => items.iter().flat_map(codes).collect(),
        _ => Vec::new(),
    }
}

/// Does `mischief` to a world whose first commit is applied; the tip must be held or refused with
/// `expected`, and nothing may have moved.
async fn refuses(expected: &[&str], mischief: impl AsyncFnOnce(&World)) -> (World, Daemon) {
    let (world, daemon) = begun().await;
    let before = state(&world).await;
    mischief(&world).await;
    let verdict = world.held().await;
    let codes = codes(&verdict);
    assert!(expected.iter().all(|code| codes.contains(code)), "{expected:?} are not all in {verdict:#}");
    world.ticks().await;
    assert_eq!(state(&world).await, before, "something moved");
    world.assert_whole().await;
    (world, daemon)
}
