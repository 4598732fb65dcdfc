//! The process is killed between every two steps of the walk, started again, and everything is whole.

use crate::harness::{Daemon, World, suite};
use futures_util::future::join_all;
use std::os::unix::process::ExitStatusExt;

/// Every named point, in the order of the walk.
const POINTS: [&str; 11] = [
    "fetched",
    "accepted",
    "planned",
    "enqueued",
    "released",
    "rung",
    "claimed",
    "written",
    "audited",
    "committed",
    "applied",
];

/// A create, an update and a delete in one commit.
async fn begun() -> World {
    let world =
        World::new(&[("suites/goes.yaml", suite("goes", "one")), ("suites/stays.yaml", suite("stays", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    world.repository.remove("suites/goes.yaml");
    world.repository.write("suites/stays.yaml", &suite("stays", "two"));
    world.repository.write("suites/comes.yaml", &suite("comes", "one"));
    world.repository.commit("alice", "Three changes");
    world
}

async fn survives(point: &str) {
    let world = begun().await;
    let mut victim = Daemon::start(&world, "victim", &[("PINTLE_CRASH_AT", point)]);
    assert_eq!(victim.ends().await.signal(), Some(9), "{point} was never reached");
    the_fault_happened(&world, point).await;
    world.lease_expires().await;
    let daemon = world.daemon();
    world.settled().await;
    let rows = "SELECT name || ' ' || description || ' ' || (tombstoned_at IS NULL) FROM pintle.suites ORDER BY name";
    assert_eq!(
        world.database.list(rows).await,
        ["comes one true", "goes one false", "stays two true"],
        "after {point}"
    );
    assert_eq!(world.told("comes").await, ["effect create ok"], "after {point}");
    assert_eq!(world.told("goes").await, ["effect create ok", "effect delete ok"], "after {point}");
    assert_eq!(world.told("stays").await, ["effect create ok", "effect update ok"], "after {point}");
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

/// What ledger and Redis say when the process died there.
async fn the_fault_happened(world: &World, point: &str) {
    let deliveries = "SELECT DISTINCT delivery FROM pintle.job_state WHERE state = 'released'";
    let rung = match point {
        "released" => false,
        "rung" => true,
        "applied" => {
            let done = "SELECT count(*) FROM pintle.job_state WHERE state = 'done' AND delivery IS NOT NULL";
            assert!(world.database.count(done).await > 0, "it is done");
            assert_eq!(world.redis.ask::<u64>(&["LLEN", "pintle:rows:active"]).await, 1, "and Redis has it in hand");
            return;
        }
        _ => return,
    };
    let deliveries = world.database.list(deliveries).await;
    assert!(!deliveries.is_empty(), "{point}");
    for delivery in deliveries {
        let there: bool = world.redis.ask(&["EXISTS", &format!("pintle:rows:pin-{delivery}")]).await;
        assert_eq!(there, rung, "at {point}");
    }
}

#[tokio::test]
async fn killed_at_any_point_of_the_walk_it_goes_on_and_does_nothing_twice() {
    join_all(POINTS.map(survives)).await;
}
