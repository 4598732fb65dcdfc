//! How much runs at one time: of a kind, of a partner, for a region, in a process.

use super::{YEARLY, program, ran, runs, schedule, triggered, world};
use crate::harness::{Daemon, World, partner, suite};

/// A run that lasts until the file `go` is there.
const WAITS: &str = "while [ ! -e \"$PINTLE_PROGRAM.go\" ]; do sleep 0.05; done";

fn go(world: &World) {
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
}

/// Runs with `settings`, gives work that is limited to one and then some that is not: the second is done while one of the
/// first runs and the other waits.
async fn one_at_a_time(limited: [(String, String); 2], settings: &[(&str, &str)]) {
    let free = schedule("free", YEARLY, "{kind: http, url: \"http://127.0.0.1:9/\", method: GET}");
    let partners = ["acme", "nordwind"].map(|name| (format!("partners/{name}.yaml"), partner(name)));
    let world = world(&[limited.as_slice(), &[free], &partners].concat()).await;
    let slow = program(&world, "slow", WAITS);
    let mut all = vec![("PINTLE_PROGRAMS", slow.as_str())];
    all.extend(settings);
    let daemon = Daemon::start(&world, "daemon", &all);
    world.settled().await;
    let (one, other) = (triggered(&world, "one"), triggered(&world, "other"));
    runs(&world, one).await;
    // Later than both, and it ends: the leader has looked at all that waits.
    let free = triggered(&world, "free");
    world.database.until(&format!("(SELECT attempts > 0 FROM pintle.job_state WHERE job_id = {free})")).await;
    let states = world.database.list("SELECT state FROM pintle.job_state WHERE work = 'exec' ORDER BY job_id").await;
    assert_eq!(states, ["running", "queued"], "{one} and {other}");
    go(&world);
    ran(&world, "one", "done", 1).await;
    ran(&world, "other", "done", 1).await;
    daemon.stop().await;
}

#[tokio::test]
async fn no_more_of_a_kind_run_at_one_time_than_it_has_slots() {
    let exec = |name: &str| schedule(name, YEARLY, "{kind: exec, program: slow}");
    one_at_a_time([exec("one"), exec("other")], &[("PINTLE_SLOTS", "exec=1")]).await;
}

#[tokio::test]
async fn no_more_of_a_partner_run_at_one_time_than_it_has_slots() {
    let exec = |name: &str| schedule(name, YEARLY, "{kind: exec, program: slow, select: {partner: acme}}");
    one_at_a_time([exec("one"), exec("other")], &[("PINTLE_PARTNER_SLOTS", "1")]).await;
}

#[tokio::test]
async fn no_more_run_for_one_region_at_one_time_than_it_has_slots() {
    let exec = |name: &str| schedule(name, YEARLY, "{kind: exec, program: slow, select: {labels: {region: eu}}}");
    one_at_a_time([exec("one"), exec("other")], &[("PINTLE_REGION_SLOTS", "1")]).await;
}

#[tokio::test]
async fn a_process_takes_on_more_work_while_it_waits_and_all_its_hands_are_busy() {
    let clock = format!("{YEARLY}\n  overlap: allow");
    let world = world(&[schedule("slow", &clock, "{kind: exec, program: slow}")]).await;
    let slow = program(&world, "slow", WAITS);
    let settings = [("PINTLE_PROGRAMS", slow.as_str()), ("PINTLE_CONCURRENCY", "1"), ("PINTLE_MAX_CONCURRENCY", "3")];
    let daemon = Daemon::start(&world, "daemon", &settings);
    world.settled().await;
    for _ in 0..4 {
        triggered(&world, "slow");
    }
    ran(&world, "slow", "running", 1).await;
    daemon.says("3 hands for work from now on").await;
    ran(&world, "slow", "running", 3).await;
    world.database.until("(SELECT slots = 3 FROM pintle.processes)").await;
    go(&world);
    ran(&world, "slow", "done", 4).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_process_takes_on_more_row_changes_while_they_wait_and_all_its_hands_are_busy() {
    let mut files = vec![("README.md".to_owned(), String::new())];
    files.extend((0..501).map(|n| (format!("suites/s{n}.yaml"), suite(&format!("s{n}"), "one"))));
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let world = World::new(&files).await;
    // Two deliveries, of which the first is held up by somebody who locked the table.
    let mut lock = world.database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE pintle.suites IN SHARE ROW EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let settings = [("PINTLE_CONCURRENCY", "1"), ("PINTLE_MAX_CONCURRENCY", "2")];
    let daemon = Daemon::start(&world, "daemon", &settings);
    daemon.says("2 hands for rows from now on").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 0, "they waited");
    lock.rollback().await.unwrap();
    world.settled().await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 501);
    daemon.stop().await;
}

#[tokio::test]
async fn a_slot_of_a_kind_that_there_is_not_is_refused() {
    let world = world(&[]).await;
    let refused = |slots: &str| world.pintle(&["run", "--slots", slots]);
    for (slots, why) in [
        ("backups=2", "unknown variant"),
        ("queue=2", "name the queue"),
        ("reconcile=1", "takes no slot"),
        ("exec=0", "never run"),
    ] {
        let (code, text) = refused(slots);
        assert!(code == 1 && text.contains(why), "{slots}: {code} {text}");
    }
}
