//! Redis is a doorbell: it may be flushed, killed or absent.

use super::{CRM, begun, description, many, reconciler, worker};
use crate::harness::{Line, World, eventually, suite};
use std::time::Duration;

#[tokio::test]
async fn a_flushed_redis_is_rung_again_with_new_deliveries() {
    let world = begun().await;
    world.repository.change("alice", "suites/many.yaml", &many(600, "x"));
    let reconciler = reconciler(&world);
    world.database.until("(SELECT count(*) = 600 FROM pintle.job_state WHERE state = 'released')").await;
    eventually("both are rung", async || world.redis.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await == 2).await;
    let deliveries = "SELECT DISTINCT delivery FROM pintle.job_state WHERE state = 'released' ORDER BY 1";
    let lost = world.database.list(deliveries).await;
    world.redis.ask::<()>(&["FLUSHALL"]).await;
    let left: u64 = world.redis.ask(&["LLEN", "pintle:rows:wait"]).await;
    assert_eq!(left, 0, "the fault must have happened");
    reconciler.says("were lost by Redis and rung again").await;
    assert!(world.database.list(deliveries).await.iter().all(|delivery| !lost.contains(delivery)));

    let worker = worker(&world);
    world.settled().await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 601);
    world.assert_whole().await;
    worker.stop().await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_killed_and_restarted_redis_delays_and_loses_nothing() {
    let mut world = begun().await;
    let daemon = world.daemon();
    daemon.says("hearing deliveries").await;
    world.redis.kill().await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state IN ('queued', 'released'))").await;
    daemon.says("Redis does not answer").await;
    assert_eq!(description(&world).await.as_deref(), Some("one"));
    world.redis.start().await;
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_redis_that_comes_after_the_daemon_is_waited_for() {
    let mut world = World::new(&[(CRM, suite("crm", "one"))]).await;
    world.redis.kill().await;
    let daemon = world.daemon();
    daemon.says("Redis does not answer").await;
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state IN ('queued', 'released'))").await;
    world.redis.start().await;
    world.settled().await;
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_redis_that_answers_nobody_and_breaks_no_connection_delays_and_loses_nothing() {
    let mut world = begun().await;
    world.redis.behind_a_proxy().await;
    let daemon = world.daemon();
    daemon.says("hearing deliveries").await;
    world.redis.line(Line::Cut);
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state IN ('queued', 'released'))").await;
    daemon.says("Redis does not answer").await;
    assert!(world.redis.held() > 0, "the fault must have happened");
    assert_eq!(description(&world).await.as_deref(), Some("one"));
    world.redis.line(Line::Open);
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_slow_redis_slows_and_loses_nothing() {
    let mut world = begun().await;
    world.redis.behind_a_proxy().await;
    let daemon = world.daemon();
    daemon.says("hearing deliveries").await;
    world.redis.line(Line::Slow(Duration::from_millis(300)));
    world.repository.change("alice", "suites/many.yaml", &many(600, "x"));
    world.settled().await;
    assert!(world.redis.held() > 4, "{} chunks were slow", world.redis.held());
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 601);
    world.assert_whole().await;
    daemon.stop().await;
}
