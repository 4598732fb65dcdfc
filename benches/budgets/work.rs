//! Work that does nothing: from enqueue to done with the ledger, beside BullMQ 6 alone.

use super::bullmq::{Latency, Load, Node};
use super::clock::{median, ms, quantile};
use super::horizon;
use super::noop::{CONCURRENCY, Line, moments, of_partner, schedules};
use super::report::{Goal, Report, Row};
use super::world::World;
use jiff::{Span, Timestamp};
use pintle_core::schedule::Clock;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Jobs of one enqueue, and of one call of BullMQ's producer.
const CHUNK: usize = 500;
/// Jobs of the other partner.
const SINGLES: usize = 20;
/// How long the open loop goes on, after a start that counts on neither side: code is compiled, and files grow.
const OPEN_LOOP: Duration = Duration::from_secs(8);
const OPEN_START: Duration = Duration::from_secs(2);
/// Of as many in turn the median is told: a pause of the machine is the tail of neither.
const OPEN_LOOPS: usize = 3;

pub async fn measure(world: &World, jobs: usize, report: &mut Report) {
    eprintln!("{jobs} jobs that do nothing");
    let Some(node) = Node::install(world).await else {
        eprintln!("no node, or no bullmq to be had: the rows of work are left out");
        return;
    };
    let database = world.database("work").await;
    let line = Line::open(world, &database).await;
    line.hire().await;
    // Warm: the code of one, and the plans of the other's statements.
    node.run(CONCURRENCY, jobs / 4).await;
    closed(&line, jobs / 4).await;
    let (mut floor, mut ours) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        floor = floor.min(node.run(CONCURRENCY, jobs).await);
        ours = ours.min(closed(&line, jobs).await);
    }
    let per_second = |seconds: f64| jobs as f64 / seconds;
    report.add(Row {
        name: "work, enqueue to done",
        size: jobs,
        ours: per_second(ours),
        floor: Some(per_second(floor)),
        unit: "jobs/s",
        goal: Goal::AtLeast(0.7),
        note: format!("best of 3 at concurrency {CONCURRENCY}; ours with ledger and two audit records a job, the floor is BullMQ 6 in two Node processes"),
    });
    let rate = per_second(floor) / 2.0;
    let jobs_in = |time: Duration| (rate * time.as_secs_f64()) as usize;
    let load = Load { rate, start: jobs_in(OPEN_START), jobs: jobs_in(OPEN_LOOP).min(2 * jobs) };
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..OPEN_LOOPS {
        database.settle().await;
        floors.push(node.latency(CONCURRENCY, load).await);
        ours.push(open(&line, load).await);
    }
    for (name, part) in [
        ("work, p50 at half of BullMQ's most", (|one| one.p50) as fn(&Latency) -> Duration),
        ("work, p99 at half of BullMQ's most", |one| one.p99),
    ] {
        report.add(Row {
            name,
            size: load.jobs,
            ours: ms(median(ours.iter().map(part).collect())),
            floor: Some(ms(median(floors.iter().map(part).collect()))),
            unit: "ms",
            goal: Goal::AtMost(1.0),
            note: format!("open loop at {rate:.0} jobs a second, from when each was due; both have run for {OPEN_START:?} before, median of {OPEN_LOOPS} in turn"),
        });
    }
    let before = median(ours.iter().map(|one| one.p50).collect());
    horizon::measure(&database, &line, load, before, report).await;
}

/// What waits in the ledger costs Redis little, whatever it is: what is rung for is bounded.
pub async fn measure_memory(world: &World, jobs: usize, report: &mut Report) {
    let Some(node) = Node::install(world).await else { return };
    let database = world.database("waiting").await;
    let before = world.empty_redis().await;
    let line = Line::open(world, &database).await;
    for chunk in moments(Timestamp::now(), jobs).chunks(CHUNK) {
        line.enqueue(chunk).await;
    }
    line.rung().await;
    let ours = world.redis_memory().await - before;
    drop(line);
    let before = world.empty_redis().await;
    node.produce(jobs, None).await;
    report.add(Row {
        name: "memory of Redis, jobs that wait",
        size: jobs,
        // What connections hold may shrink meanwhile by more than a few doorbells take.
        ours: (ours / 1e6).max(0.0),
        floor: Some((world.redis_memory().await - before) / 1e6),
        unit: "MB",
        goal: Goal::AtMost(1.0),
        note: "nobody works; the floor is as many jobs in BullMQ".to_owned(),
    });
}

