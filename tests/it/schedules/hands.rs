//! A doorbell may bring more than there are hands.

use super::{YEARLY, schedule, triggered, world};
use pintle::handlers::{Failure, Handler};
use pintle::queue::delivery::Heard;
use pintle::queue::hands::Hands;
use pintle::queue::hears::Hears;
use pintle::queue::lane::WorkLane;
use pintle::queue::work::{Lease, WorkWorker};
use pintle::store::Store;
use pintle::store::release::{Limits, Room, WORK};
use pintle::store::work::Work;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Is done when it is told to be.
struct Waits(Arc<Notify>);

impl Handler for Waits {
    async fn handle(&self, _: &Work, _: CancellationToken) -> Result<String, Failure> {
        self.0.notified().await;
        Ok(String::new())
    }
}

#[tokio::test]
async fn what_finds_no_free_hand_goes_back_unclaimed_and_nothing_is_said_of_it() {
    let clock = format!("{YEARLY}\n  overlap: allow");
    let world = world(&[schedule("slow", &clock, "{kind: exec, program: slow}")]).await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    let (one, other) = (triggered(&world, "slow"), triggered(&world, "slow"));
    let store = Store::open(&world.database.url, 8).unwrap();
    let process = Uuid::now_v7();
    store.beat(process, "here", 1).await.unwrap();
    let proof = store.lead("here").await.unwrap().unwrap();
    let room = Room { batch: 2, window: 16, refill: 1 };
    let mut released = store.release(&proof, WORK.queue, room, &Limits::default()).await.unwrap();
    let delivery = released.deliveries.pop().unwrap();
    assert_eq!(delivery.jobs, [one, other], "one doorbell brings both");

    let done = Arc::new(Notify::new());
    let worker = WorkWorker::new(store, Waits(done.clone()), process, Lease::default());
    let lane = WorkLane::new(worker, Hands::new(1));
    let hearing =
        tokio::spawn(async move { lane.hear(Heard::Delivery(delivery)).await.map_err(|error| error.to_string()) });
    let db = &world.database;
    let states = "SELECT string_agg(state, ' ' ORDER BY state) FROM pintle.job_state WHERE work = 'exec'";
    db.until(&format!("(({states}) = 'queued running')")).await;
    done.notify_one();
    hearing.await.unwrap().unwrap();
    assert_eq!(db.ask(states).await.as_deref(), Some("done queued"));
    let waiting =
        "SELECT attempts || ' ' || coalesce(delivery::text, 'none') FROM pintle.job_state WHERE state = 'queued'";
    assert_eq!(db.ask(waiting).await.as_deref(), Some("0 none"));
    assert_eq!(world.told("slow").await.iter().filter(|line| line.starts_with("intent")).count(), 1);
}
