//! Work that does nothing, through the ledger: the scheduler's, the relay's and the worker's own code, put together as
//! the daemon does, with a handler that is done at once.

use super::world::{Database, World};
use futures_util::future::join_all;
use jiff::{Span, Timestamp};
use pintle::handlers::{Failure, Handler};
use pintle::queue::delivery::{Heard, Receiver, ReceiverSettings, Ringer};
use pintle::queue::hands::Hands;
use pintle::queue::hears::{HearError, Hears, handle};
use pintle::queue::lane::WorkLane;
use pintle::queue::pace::Pace;
use pintle::queue::relay::{Left, relay};
use pintle::queue::straight::Straight;
use pintle::queue::work::{Lease, WorkWorker};
use pintle::queue::writers::Writers;
use pintle::store::release::{Limits, WORK};
use pintle::store::schedules::{ScheduleRow, Tick, Trigger};
use pintle::store::work::Work;
use pintle::store::{LeaderProof, Store, StoreError};
use pintle_core::change::Value;
use sqlx::postgres::PgListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Jobs at one time.
pub const CONCURRENCY: usize = 50;

struct Noop;

impl Handler for Noop {
    async fn handle(&self, _: &Work, _: CancellationToken) -> Result<String, Failure> {
        Ok(String::new())
    }
}

/// Hears, and remembers when what it heard stood in the ledger as done.
struct Timed {
    lane: Arc<WorkLane<Noop>>,
    done: Mutex<Vec<(i64, Instant)>>,
    count: watch::Sender<usize>,
}

impl Hears for Timed {
    async fn hear(&self, heard: Heard) -> Result<(), HearError> {
        let Heard::Delivery(delivery) = heard else { unreachable!("nobody else uses this Redis") };
        let each = delivery.jobs.iter().map(|job| self.one(delivery.id, *job));
        Ok(join_all(each).await.into_iter().collect::<Result<(), _>>()?)
    }
}

impl Timed {
    async fn one(&self, delivery: Uuid, job: i64) -> Result<(), Arc<StoreError>> {
        self.lane.one(delivery, job).await?;
        let mut done = self.done.lock().unwrap();
        done.push((job, Instant::now()));
        self.count.send_replace(done.len());
        Ok(())
    }
}

