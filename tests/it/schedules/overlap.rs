//! A tick comes while the run before is not over.

use super::{daemon, program, ran, schedule, world};
use crate::harness::{Database, World, eventually};
use jiff::Timestamp;
use pintle::store::Store;
use pintle::store::release::Room;
use pintle::store::schedules::{Looked, ScheduleRow, Tick, Trigger};

/// A run that lasts until the file `go` is there.
const WAITS: &str = "while [ ! -e \"$PINTLE_PROGRAM.go\" ]; do sleep 0.05; done";

async fn overlapping(rule: &str) -> (World, crate::harness::Daemon) {
    let clock = format!("cron: [\"* * * * * *\"]\n  overlap: {rule}");
    let world = world(&[schedule("slow", &clock, "{kind: exec, program: slow}")]).await;
    let slow = program(&world, "slow", WAITS);
    let daemon = daemon(&world, "daemon", &slow);
    (world, daemon)
}

fn go(world: &World) {
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
}

#[tokio::test]
async fn skip_drops_the_tick_and_says_so() {
    let (world, daemon) = overlapping("skip").await;
    world.database.until("((SELECT count(*) FROM pintle.runs WHERE outcome = 'overlap') >= 2)").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.runs WHERE outcome = 'run'").await, 1);
    go(&world);
    ran(&world, "slow", "done", 2).await;
    daemon.stop().await;
}

#[tokio::test]
async fn buffer_one_lets_one_wait_and_no_two_run_at_a_time() {
    let (world, daemon) = overlapping("buffer-one").await;
    world.database.until("((SELECT count(*) FROM pintle.runs WHERE outcome = 'overlap') >= 1)").await;
    let open = "SELECT string_agg(state, ' ' ORDER BY job_id) FROM pintle.job_state WHERE queue <> 'rows'";
    assert_eq!(world.database.ask(open).await.unwrap(), "running queued");
    go(&world);
    ran(&world, "slow", "done", 2).await;
    daemon.stop().await;
}

