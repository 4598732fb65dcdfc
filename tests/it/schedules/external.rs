//! Jobs that somebody else's BullMQ worker does.

use super::kinds::said;
use super::{YEARLY, ran, schedule, triggered, world};
use crate::harness::{Daemon, World, eventually};
use std::sync::Arc;
use tokio::sync::Notify;

/// A worker of somebody else, on the queue `name` of BullMQ's own prefix, that gives back what it got. What is to wait
/// waits for `go`.
async fn foreign_worker(world: &World, name: &str, go: &Arc<Notify>) -> bullmq::Worker {
    let connection = bullmq::options::RedisConnectionOptions::new().url(&world.redis.url);
    let options = bullmq::WorkerOptions::new().connection(connection);
    let go = go.clone();
    let processor = move |job: bullmq::Job, _| {
        let go = go.clone();
        async move {
            let data = &job.data()["data"];
            if let Some(message) = data["throws"].as_str() {
                return Err(bullmq::Error::Unrecoverable(message.into()));
            }
            if data["waits"] == true {
                go.notified().await;
            }
            Ok(job.data()["key"].clone())
        }
    };
    bullmq::Worker::with_options(name, processor, options).await.unwrap()
}

fn queue(data: &str) -> String {
    format!("{{kind: queue, queue: prices, data: {data}}}")
}

/// As `new Queue` of BullMQ writes it.
async fn says(world: &World, version: &str) {
    world.redis.ask::<i64>(&["HSET", "bull:prices:meta", "version", version]).await;
}

#[tokio::test]
async fn a_job_is_handed_to_somebody_elses_worker_of_the_same_major_and_its_result_comes_back() {
    let world = world(&[
        schedule("sync", YEARLY, &queue("{list: retail}")),
        schedule("fails", YEARLY, &queue("{throws: no such list}")),
    ])
    .await;
    let daemon = world.daemon();
    world.settled().await;
    let job = triggered(&world, "sync");
    world
        .database
        .until(&format!("(SELECT reason LIKE 'nobody said which BullMQ%' FROM pintle.job_state WHERE job_id = {job})"))
        .await;
    says(&world, "bullmq:6.7.0").await;
    let worker = foreign_worker(&world, "prices", &Arc::default()).await;
    ran(&world, "sync", "done", 1).await;
    assert_eq!(said(&world, "sync").await, format!("{job}/run"), "the worker got the key");
    let left = world.redis.ask::<Vec<String>>(&["KEYS", "bull:prices:pintle-*"]).await;
    assert!(left.is_empty(), "what was read is taken away: {left:?}");
    let failing = triggered(&world, "fails");
    world
        .database
        .until(&format!("(SELECT reason = 'no such list' FROM pintle.job_state WHERE job_id = {failing})"))
        .await;
    says(&world, "bullmq:5.81.5").await;
    ran(&world, "fails", "dead", 1).await;
    assert!(
        said(&world, "fails").await.contains("5.81.5"),
        "another major is refused: {}",
        said(&world, "fails").await
    );
    worker.close(1_000).await.unwrap();
    daemon.stop().await;
}

#[tokio::test]
async fn no_more_is_handed_to_a_queue_at_one_time_than_it_has_slots() {
    let world = world(&[
        schedule("one", YEARLY, &queue("{waits: true}")),
        schedule("other", YEARLY, &queue("{waits: false}")),
        schedule("beside", YEARLY, "{kind: queue, queue: nobody-serves-it}"),
    ])
    .await;
    says(&world, "bullmq:6.7.0").await;
    let go = Arc::<Notify>::default();
    let worker = foreign_worker(&world, "prices", &go).await;
    let daemon = Daemon::start(&world, "daemon", &[("PINTLE_SLOTS", "queue:prices=1")]);
    world.settled().await;
    triggered(&world, "one");
    ran(&world, "one", "running", 1).await;
    triggered(&world, "other");
    // Later than both, on another queue, and it is looked at: the leader has seen all that waits.
    let beside = triggered(&world, "beside");
    world.database.until(&format!("(SELECT attempts > 0 FROM pintle.job_state WHERE job_id = {beside})")).await;
    ran(&world, "other", "queued", 1).await;
    go.notify_one();
    ran(&world, "one", "done", 1).await;
    ran(&world, "other", "done", 1).await;
    worker.close(1_000).await.unwrap();
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_thrown_without_a_word_failed_all_the_same() {
    let world = world(&[schedule("silent", YEARLY, &queue("{throws: \"\"}"))]).await;
    says(&world, "bullmq:6.7.0").await;
    let worker = foreign_worker(&world, "prices", &Arc::default()).await;
    let daemon = world.daemon();
    world.settled().await;
    let job = triggered(&world, "silent");
    let failed = format!("(SELECT reason = 'it failed, and said nothing' FROM pintle.job_state WHERE job_id = {job})");
    world.database.until(&failed).await;
    let records =
        format!("SELECT count(*) FROM pintle.audit_logs WHERE job_id = {job} AND outcome = 'ok' AND stage = 'outcome'");
    assert_eq!(world.database.count(&records).await, 0);
    worker.close(1_000).await.unwrap();
    daemon.stop().await;
}

#[tokio::test]
async fn a_flushed_redis_forgets_who_serves_a_queue_and_pintle_does_not() {
    let world = world(&[schedule("sync", YEARLY, &queue("{list: retail}"))]).await;
    says(&world, "bullmq:6.7.0").await;
    let worker = foreign_worker(&world, "prices", &Arc::default()).await;
    let daemon = world.daemon();
    world.settled().await;
    triggered(&world, "sync");
    ran(&world, "sync", "done", 1).await;
    world.redis.ask::<()>(&["FLUSHALL"]).await;
    let version: Option<String> = world.redis.ask(&["HGET", "bull:prices:meta", "version"]).await;
    assert_eq!(version, None, "the fault must have happened");
    triggered(&world, "sync");
    ran(&world, "sync", "done", 2).await;
    worker.close(1_000).await.unwrap();
    daemon.stop().await;
}

#[tokio::test]
async fn what_was_cancelled_in_hand_is_taken_away_when_it_ends() {
    let world = world(&[schedule("sync", YEARLY, &queue("{waits: true}"))]).await;
    says(&world, "bullmq:6.7.0").await;
    let go = Arc::new(Notify::new());
    let worker = foreign_worker(&world, "prices", &go).await;
    let daemon = world.daemon();
    world.settled().await;
    let job = triggered(&world, "sync");
    eventually("it is in hand", async || world.redis.ask::<u64>(&["LLEN", "bull:prices:active"]).await == 1).await;
    let (code, told) = world.pintle(&["jobs", "cancel", &job.to_string(), "--reason", "not wanted"]);
    assert_eq!(code, 0, "{told}");
    ran(&world, "sync", "cancelled", 1).await;
    daemon.stop().await;
    go.notify_one();
    let hash = format!("bull:prices:pintle-{job}");
    eventually("it ended", async || world.redis.ask::<u64>(&["ZCARD", "bull:prices:completed"]).await == 1).await;
    assert!(world.redis.ask::<bool>(&["EXISTS", &hash]).await, "nobody took it away");
    world.lease_expires().await;
    let daemon = world.daemon();
    eventually("it is taken away", async || !world.redis.ask::<bool>(&["EXISTS", &hash]).await).await;
    worker.close(1_000).await.unwrap();
    daemon.stop().await;
}
