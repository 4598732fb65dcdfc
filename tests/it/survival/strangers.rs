//! Guests on our own queue.

use super::begun;
use crate::harness::{World, eventually};
use bullmq::options::RedisConnectionOptions;
use bullmq::{Queue, QueueOptions};
use pintle::queue::delivery::{Delivery, Known, Ringer};
use serde_json::json;

/// Another `BullMQ` client on our queue.
async fn stranger(world: &World) -> Queue {
    let connection = RedisConnectionOptions::new().url(&world.redis.url);
    Queue::with_options("rows", QueueOptions::new().connection(connection).prefix("pintle")).await.unwrap()
}

#[tokio::test]
async fn a_foreign_job_is_refused_where_people_see_it() {
    let world = begun().await;
    let daemon = world.daemon();
    let stranger = stranger(&world).await;
    stranger.add("drop-everything", json!({"delivery": "x"})).await.unwrap();
    eventually("it failed", async || stranger.get_failed_count().await.unwrap() == 1).await;
    assert_eq!(
        world.database.count("SELECT count(*) FROM pintle.requests").await,
        0,
        "it asked for nothing that there is"
    );
    let told = "SELECT stage || ' ' || action || ' ' || outcome FROM pintle.audit_logs WHERE actor = 'queue'";
    assert_eq!(world.database.list(told).await, ["denied request refused"]);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_foreign_request_to_reconcile_is_recorded_and_accepted() {
    let world = begun().await;
    let daemon = world.daemon();
    let stranger = stranger(&world).await;
    stranger.add("reconcile", json!({})).await.unwrap();
    world.database.until("(SELECT count(*) = 1 FROM pintle.requests WHERE request = 'reconcile' AND accepted)").await;
    eventually("it completed", async || stranger.get_completed_count().await.unwrap() == 2).await;
    world.assert_whole().await;
    daemon.stop().await;
}

/// Whoever writes to Redis may repeat or invent doorbells: only the ledger says what is released.
#[tokio::test]
async fn deliveries_rung_twice_or_made_up_change_nothing() {
    let world = begun().await;
    let daemon = world.daemon();
    let records = world.database.count("SELECT count(*) FROM pintle.audit_logs").await;
    let delivery = world.database.ask("SELECT delivery FROM pintle.job_state WHERE state = 'done'").await.unwrap();
    let job = world.database.count("SELECT job_id FROM pintle.job_state WHERE state = 'done'").await;
    let again = Delivery { id: delivery.parse().unwrap(), jobs: vec![job] };
    let invented = Delivery { id: uuid::Uuid::now_v7(), jobs: vec![job, 4_711] };
    world.redis.ask::<()>(&["FLUSHALL"]).await;
    let ringer = Ringer::connect(&world.redis.url, "rows").await.unwrap();
    ringer.ring(&[again.clone(), invented.clone()]).await.unwrap();
    eventually("both are heard", async || {
        ringer.known(&[again.id, invented.id]).await.unwrap() == [Known::Completed; 2]
    })
    .await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.audit_logs").await, records);
    world.assert_whole().await;
    daemon.stop().await;
}