/// A leader, and a worker once there is one.
pub struct Line {
    pub store: Store,
    proof: Arc<Mutex<LeaderProof>>,
    writers: Writers,
    schedules: Vec<ScheduleRow>,
    timed: Arc<Timed>,
    process: Uuid,
    slots: Arc<AtomicUsize>,
    straight: Arc<Straight>,
    redis_url: String,
    over: CancellationToken,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Line {
    /// Relays; nobody works yet.
    pub async fn open(world: &World, database: &Database) -> Self {
        let store = Store::open(&database.url, 2 * CONCURRENCY as u32 + 8).unwrap();
        let process = Uuid::now_v7();
        let proof = Arc::new(Mutex::new(store.lead("bench").await.unwrap().unwrap()));
        let worker = WorkWorker::new(store.clone(), Noop, process, Lease::default());
        let timed = Arc::new(Timed {
            lane: WorkLane::new(worker, Hands::new(CONCURRENCY)),
            done: Mutex::default(),
            count: watch::Sender::default(),
        });
        let (over, slots) = (CancellationToken::new(), Arc::<AtomicUsize>::default());
        let (runtime, token) = (tokio::runtime::Handle::current(), over.clone());
        let straight = Arc::<Straight>::default();
        let (own, redis_url, leading, hired, aside) =
            (store.clone(), world.redis_url(), proof.clone(), slots.clone(), straight.clone());
        std::thread::spawn(move || {
            runtime.block_on(token.run_until_cancelled(relaying(own, redis_url, leading, process, hired, aside)))
        });
        let writers = Writers::new(store.clone(), process);
        let schedules = several(|n| schedule(&format!("noop-{n}"), "UTC"));
        Self { store, process, proof, writers, schedules, timed, slots, straight, over, redis_url: world.redis_url() }
    }

    /// Works from now on, [`CONCURRENCY`] jobs at a time.
    pub async fn hire(&self) {
        self.slots.store(CONCURRENCY, Ordering::Relaxed);
        self.store.beat(self.process, "bench", CONCURRENCY).await.unwrap();
        let settings = ReceiverSettings::new(&self.redis_url, WORK.queue, CONCURRENCY);
        tokio::spawn(Receiver::run(settings, handle(self.timed.clone()), self.over.clone()));
    }

    /// Enqueues what is due at each of `times`, as the scheduler does; the jobs in the same order.
    pub async fn enqueue(&self, times: &[Timestamp]) -> Vec<i64> {
        self.enqueue_of(&self.schedules, times).await
    }

    /// The same, dealt to `schedules`.
    pub async fn enqueue_of(&self, schedules: &[ScheduleRow], times: &[Timestamp]) -> Vec<i64> {
        let ticks: Vec<Tick<'_>> = schedules.iter().cycle().zip(times).map(|(one, time)| tick(one, *time)).collect();
        self.fire(&ticks).await
    }

    /// Enqueues one tick of each of `schedules`.
    pub async fn enqueue_each(&self, schedules: &[ScheduleRow], time: Timestamp) {
        for some in schedules.chunks(2_000) {
            let ticks: Vec<Tick<'_>> = some.iter().map(|schedule| tick(schedule, time)).collect();
            self.fire(&ticks).await;
        }
    }

    async fn fire(&self, ticks: &[Tick<'_>]) -> Vec<i64> {
        let (store, proof) = (&self.store, &self.proof.lock().unwrap().clone());
        let (room, looked) = (self.straight.room(), Instant::now());
        let firing = self.writers.with(|writer| async move { store.fire(proof, &writer, ticks, &[], room).await });
        let fired = firing.await.unwrap();
        self.straight.hand_over(looked, fired.released);
        fired.jobs
    }

    /// One job of the first of `schedules`: from its enqueue to its end.
    pub async fn single(&self, schedules: &[ScheduleRow]) -> Duration {
        let began = Instant::now();
        let job = self.enqueue_of(schedules, &[Timestamp::now()]).await[0];
        let mut count = self.timed.count.subscribe();
        loop {
            if let Some((_, at)) = self.timed.done.lock().unwrap().iter().rev().find(|(done, _)| *done == job) {
                return *at - began;
            }
            count.changed().await.unwrap();
        }
    }

    /// Jobs that wait in the ledger.
    pub async fn waiting(&self) -> i64 {
        let waiting = "SELECT count(*) FROM pintle.job_state WHERE state = 'queued'";
        sqlx::query_scalar(waiting).fetch_one(self.store.pool()).await.unwrap()
    }

    /// Waits until as much is out as there is room for.
    pub async fn rung(&self) {
        let out = "SELECT count(*) > 0 FROM pintle.job_state WHERE state = 'released'";
        while !sqlx::query_scalar::<_, bool>(out).fetch_one(self.store.pool()).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until `count` jobs are done; when each was.
    pub async fn done(&self, count: usize) -> Vec<(i64, Instant)> {
        self.timed.count.subscribe().wait_for(|done| *done >= count).await.unwrap();
        std::mem::take(&mut *self.timed.done.lock().unwrap())
    }
}

fn tick(schedule: &ScheduleRow, time: Timestamp) -> Tick<'_> {
    Tick { schedule, tick: time, not_before: time, trigger: Trigger::Clock, dropped: None, note: None, by: None }
}

/// Moments a microsecond apart, as ticks of one schedule are told apart by their time.
pub fn moments(from: Timestamp, count: usize) -> Vec<Timestamp> {
    (0..count as i64).map(|n| from + Span::new().microseconds(n)).collect()
}

async fn relaying(
    store: Store,
    redis_url: String,
    lease: Arc<Mutex<LeaderProof>>,
    process: Uuid,
    slots: Arc<AtomicUsize>,
    straight: Arc<Straight>,
) {
    let ringer = Ringer::connect(&redis_url, WORK.queue).await.unwrap();
    let mut listener = PgListener::connect_with(store.pool()).await.unwrap();
    listener.listen("pintle_jobs").await.unwrap();
    let mut pace = Pace::new(WORK, &Limits::default());
    let mut renewed = Instant::now();
    loop {
        let mut proof = lease.lock().unwrap().clone();
        let left = relay(&store, &ringer, &mut pace, &proof).await.unwrap();
        if renewed.elapsed() > Duration::from_secs(2) {
            store.renew(&mut proof).await.unwrap();
            *lease.lock().unwrap() = proof;
            store.beat(process, "bench", slots.load(Ordering::Relaxed)).await.unwrap();
            renewed = Instant::now();
        }
        // As the daemon does: who waits for nothing is not woken by room, and who does not at once.
        let (looked, breath) = (Instant::now(), pace.breath());
        let rung = async {
            while listener.recv().await.unwrap().payload() == "room" {
                if left == Left::Crowd {
                    return tokio::time::sleep(breath.saturating_sub(looked.elapsed())).await;
                }
            }
        };
        let anything = async { drop(tokio::time::timeout(Duration::from_secs(1), rung).await) };
        straight.ring_until(&ringer, &mut pace, anything).await.unwrap();
        // Those that came meanwhile ring for the same.
        while listener.next_buffered().is_some() {}
    }
}

/// As many, of another name and zone each, that are due at one time.
pub fn schedules(count: usize) -> Vec<ScheduleRow> {
    let zones = ["Africa/Lagos", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"];
    let of = |n: usize| schedule(&format!("s{n}"), zones[n % zones.len()]);
    (0..count).map(of).collect()
}

/// No schedule has more than a thousand runs that are not over.
fn several(of: impl Fn(usize) -> ScheduleRow) -> Vec<ScheduleRow> {
    (0..2_000).map(of).collect()
}

/// Some of `partner`.
pub fn of_partner(partner: &str) -> Vec<ScheduleRow> {
    several(|n| of_one(partner, n))
}

fn of_one(partner: &str, n: usize) -> ScheduleRow {
    with_job(&format!("{partner}-{n}"), "UTC", &serde_json::json!({"kind": "noop", "select": {"partner": partner}}))
}

fn schedule(name: &str, zone: &str) -> ScheduleRow {
    with_job(name, zone, &serde_json::json!({"kind": "noop"}))
}

fn with_job(name: &str, zone: &str, job: &serde_json::Value) -> ScheduleRow {
    let spec = serde_json::json!({"cron": ["0 * * * *"], "timezone": zone, "overlap": "allow", "job": job});
    ScheduleRow {
        uid: Uuid::now_v7(),
        source: "bench".to_owned(),
        name: name.to_owned(),
        spec: serde_json::from_value::<Value>(spec).unwrap(),
        commit: None,
        file: None,
        suspended: false,
        looked_until: None,
    }
}