/// A single job of one partner, beside very many of another that came before.
pub async fn measure_fairness(world: &World, jobs: usize, report: &mut Report) {
    let Some(node) = Node::install(world).await else { return };
    let database = world.database("fairness").await;
    world.empty_redis().await;
    let floor = node.run(CONCURRENCY, jobs).await;
    let line = Line::open(world, &database).await;
    let (crowd, single) = (of_partner("acme"), of_partner("nordwind"));
    for chunk in moments(Timestamp::now(), jobs).chunks(4 * CHUNK) {
        line.enqueue_of(&crowd, chunk).await;
    }
    line.hire().await;
    let mut took = Vec::new();
    for _ in 0..SINGLES {
        took.push(line.single(&single).await);
    }
    let waits = line.waiting().await;
    assert!(waits > 0, "the crowd is done before the single ones");
    report.add(Row {
        name: "a job behind another partner's crowd, p95",
        size: jobs,
        ours: ms(quantile(took, 0.95)),
        floor: Some(floor * 1_000.0),
        unit: "ms",
        goal: Goal::AtMost(0.1),
        note: format!("{SINGLES} jobs, one after another, after the last of which {waits} of the crowd still waited; the floor is the last of as many in BullMQ, which takes them as they come"),
    });
}

/// Schedules that are due at one second, from when they are looked at to their jobs in the ledger.
pub async fn measure_scheduler(world: &World, count: usize, report: &mut Report) {
    let Some(node) = Node::install(world).await else { return };
    let database = world.database("schedules").await;
    let line = Line::open(world, &database).await;
    let rows = schedules(count);
    let began = Instant::now();
    let looked = Timestamp::now();
    let clocks: Vec<Clock> = rows.iter().map(|row| Clock::of(&row.spec, &[]).unwrap()).collect();
    let next: Vec<Timestamp> = clocks.iter().filter_map(|clock| clock.next(looked)).collect();
    let read = began.elapsed();
    assert_eq!(next.len(), count);
    let began = Instant::now();
    line.enqueue_each(&rows, next[0]).await;
    let fired = began.elapsed();
    let floor = node.schedules(count).await;
    report.add(Row {
        name: "schedules: read, due, in the queue",
        size: count,
        ours: ms(read + fired),
        floor: Some(floor),
        unit: "ms",
        goal: Goal::AtMost(1.0),
        note: format!(
            "reading {:.0} ms, firing {:.0} ms; the floor is BullMQ's upsertJobScheduler of as many",
            ms(read),
            ms(fired)
        ),
    });
}

/// All of them at once; in seconds.
async fn closed(line: &Line, jobs: usize) -> f64 {
    let began = Instant::now();
    for chunk in moments(Timestamp::now(), jobs).chunks(CHUNK) {
        line.enqueue(chunk).await;
    }
    line.done(jobs).await;
    began.elapsed().as_secs_f64()
}

/// Each at its time, whether or not the worker keeps up.
pub async fn open(line: &Line, load: Load) -> Latency {
    let (began, start) = (Instant::now(), Timestamp::now());
    let due_at = |n: usize| Duration::from_secs_f64(n as f64 / load.rate);
    let all = load.start + load.jobs;
    let mut due_of = HashMap::with_capacity(all);
    let mut added = 0;
    while added < all {
        let due = all.min((began.elapsed().as_secs_f64() * load.rate) as usize + 1);
        if due > added {
            let times: Vec<Timestamp> =
                (added..due).map(|n| start + Span::new().microseconds(due_at(n).as_micros() as i64)).collect();
            due_of.extend(line.enqueue(&times).await.into_iter().zip(added..due));
            added = due;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let done = line.done(all).await.into_iter().map(|(job, at)| (due_of[&job], at));
    let counted = done.filter(|(n, _)| *n >= load.start);
    Latency::of(counted.map(|(n, at)| at.saturating_duration_since(began + due_at(n))).collect())
}
