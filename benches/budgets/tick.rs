//! A tick when nothing changed.

use super::clock::{median, ms, time};
use super::fleet::{Fleet, git};
use super::floors;
use super::report::{Goal, Report, Row};
use super::world::{Database, World};
use pintle::freshness::Freshness;
use pintle::limits::Caps;
use pintle::reconcile::{Host, Reconciler};
use pintle::source::{Fetched, Mirror};
use pintle::store::LeaderProof;
use pintle_core::change::Oid;
use pintle_core::model::Catalog;
use std::time::{Duration, Instant};
use uuid::Uuid;

const RUNS: usize = 20;
const FULL_RUNS: usize = 5;

pub async fn measure(world: &World, fleet: &Fleet, database: &Database, report: &mut Report) {
    let last = *fleet.edits.last().unwrap();
    git(&fleet.path, &["update-ref", "refs/heads/main", &last.to_string()]);
    let (mut reconciler, mut proof) = settled(world, fleet, database, last).await;
    let fetched = Fetched { tip: last, evidence: Vec::new() };
    report_reads(database, &mut reconciler, &mut proof, &fetched).await;
    let before = tuples_read(database).await;
    let mut bare = Vec::new();
    for _ in 0..RUNS {
        database.store.renew(&mut proof).await.unwrap();
        let started = Instant::now();
        let tick = reconciler.tick_at(&proof, &fetched, true).await.unwrap();
        bare.push(started.elapsed());
        assert!(tick.settled);
    }
    report_reads(database, &mut reconciler, &mut proof, &fetched).await;
    let read = tuples_read(database).await - before;
    let mut whole = Vec::new();
    for _ in 0..RUNS {
        database.store.renew(&mut proof).await.unwrap();
        let started = Instant::now();
        reconciler.tick(&proof, true).await.unwrap();
        whole.push(started.elapsed());
    }
    let mut full = Vec::new();
    for _ in 0..FULL_RUNS {
        database.store.renew(&mut proof).await.unwrap();
        reconciler.compare_all();
        let started = Instant::now();
        assert!(reconciler.tick_at(&proof, &fetched, true).await.unwrap().settled);
        full.push(started.elapsed());
    }
    let copy = floors::copy(database).await;
    let count = floors::count(database).await;
    let fetch = fetch_floor(world, fleet);
    database.store.resign(&proof).await.unwrap();
    let row = |name, ours: Vec<Duration>, floor: Duration, note: String| Row {
        name,
        size: fleet.size,
        ours: ms(median(ours)),
        floor: Some(ms(floor)),
        unit: "ms",
        goal: Goal::AtMost(1.0),
        note,
    };
    report.add(row(
        "no-change tick",
        bare,
        count,
        format!("from the fetched oid on; {RUNS} ticks read {read} live tuples by pg_stat_user_tables"),
    ));
    report.add(row(
        "no-change tick, git fetch included",
        whole,
        count + fetch,
        format!("the floor's `git fetch` is {:.1} ms", ms(fetch)),
    ));
    report.add(row("full compare of every row", full, copy, "as by schedule; the floor is `COPY` of every row".into()));
}

/// A reconciler for which everything is as declared.
async fn settled(world: &World, fleet: &Fleet, database: &Database, last: Oid) -> (Reconciler, LeaderProof) {
    let store = &database.store;
    let introduction = Fleet::introduction(last);
    assert!(store.introduce(&introduction).await.unwrap());
    let mut proof = store.lead("bench").await.unwrap().unwrap();
    let mirror = Mirror::open(
        &world.path(&format!("mirror-{}", fleet.size)),
        fleet.path.to_str().unwrap(),
        &introduction.git_ref,
    )
    .await
    .unwrap();
    mirror.fetch().await.unwrap();
    let writer = store.audit_writer(Uuid::now_v7()).await.unwrap();
    let state_dir = world.path(&format!("state-{}", fleet.size));
    std::fs::create_dir_all(&state_dir).unwrap();
    let host = Host { state_dir: &state_dir, caps: Caps::default(), freshness: Freshness::default() };
    let mut reconciler =
        Reconciler::new(store.clone(), mirror, Catalog::standard(), introduction, writer, host).unwrap();
    loop {
        store.renew(&mut proof).await.unwrap();
        let tick = tokio::time::timeout(Duration::from_mins(5), reconciler.tick(&proof, true)).await.unwrap();
        if tick.is_ok_and(|tick| tick.settled) {
            return (reconciler, proof);
        }
    }
}

/// Lets every backend say what it read: it does so when it is used a second after it said so last.
async fn report_reads(database: &Database, reconciler: &mut Reconciler, proof: &mut LeaderProof, fetched: &Fetched) {
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        database.store.renew(proof).await.unwrap();
        for _ in 0..3 {
            reconciler.tick_at(proof, fetched, true).await.unwrap();
        }
    }
}

/// What the kinds' tables were read, all backends together.
async fn tuples_read(database: &Database) -> i64 {
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut owner = database.owner().await;
    let sql = "SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_user_tables
        WHERE relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'pintle.objects'::regclass)";
    sqlx::query_scalar(sql).fetch_one(&mut owner).await.unwrap()
}

fn fetch_floor(world: &World, fleet: &Fleet) -> Duration {
    let clone = world.path(&format!("fetch-floor-{}", fleet.size));
    git(&clone, &["init", "--quiet", "--bare", "."]);
    let url = fleet.path.to_str().unwrap();
    let fetch = || {
        drop(git(
            &clone,
            &["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", url, "+refs/heads/main:refs/heads/main"],
        ));
    };
    fetch();
    median((0..10).map(|_| time(fetch).0).collect())
}
