//! Another Redis takes over: what the old one knew and the new one does not is rung again.

use super::{CRM, begun, description, many, reconciler, worker};
use crate::harness::{Replicated, eventually, suite};
use nix::sys::signal::Signal;

#[tokio::test]
async fn a_primary_that_dies_is_followed_to_the_one_that_its_sentinel_names() {
    let mut world = begun().await;
    let mut pair = Replicated::start(world.path()).await;
    let (sentinel, url) = pair.watched(world.path()).await;
    world.redis.reached_at(&url);
    let daemon = world.daemon();
    daemon.says("hearing deliveries").await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    pair.first.kill();
    world.repository.change("alice", CRM, &suite("crm", "three"));
    eventually("the Sentinel fails over", async || {
        pair.second.ask::<String>(&["INFO", "replication"]).await.contains("role:master")
    })
    .await;
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("three"));
    let jobs: u64 = pair.second.ask(&["ZCARD", "pintle:rows:completed"]).await;
    assert!(jobs > 0, "the second served");
    world.redis.url = pair.second.url();
    world.assert_whole().await;
    daemon.stop().await;
    drop(sentinel);
}

#[tokio::test]
async fn a_primary_made_a_replica_under_open_connections_is_left_and_what_the_new_one_lacks_is_rung_again() {
    let mut world = begun().await;
    let pair = Replicated::start(world.path()).await;
    world.redis.behind_a_proxy_of(&pair.first.socket()).await;
    let reconciler = reconciler(&world);
    let worker = worker(&world);
    worker.says("hearing deliveries").await;
    worker.signal(Signal::SIGSTOP);
    // From here the second lags behind.
    pair.second.ask::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    world.repository.change("alice", "suites/many.yaml", &many(600, "x"));
    eventually("both are rung", async || pair.first.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await == 2).await;
    assert_eq!(pair.second.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await, 0, "the fault must have happened");
    world.redis.lead_to(&pair.second.socket());
    pair.first.follow(&pair.second).await;
    worker.signal(Signal::SIGCONT);
    reconciler.says("were lost by Redis and rung again").await;
    world.settled().await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 601);
    world.redis.url = pair.second.url();
    world.assert_whole().await;
    worker.stop().await;
    reconciler.stop().await;
}
