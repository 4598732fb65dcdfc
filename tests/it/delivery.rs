//! Doorbells against a real Redis that is killed, restarted and flushed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bullmq::options::RedisConnectionOptions;
use bullmq::{JobOptions, Queue, QueueOptions};
use pintle::queue::delivery::{Delivery, DeliveryError, Handle, Heard, Known, Receiver, ReceiverSettings, Ringer};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::{self, PrivateRedis, eventually};

const QUEUE: &str = "rows";

/// A receiver that notes what it hears.
struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Listener {
    fn start(redis: &PrivateRedis) -> Self {
        Self::with(settings(redis), |_| async { Ok(()) })
    }

    fn with<F>(settings: ReceiverSettings, act: impl Fn(Heard) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let noted = heard.clone();
        let handle: Handle = Arc::new(move |it| {
            noted.lock().unwrap().push(it.clone());
            Box::pin(act(it))
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(Receiver::run(settings, handle, stop.clone()));
        Self { heard, stop, running }
    }

    fn times(&self, delivery: &Delivery) -> usize {
        let heard = self.heard.lock().unwrap();
        let same = |it: &&Heard| matches!(it, Heard::Delivery(one) if one == delivery);
        heard.iter().filter(same).count()
    }

    async fn hears(&self, delivery: &Delivery) {
        eventually("the delivery is heard", async || self.times(delivery) > 0).await;
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

fn settings(redis: &PrivateRedis) -> ReceiverSettings {
    ReceiverSettings {
        stalled_interval: Duration::from_millis(300),
        grace: Duration::from_secs(5),
        ..ReceiverSettings::new(&redis.url, QUEUE, 4)
    }
}

fn delivery() -> Delivery {
    Delivery { id: Uuid::now_v7(), jobs: vec![1, 2, 3] }
}

async fn ringer(redis: &PrivateRedis) -> Ringer {
    Ringer::connect(&redis.url, QUEUE).await.unwrap()
}

/// A call that a busy machine does not answer in time says no: who waits asks again.
async fn is(ringer: &Ringer, delivery: &Delivery, state: Known) -> bool {
    match ringer.known(&[delivery.id]).await {
        Err(DeliveryError::TimedOut { .. }) => false,
        known => known.unwrap() == [state],
    }
}

/// Another `BullMQ` client on our own queue.
async fn stranger(redis: &PrivateRedis) -> Queue {
    let connection = RedisConnectionOptions::new().url(&redis.url);
    let options = QueueOptions::new().connection(connection).prefix("pintle");
    Queue::with_options(QUEUE, options).await.unwrap()
}

#[tokio::test]
async fn a_delivery_is_heard_and_completed() {
    let redis = harness::redis().await;
    let (ringer, one) = (ringer(&redis).await, delivery());
    assert!(is(&ringer, &one, Known::Unknown).await);
    ringer.ring(std::slice::from_ref(&one)).await.unwrap();
    assert!(is(&ringer, &one, Known::Waiting).await);
    let listener = Listener::start(&redis);
    listener.hears(&one).await;
    eventually("it is completed", async || is(&ringer, &one, Known::Completed).await).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_killed_and_restarted_redis_delivers_again() {
    let mut redis = harness::redis().await;
    let ringer = ringer(&redis).await;
    let (before, after) = (delivery(), delivery());
    let listener = Listener::start(&redis);
    ringer.ring(std::slice::from_ref(&before)).await.unwrap();
    listener.hears(&before).await;

    redis.kill().await;
    let lost = ringer.ping().await;
    assert!(matches!(lost, Err(DeliveryError::Unreachable(_))), "{lost:?}");
    redis.start().await;
    assert!(is(&ringer, &before, Known::Unknown).await, "Redis came back with its data");

    let back = Instant::now();
    ringer.ring(std::slice::from_ref(&after)).await.unwrap();
    listener.hears(&after).await;
    assert!(back.elapsed() < Duration::from_secs(2), "recovery took {:?}", back.elapsed());
    listener.stop().await;
}

#[tokio::test]
async fn a_receiver_started_before_redis_hears_once_it_is_there() {
    let mut redis = harness::redis().await;
    redis.kill().await;
    let listener = Listener::start(&redis);
    let refused = Ringer::connect(&redis.url, QUEUE).await;
    assert!(matches!(refused, Err(DeliveryError::Unreachable(_))));
    redis.start().await;
    let one = delivery();
    ringer(&redis).await.ring(std::slice::from_ref(&one)).await.unwrap();
    listener.hears(&one).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_flushed_queue_goes_on_delivering() {
    let redis = harness::redis().await;
    let ringer = ringer(&redis).await;
    ringer.set_epoch("one").await.unwrap();
    let (before, after) = (delivery(), delivery());
    let listener = Listener::start(&redis);
    ringer.ring(std::slice::from_ref(&before)).await.unwrap();
    listener.hears(&before).await;

    redis.ask::<()>(&["FLUSHALL"]).await;
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]).await, 0);
    assert_eq!(ringer.epoch().await.unwrap(), None);

    ringer.ring(std::slice::from_ref(&after)).await.unwrap();
    listener.hears(&after).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_job_flushed_under_its_handler_does_not_break_the_worker() {
    let redis = harness::redis().await;
    let ringer = ringer(&redis).await;
    let (gate, passed) = (Arc::new(Semaphore::new(0)), delivery());
    let waits = gate.clone();
    let listener = Listener::with(settings(&redis), move |_| {
        let waits = waits.clone();
        async move { waits.acquire().await.map(drop).map_err(|error| error.to_string()) }
    });
    ringer.ring(std::slice::from_ref(&passed)).await.unwrap();
    listener.hears(&passed).await;
    redis.ask::<()>(&["FLUSHALL"]).await;
    assert!(is(&ringer, &passed, Known::Unknown).await);
    gate.add_permits(10);

    let after = delivery();
    ringer.ring(std::slice::from_ref(&after)).await.unwrap();
    eventually("it is completed", async || is(&ringer, &after, Known::Completed).await).await;
    listener.stop().await;
}

#[tokio::test]
async fn the_same_id_rings_once() {
    let redis = harness::redis().await;
    let (ringer, twice, last) = (ringer(&redis).await, delivery(), delivery());
    let listener = Listener::start(&redis);
    ringer.ring(&[twice.clone(), twice.clone()]).await.unwrap();
    listener.hears(&twice).await;
    eventually("it is completed", async || is(&ringer, &twice, Known::Completed).await).await;
    ringer.ring(&[twice.clone(), last.clone()]).await.unwrap();
    // The queue is first in, first out: what was rung before `last` would be heard by now.
    listener.hears(&last).await;
    assert_eq!(listener.times(&twice), 1);
    listener.stop().await;
}

#[tokio::test]
async fn a_panic_fails_one_job_only() {
    let redis = harness::redis().await;
    let ringer = ringer(&redis).await;
    let bad = delivery();
    let poison = bad.clone();
    let listener = Listener::with(settings(&redis), move |heard| {
        assert_ne!(heard, Heard::Delivery(poison.clone()), "the intended panic");
        async { Ok(()) }
    });
    let mut all: Vec<Delivery> = (0..20).map(|_| delivery()).collect();
    all.insert(3, bad.clone());
    ringer.ring(&all).await.unwrap();
    eventually("the bad one failed", async || is(&ringer, &bad, Known::Failed).await).await;
    for good in all.iter().filter(|one| **one != bad) {
        eventually("a good one completed", async || is(&ringer, good, Known::Completed).await).await;
    }
    assert_eq!(listener.times(&bad), 1);
    let stopping = Instant::now();
    listener.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(4), "the stop waited for the dead handler");
}

#[tokio::test]
async fn a_foreign_job_is_heard_as_foreign() {
    let redis = harness::redis().await;
    let listener = Listener::start(&redis);
    let stranger = stranger(&redis).await;
    let options = JobOptions { job_id: Some("theirs".into()), ..JobOptions::default() };
    let data = json!({"please": "reconcile"});
    stranger.add("reconcile", data.clone()).options(options).await.unwrap();
    let expected = Heard::Foreign { id: "theirs".into(), name: "reconcile".into(), data };
    eventually("it is heard", async || *listener.heard.lock().unwrap() == [expected.clone()]).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_foreign_job_of_a_megabyte_is_refused_unheard() {
    let redis = harness::redis().await;
    let listener = Listener::start(&redis);
    let stranger = stranger(&redis).await;
    stranger.add("reconcile", json!("x".repeat(1 << 20))).await.unwrap();
    eventually("it failed", async || stranger.get_failed_count().await.unwrap() == 1).await;
    assert_eq!(*listener.heard.lock().unwrap(), []);
    listener.stop().await;
}

#[tokio::test]
async fn a_job_of_a_dead_worker_is_heard_after_any_number_of_stalls() {
    let redis = harness::redis().await;
    let (ringer, one) = (ringer(&redis).await, delivery());
    ringer.ring(std::slice::from_ref(&one)).await.unwrap();
    // What a worker leaves that died with the job in hand: listed active, without a lock.
    let moved: Option<String> = redis.ask(&["RPOPLPUSH", "pintle:rows:wait", "pintle:rows:active"]).await;
    let key = format!("pintle:rows:{}", moved.unwrap());
    redis.ask::<()>(&["HSET", &key, "stc", "3"]).await;
    assert!(is(&ringer, &one, Known::Active).await);

    let listener = Listener::start(&redis);
    listener.hears(&one).await;
    assert_eq!(redis.ask::<String>(&["HGET", &key, "stc"]).await, "4");
    eventually("it is completed", async || is(&ringer, &one, Known::Completed).await).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_long_handler_keeps_its_lock() {
    let redis = harness::redis().await;
    let (ringer, one) = (ringer(&redis).await, delivery());
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    let lock_duration = Duration::from_millis(600);
    let listener = Listener::with(ReceiverSettings { lock_duration, ..settings(&redis) }, move |_| {
        let waits = waits.clone();
        async move { waits.acquire().await.map(drop).map_err(|error| error.to_string()) }
    });
    ringer.ring(std::slice::from_ref(&one)).await.unwrap();
    listener.hears(&one).await;
    let begun = Instant::now();
    eventually("five lock periods have passed", async || begun.elapsed() > 5 * lock_duration).await;
    assert!(is(&ringer, &one, Known::Active).await);
    assert_eq!(listener.times(&one), 1, "it stalled and was heard again");
    gate.add_permits(1);
    eventually("it is completed", async || is(&ringer, &one, Known::Completed).await).await;
    listener.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_handlers_within_the_grace_and_drops_them_after_it() {
    let redis = harness::redis().await;
    let (ringer, one) = (ringer(&redis).await, delivery());
    let (dropped, grace) = (Arc::new(()), Duration::from_millis(500));
    let held = dropped.clone();
    let listener = Listener::with(ReceiverSettings { grace, ..settings(&redis) }, move |_| {
        let held = held.clone();
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok(())
        }
    });
    ringer.ring(std::slice::from_ref(&one)).await.unwrap();
    listener.hears(&one).await;
    let stopping = Instant::now();
    listener.stop().await;
    assert!(stopping.elapsed() >= grace, "the stop did not wait");
    assert!(stopping.elapsed() < grace + Duration::from_secs(3), "the stop hung");
    eventually("the handler is dropped", async || Arc::strong_count(&dropped) <= 2).await;
}

#[tokio::test]
async fn a_paused_list_a_pause_and_another_major_are_interference() {
    let redis = harness::redis().await;
    let ringer = ringer(&redis).await;
    assert_eq!(ringer.interference().await.unwrap(), None);
    redis.ask::<()>(&["LPUSH", "pintle:rows:paused", "17"]).await;
    assert!(ringer.interference().await.unwrap().unwrap().contains("1 jobs"));
    redis.ask::<()>(&["HSET", "pintle:rows:meta", "version", "bullmq:5.65.1"]).await;
    assert!(ringer.interference().await.unwrap().unwrap().contains("5.65.1"));
    stranger(&redis).await.pause().await.unwrap();
    assert!(ringer.interference().await.unwrap().unwrap().contains("set paused on the queue"));
    ringer.release_brakes().await.unwrap();
    assert!(!ringer.interference().await.unwrap().unwrap().contains("set paused"));
}

#[tokio::test]
async fn a_full_redis_refuses_and_once_it_has_room_delivers_again() {
    let redis = harness::redis().await;
    let (ringer, one) = (ringer(&redis).await, delivery());
    let listener = Listener::start(&redis);
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let refused = ringer.ring(std::slice::from_ref(&one)).await.unwrap_err();
    let reason = std::error::Error::source(&refused).unwrap().to_string();
    assert!(reason.contains("maxmemory"), "{reason}");
    assert!(is(&ringer, &one, Known::Unknown).await);

    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let back = Instant::now();
    ringer.ring(std::slice::from_ref(&one)).await.unwrap();
    listener.hears(&one).await;
    assert!(back.elapsed() < Duration::from_secs(2), "recovery took {:?}", back.elapsed());
    listener.stop().await;
}
