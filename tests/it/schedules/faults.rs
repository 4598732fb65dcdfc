//! Workers that die, hang, panic or stop; programs that fail.

use super::{YEARLY, daemon, leases_expire, program, ran, runs, schedule, state, triggered, world};
use crate::harness::{Daemon, eventually};
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt;

#[tokio::test]
async fn work_of_a_killed_worker_is_taken_back_and_runs_under_a_higher_fence() {
    let world = world(&[schedule("slow", YEARLY, "{kind: exec, program: slow}")]).await;
    let slow = program(&world, "slow", "[ -e \"$PINTLE_PROGRAM.go\" ] || sleep 600");
    let first = daemon(&world, "first", &slow);
    world.settled().await;
    let job = triggered(&world, "slow");
    runs(&world, job).await;
    let fence: i64 = state(&world, job, "fence").await.parse().unwrap();
    first.kill().await;
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
    leases_expire(&world).await;
    let second = daemon(&world, "second", &slow);
    ran(&world, "slow", "done", 1).await;
    let now: i64 = state(&world, job, "fence").await.parse().unwrap();
    assert!(now > fence, "{now} after {fence}");
    let attempts = state(&world, job, "attempts").await;
    assert_eq!(attempts, "2");
    second.stop().await;
}

#[tokio::test]
async fn a_worker_that_was_stopped_past_its_lease_writes_nothing() {
    let world = world(&[schedule("slow", YEARLY, "{kind: exec, program: slow}")]).await;
    let waits = "if mkdir \"$PINTLE_PROGRAM.first\" 2>/dev/null; then sleep 1; else while [ ! -e \"$PINTLE_PROGRAM.go\" ]; do sleep 0.05; done; fi";
    let slow = program(&world, "slow", waits);
    let first = daemon(&world, "first", &slow);
    world.settled().await;
    let job = triggered(&world, "slow");
    runs(&world, job).await;
    first.signal(Signal::SIGSTOP);
    let fence: i64 = state(&world, job, "fence").await.parse().unwrap();
    leases_expire(&world).await;
    let second = daemon(&world, "second", &slow);
    let again = format!("(SELECT state = 'running' AND fence > {fence} FROM pintle.job_state WHERE job_id = {job})");
    world.database.until(&again).await;
    first.signal(Signal::SIGCONT);
    first.says("is held by another; nothing was written").await;
    assert_eq!(state(&world, job, "state").await, "running", "the second one has it");
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
    ran(&world, "slow", "done", 1).await;
    let outcomes = world.told("slow").await.iter().filter(|line| *line == "outcome exec ok").count();
    assert_eq!(outcomes, 1, "one outcome is recorded");
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn work_that_outlives_the_grace_of_a_stop_begins_anew_elsewhere_without_a_try_spent() {
    let world = world(&[schedule("slow", YEARLY, "{kind: exec, program: slow}")]).await;
    let slow = program(&world, "slow", "[ -e \"$PINTLE_PROGRAM.go\" ] || sleep 600");
    let settings = [("PINTLE_PROGRAMS", slow.as_str()), ("PINTLE_GRACE", "1")];
    let first = Daemon::start(&world, "first", &settings);
    world.settled().await;
    let job = triggered(&world, "slow");
    runs(&world, job).await;
    first.stop().await;
    assert_eq!(state(&world, job, "state || ' ' || attempts").await, "queued 0");
    std::fs::write(world.path().join("slow.sh.go"), "").unwrap();
    let second = Daemon::start(&world, "second", &settings);
    ran(&world, "slow", "done", 1).await;
    second.stop().await;
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_ended_and_tried_again() {
    let world = world(&[schedule("hangs", &format!("{YEARLY}\n  deadline: 1s"), "{kind: exec, program: hangs}")]).await;
    let hangs =
        program(&world, "hangs", "[ -e \"$PINTLE_PROGRAM.go\" ] || { touch \"$PINTLE_PROGRAM.go\"; sleep 600; }");
    let daemon = daemon(&world, "daemon", &hangs);
    world.settled().await;
    let job = triggered(&world, "hangs");
    ran(&world, "hangs", "done", 1).await;
    let told = world.told("hangs").await;
    assert!(
        told.contains(&"outcome exec failed".to_owned()) && told.contains(&"outcome exec ok".to_owned()),
        "{told:?}"
    );
    assert_eq!(state(&world, job, "attempts").await, "2");
    // The second try has a doorbell of its own, and did not wait for the sweep.
    assert!(!daemon.log().contains("rung again"), "an id of Redis was used twice");
    daemon.stop().await;
}

#[tokio::test]
async fn a_program_that_is_not_the_pinned_one_does_not_run_and_its_job_is_dead_until_it_is_retried() {
    let world = world(&[schedule("pinned", YEARLY, "{kind: exec, program: pinned}")]).await;
    let pinned = program(&world, "pinned", "echo the pinned one");
    let path = world.path().join("pinned.sh");
    let sound = std::fs::read(&path).unwrap();
    std::fs::write(&path, "#!/bin/sh\ntouch $PINTLE_PROGRAM.ran\n").unwrap();
    let daemon = daemon(&world, "daemon", &pinned);
    world.settled().await;
    let job = triggered(&world, "pinned").to_string();
    ran(&world, "pinned", "dead", 1).await;
    assert!(!world.path().join("pinned.sh.ran").exists());
    let (_, shown) = world.pintle(&["jobs", "show", &job]);
    assert!(shown.contains("not the file that was pinned"), "{shown}");
    std::fs::write(&path, sound).unwrap();
    let (code, text) = world.pintle(&["jobs", "retry", &job, "--reason", "put back", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    ran(&world, "pinned", "done", 1).await;
    daemon.stop().await;
}

#[tokio::test]
async fn what_runs_of_a_pinned_program_is_what_was_held_against_its_digest() {
    let world = world(&[schedule("pinned", YEARLY, "{kind: exec, program: pinned}")]).await;
    // It is overwritten in place while it runs: the end of so long a script is read by a shell only when it comes to it.
    let waits = "touch $PINTLE_PROGRAM.runs; while [ ! -e \"$PINTLE_PROGRAM.go\" ]; do sleep 0.05; done";
    let pinned = program(&world, "pinned", &format!("{waits}\n{}echo as pinned", "# more\n".repeat(20_000)));
    let path = world.path().join("pinned.sh");
    let daemon = daemon(&world, "daemon", &pinned);
    world.settled().await;
    triggered(&world, "pinned");
    eventually("it runs", async || world.path().join("pinned.sh.runs").exists()).await;
    let other = std::fs::read_to_string(&path).unwrap().replace("echo as pinned", "echo as forged");
    std::fs::write(&path, other).unwrap();
    std::fs::write(world.path().join("pinned.sh.go"), "").unwrap();
    ran(&world, "pinned", "done", 1).await;
    assert_eq!(super::kinds::said(&world, "pinned").await, "as pinned");
    daemon.stop().await;
}

#[tokio::test]
async fn deliveries_of_work_that_redis_lost_are_rung_again() {
    let world = world(&[schedule("mark", YEARLY, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    // A leader that works not: what it releases stays in Redis until that is flushed.
    let leader = Daemon::start(&world, "leader", &[("PINTLE_ROLE", "reconciler")]);
    leader.says("leading").await;
    let worker = daemon(&world, "worker", &mark);
    world.settled().await;
    worker.stop().await;
    let job = triggered(&world, "mark");
    world.database.until(&format!("(SELECT state = 'released' FROM pintle.job_state WHERE job_id = {job})")).await;
    let delivery = format!("pintle:work:pin-{}", state(&world, job, "delivery").await);
    // It is released before it is rung for: what is not there yet cannot be lost.
    eventually("it is rung", async || world.redis.ask::<bool>(&["EXISTS", &delivery]).await).await;
    world.redis.ask::<()>(&["FLUSHALL"]).await;
    // It alone: the leader may have begun to put back what is missing.
    assert!(!world.redis.ask::<bool>(&["EXISTS", &delivery]).await, "it is lost");
    eventually("it is rung again", async || leader.log().contains("were lost by Redis and rung again")).await;
    let worker = daemon(&world, "worker", &mark);
    ran(&world, "mark", "done", 1).await;
    worker.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn work_goes_on_through_a_long_grace_though_others_would_take_it() {
    let world = world(&[schedule("slow", YEARLY, "{kind: exec, program: slow}")]).await;
    // Longer than a process is believed to live without a heartbeat.
    let slow = program(&world, "slow", "sleep 20; echo $PINTLE_KEY");
    let settings = [("PINTLE_PROGRAMS", slow.as_str()), ("PINTLE_GRACE", "60")];
    let first = Daemon::start(&world, "first", &settings);
    world.settled().await;
    let job = triggered(&world, "slow");
    runs(&world, job).await;
    let second = Daemon::start(&world, "second", &settings);
    let log = first.stop().await;
    assert_eq!(state(&world, job, "state || ' ' || attempts").await, "done 1", "{log}");
    assert_eq!(world.told("slow").await.iter().filter(|line| *line == "intent exec ok").count(), 1, "it began once");
    second.stop().await;
}

#[tokio::test]
async fn what_a_program_says_is_cut_and_stripped_and_what_it_leaves_behind_is_not_waited_for() {
    let world = world(&[schedule("odd", &format!("{YEARLY}\n  deadline: 20s"), "{kind: exec, program: odd}")]).await;
    let odd = program(&world, "odd", "sleep 600 & printf 'a\\0b\\033[31m %02000d\\n' 1");
    let daemon = daemon(&world, "daemon", &odd);
    world.settled().await;
    let job = triggered(&world, "odd");
    ran(&world, "odd", "done", 1).await;
    let said = state(&world, job, "reason").await;
    assert!(said.starts_with("a b [31m 0"), "{said}");
    assert!(said.len() <= 300, "{}", said.len());
    assert_eq!(state(&world, job, "attempts").await, "1");
    daemon.stop().await;
}

#[tokio::test]
async fn what_the_ledger_says_of_this_process_and_nobody_runs_is_given_back() {
    let world = world(&[schedule("mark", YEARLY, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    world.settled().await;
    let job = triggered(&world, "mark");
    ran(&world, "mark", "done", 1).await;
    // As if the answer to its start had been lost.
    let process = "process = (SELECT id FROM pintle.processes)";
    world.database.run(&format!("UPDATE pintle.job_state SET state = 'running', {process} WHERE job_id = {job}")).await;
    daemon.says("that nobody ran were given back").await;
    ran(&world, "mark", "done", 1).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_process_killed_with_work_in_hand_leaves_it_to_another_whatever_it_had_written() {
    for point in ["work-started", "work-attempted"] {
        let world = world(&[schedule("mark", YEARLY, "{kind: exec, program: mark}")]).await;
        let marks = world.path().join("marks");
        let mark = program(&world, "mark", &format!("echo ran >> {}", marks.display()));
        let first = daemon(&world, "first", &mark);
        world.settled().await;
        first.stop().await;
        let job = triggered(&world, "mark");
        let mut victim = Daemon::start(&world, "victim", &[("PINTLE_PROGRAMS", &mark), ("PINTLE_CRASH_AT", point)]);
        assert_eq!(victim.ends().await.signal(), Some(9), "{point} was never reached");
        let told = std::fs::read_to_string(&marks).unwrap_or_default().lines().count();
        assert_eq!(told, usize::from(point == "work-attempted"), "at {point}");
        assert_eq!(state(&world, job, "state").await, "running", "the ledger knows nothing of its end");
        leases_expire(&world).await;
        let other = daemon(&world, "other", &mark);
        ran(&world, "mark", "done", 1).await;
        assert_eq!(std::fs::read_to_string(&marks).unwrap().lines().count(), told + 1, "at least once");
        world.assert_whole().await;
        other.stop().await;
    }
}
