//! Servers that go away, processes that die, guests that misbehave: nothing is lost or done twice.

mod failover;
mod host;
mod leaders;
mod postgres;
mod queue;
mod redis;
mod strangers;
mod table;

use crate::harness::{Daemon, World, suite};

const CRM: &str = "suites/crm.yaml";

/// A world whose first commit is applied and whose daemon is stopped.
async fn begun() -> World {
    let world = World::new(&[(CRM, suite("crm", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    world
}

/// One file of `count` suites.
fn many(count: usize, description: &str) -> String {
    let all: Vec<String> = (0..count).map(|n| suite(&format!("s{n}"), description)).collect();
    all.join("---\n")
}

/// A daemon that plans and rings, and applies nothing.
fn reconciler(world: &World) -> Daemon {
    Daemon::start(world, "reconciler", &[("PINTLE_ROLE", "reconciler")])
}

/// A daemon that only applies.
fn worker(world: &World) -> Daemon {
    Daemon::start(world, "worker", &[("PINTLE_ROLE", "worker")])
}

async fn description(world: &World) -> Option<String> {
    world.database.ask("SELECT description FROM pintle.suites WHERE name = 'crm'").await
}
