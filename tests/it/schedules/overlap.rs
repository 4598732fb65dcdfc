//! A tick comes while the run before is not over.

use super::{daemon, program, ran, schedule, world};
use crate::harness::{World, eventually};

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