#[tokio::test]
async fn allow_runs_them_beside_each_other() {
    let (world, daemon) = overlapping("allow").await;
    ran(&world, "slow", "running", 2).await;
    go(&world);
    ran(&world, "slow", "done", 2).await;
    daemon.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_schedule_that_is_suspended_does_not_run_and_that_is_recorded() {
    let clock = "cron: [\"* * * * * *\"]\n  overlap: buffer-one";
    let (path, text) = schedule("slow", clock, "{kind: exec, program: slow}");
    let world = world(&[(path.clone(), text.clone())]).await;
    let slow = program(&world, "slow", WAITS);
    let daemon = daemon(&world, "daemon", &slow);
    ran(&world, "slow", "running", 1).await;
    ran(&world, "slow", "queued", 1).await;
    world.repository.change("alice", &path, &text.replace("  job:", "  suspend: true\n  job:"));
    ran(&world, "slow", "cancelled", 1).await;
    assert!(world.told("slow").await.contains(&"system cancel ok".to_owned()), "{:?}", world.told("slow").await);
    go(&world);
    ran(&world, "slow", "done", 1).await;
    daemon.stop().await;
}

#[tokio::test]
async fn cancel_other_ends_the_run_before() {
    let (world, daemon) = overlapping("cancel-other").await;
    ran(&world, "slow", "cancelled", 1).await;
    let told = world.told("slow").await;
    eventually("the end is recorded", async || world.told("slow").await.contains(&"outcome exec refused".to_owned()))
        .await;
    assert!(told.contains(&"intent exec ok".to_owned()), "{told:?}");
    go(&world);
    ran(&world, "slow", "done", 1).await;
    daemon.stop().await;
}

/// A Schedule of this overlap rule, called by it.
fn overlaps(rule: &str) -> ScheduleRow {
    ScheduleRow {
        uid: uuid::Uuid::now_v7(),
        source: "test".to_owned(),
        name: rule.to_owned(),
        spec: serde_json::from_str(&format!(r#"{{"overlap": "{rule}", "job": {{"kind": "exec"}}}}"#)).unwrap(),
        commit: None,
        file: None,
        suspended: false,
        looked_until: None,
    }
}

fn tick(schedule: &ScheduleRow, second: i64) -> Tick<'_> {
    let tick = Timestamp::from_second(second).unwrap();
    Tick { schedule, tick, not_before: tick, trigger: Trigger::Clock, dropped: None, note: None, by: None }
}

#[tokio::test]
async fn what_takes_no_turns_goes_straight_as_far_as_there_is_room_and_only_while_nothing_waits() {
    let database = Database::new().await;
    let (allow, skip) = (overlaps("allow"), overlaps("skip"));
    let store = Store::open(&database.url, 4).unwrap();
    let proof = store.lead("here").await.unwrap().unwrap();
    let writer = store.audit_writer(uuid::Uuid::now_v7()).await.unwrap();
    let room = Room { batch: 2, window: 3, refill: 1 };
    let fired = async |ticks: &[Tick<'_>], room| store.fire(&proof, &writer, ticks, &[], room).await.unwrap().released;
    let states =
        "SELECT object_name || ' ' || state || ' ' || (delivery IS NOT NULL) FROM pintle.job_state ORDER BY job_id";
    let out = fired(&[tick(&skip, 1), tick(&allow, 1), tick(&allow, 2)], Some(room)).await;
    assert_eq!((out.jobs, out.deliveries.len(), out.out), (2, 1, Some(0)));
    let first = ["skip queued false", "allow released true", "allow released true"];
    assert_eq!(database.list(states).await, first);
    assert_eq!(fired(&[tick(&allow, 3)], Some(room)).await.jobs, 0, "somebody waits");
    database.run("UPDATE pintle.job_state SET state = 'done' WHERE state = 'queued'").await;
    let out = fired(&[tick(&allow, 4), tick(&allow, 5)], Some(room)).await;
    assert_eq!((out.jobs, out.out), (1, Some(2)), "there was room for one");
    database.run("UPDATE pintle.job_state SET state = 'done'").await;
    assert_eq!(fired(&[tick(&allow, 6)], None).await.jobs, 0, "nobody rings");
    database.run("UPDATE pintle.job_state SET state = 'done'").await;
    assert_eq!(fired(&[tick(&allow, 7)], Some(room)).await.jobs, 1, "and that alone was why");
}

#[tokio::test]
async fn of_one_schedule_a_thousand_runs_wait_and_no_more_whoever_counted_before_and_there_is_room_as_they_end() {
    let (database, schedule) = (Database::new().await, overlaps("allow"));
    let fired = async |seconds: std::ops::Range<i64>| {
        // A leader of its own each time: it remembers nothing of the one before.
        database.run("DELETE FROM pintle.leader").await;
        let store = Store::open(&database.url, 4).unwrap();
        let proof = store.lead("here").await.unwrap().unwrap();
        let writer = store.audit_writer(uuid::Uuid::now_v7()).await.unwrap();
        let mut jobs = 0;
        // In two goes: the second by what is remembered of the first.
        let times: Vec<i64> = seconds.collect();
        for some in times.chunks(times.len().div_ceil(2)) {
            let ticks: Vec<Tick<'_>> = some.iter().map(|second| tick(&schedule, *second)).collect();
            jobs += store.fire(&proof, &writer, &ticks, &[], None).await.unwrap().jobs.len();
        }
        store.end_audit_writer(writer).await.unwrap();
        jobs
    };
    assert_eq!(fired(0..600).await, 600);
    assert_eq!(fired(600..1_200).await, 400, "the next one counts what there is");
    assert_eq!(database.count("SELECT count(*) FROM pintle.runs WHERE outcome = 'overlap'").await, 200, "and says so");
    database.run("UPDATE pintle.job_state SET state = 'done' WHERE job_id % 2 = 0").await;
    assert_eq!(fired(1_200..1_600).await, 400);
    assert_eq!(fired(1_600..2_000).await, 100);
}

#[tokio::test]
async fn ticks_that_ran_before_take_no_room_from_those_that_did_not_and_who_no_longer_leads_adds_none() {
    let (database, schedule) = (Database::new().await, overlaps("allow"));
    let store = Store::open(&database.url, 4).unwrap();
    let proof = store.lead("here").await.unwrap().unwrap();
    let writer = store.audit_writer(uuid::Uuid::now_v7()).await.unwrap();
    let fired = async |seconds: std::ops::Range<i64>| {
        let ticks: Vec<Tick<'_>> = seconds.map(|second| tick(&schedule, second)).collect();
        store.fire(&proof, &writer, &ticks, &[], None).await.map(|fired| (fired.jobs.len(), fired.ran_before))
    };
    assert_eq!(fired(0..600).await.unwrap(), (600, 0));
    assert_eq!(fired(0..900).await.unwrap(), (300, 600), "they are left out before it is counted");
    assert_eq!(fired(0..50).await.unwrap(), (0, 50), "there is room for all: the index leaves them out");
    assert_eq!(database.count("SELECT count(*) FROM pintle.runs WHERE outcome <> 'run'").await, 0);
    database.run("UPDATE pintle.leader SET expires_at = '-infinity'").await;
    store.lead("there").await.unwrap().unwrap();
    assert!(matches!(fired(900..910).await, Err(pintle::store::StoreError::NotLeader)));
    assert_eq!(database.count("SELECT count(*) FROM pintle.jobs").await, 900);
}

#[tokio::test]
async fn what_is_looked_at_beyond_what_a_crashed_server_forgot_is_refused_and_buries_no_tick() {
    for rule in ["allow", "skip"] {
        let (database, schedule) = (Database::new().await, overlaps(rule));
        let store = Store::open(&database.url, 4).unwrap();
        let proof = store.lead("here").await.unwrap().unwrap();
        let writer = store.audit_writer(uuid::Uuid::now_v7()).await.unwrap();
        let second = |at| Timestamp::from_second(at).unwrap();
        let uid = schedule.uid;
        database
            .run(&format!(
                "INSERT INTO pintle.schedule_clocks (uid, looked_until, clock) VALUES ('{uid}', to_timestamp(100), '')"
            ))
            .await;
        let fire = async |from, at| {
            let looked = [Looked { uid, from: second(from), until: second(at) }];
            store.fire(&proof, &writer, &[tick(&schedule, at)], &looked, None).await
        };
        let known = "SELECT (SELECT count(*) FROM pintle.runs) || ' runs until ' || extract(epoch FROM looked_until)::bigint FROM pintle.schedule_clocks";
        assert_eq!(fire(100, 101).await.unwrap().jobs.len(), 1);
        assert_eq!(database.list(known).await, ["1 runs until 101"]);
        // As a server does that crashes before the last commit is on the disk.
        for table in ["runs", "jobs", "job_state"] {
            database.run(&format!("DELETE FROM pintle.{table}")).await;
        }
        database.run("UPDATE pintle.schedule_clocks SET looked_until = to_timestamp(100)").await;
        assert!(fire(101, 102).await.is_err(), "{rule}: the tick at 101 is nowhere");
        assert_eq!(database.list(known).await, ["0 runs until 100"], "{rule}");
        // It is read anew what was looked at, and that tick is due.
        assert_eq!(fire(100, 101).await.unwrap().jobs.len(), 1, "{rule}");
    }
}
