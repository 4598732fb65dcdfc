//! How long it takes until work goes on. Nothing waits for a time, and no time is asserted; each story prints its own:
//!
//!     cargo test --test it recovery -- --nocapture

use super::{SECONDS, YEARLY, daemon, program, ran, runs, schedule, triggered, world};
use crate::harness::{Daemon, World, eventually};
use std::time::Instant;

async fn done(world: &World, job: i64) {
    world.database.until(&format!("(SELECT state = 'done' FROM pintle.job_state WHERE job_id = {job})")).await;
}

#[tokio::test]
async fn after_the_leader_was_killed_another_fires_the_ticks() {
    let world = world(&[schedule("mark", SECONDS, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let first = daemon(&world, "first", &mark);
    first.says("leading").await;
    let second = daemon(&world, "second", &mark);
    ran(&world, "mark", "done", 1).await;
    first.kill().await;
    let killed = Instant::now();
    let before = world.database.count("SELECT count(*) FROM pintle.runs").await;
    world.database.until(&format!("((SELECT count(*) FROM pintle.runs) > {before})")).await;
    eprintln!("recovery: {:.1} s from the leader's SIGKILL to the next tick", killed.elapsed().as_secs_f64());
    assert!(second.log().contains("leading, term 2"), "the other leads");
    second.stop().await;
}

#[tokio::test]
async fn after_a_worker_was_killed_another_does_its_work() {
    let world = world(&[schedule("slow", YEARLY, "{kind: exec, program: slow}")]).await;
    let slow = program(&world, "slow", "[ -e \"$PINTLE_PROGRAM.go\" ] || sleep 600");
    let leader = Daemon::start(&world, "leader", &[("PINTLE_ROLE", "reconciler")]);
    let work = [("PINTLE_ROLE", "worker"), ("PINTLE_PROGRAMS", slow.as_str())];
    let first = Daemon::start(&world, "first", &work);
    world.settled().await;
    let job = triggered(&world, "slow");
    runs(&world, job).await;
    let second = Daemon::start(&world, "second", &work);
    second.says("hearing deliveries").await;
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
    first.kill().await;
    let killed = Instant::now();
    done(&world, job).await;
    eprintln!("recovery: {:.1} s from a worker's SIGKILL to its work done elsewhere", killed.elapsed().as_secs_f64());
    second.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn after_redis_was_killed_and_came_back_work_goes_on() {
    let mut world = world(&[schedule("mark", YEARLY, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    world.settled().await;
    world.redis.kill().await;
    let job = triggered(&world, "mark");
    eventually("it is missed", async || daemon.log().contains("Redis does not answer")).await;
    world.redis.start().await;
    let back = Instant::now();
    done(&world, job).await;
    eprintln!("recovery: {:.1} s from Redis' first PONG to work done", back.elapsed().as_secs_f64());
    daemon.stop().await;
}
