//! What people and programs see of the real binary: its words, its JSON, its exit codes.

mod alone;
mod dead;
mod held;
mod looking;
mod metrics;
mod plans;
mod said;
mod settled;

use crate::harness::{Daemon, World, instance, partner, suite};
use said::{Said, ask, golden};

const CRM: &str = "suites/crm.yaml";
const PROD: &str = "instances/prod.yaml";

/// A world whose first commit is applied, and its daemon.
async fn begun(settings: &[(&str, &str)]) -> (World, Daemon) {
    let files = [
        (CRM, suite("crm", "one")),
        ("suites/pos.yaml", suite("pos", "one")),
        ("partners/acme.yaml", partner("acme")),
        (PROD, instance("prod", "acme", 2)),
    ];
    let world = World::new(&files).await;
    let daemon = Daemon::start(&world, "daemon", settings);
    world.settled().await;
    (world, daemon)
}
