//! Each tick is a run once: over replicas, restarts, and a clock that went on while nobody looked.

use super::{SECONDS, daemon, leases_expire, no_tick_is_lost, program, ran, schedule, world};
use crate::harness::{Clock, Daemon};
use jiff::Timestamp;
use std::os::unix::process::ExitStatusExt;

#[tokio::test]
async fn every_tick_runs_once_and_the_audit_says_what_was_about_to_be_done_and_what_became_of_it() {
    let world = world(&[schedule("mark", SECONDS, "{kind: exec, program: mark}")]).await;
    let file = world.path().join("marks");
    let mark = program(&world, "mark", &format!("echo $PINTLE_KEY >> {}; echo marked", file.display()));
    let daemon = daemon(&world, "daemon", &mark);
    ran(&world, "mark", "done", 3).await;
    daemon.stop().await;
    let db = &world.database;
    let ticks =
        db.list("SELECT extract(epoch FROM tick)::bigint FROM pintle.runs WHERE outcome = 'run' ORDER BY tick").await;
    let ticks: Vec<i64> = ticks.iter().map(|tick| tick.parse().unwrap()).collect();
    assert!(ticks.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ticks:?}");
    let marks = std::fs::read_to_string(&file).unwrap();
    let mut keys: Vec<&str> = marks.lines().collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all, "a key ran twice: {marks}");
    let told = world.told("mark").await;
    assert!(told.contains(&"intent exec ok".to_owned()) && told.contains(&"outcome exec ok".to_owned()), "{told:?}");
    let said = db.list("SELECT DISTINCT reason FROM pintle.job_state WHERE queue <> 'rows' AND state = 'done'").await;
    assert_eq!(said, ["marked"]);
}

#[tokio::test]
async fn two_replicas_and_a_change_of_leaders_run_no_tick_twice() {
    let world = world(&[schedule("mark", SECONDS, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let first = daemon(&world, "first", &mark);
    first.says("leading").await;
    let second = daemon(&world, "second", &mark);
    ran(&world, "mark", "done", 2).await;
    let before = world.database.count("SELECT max(id) FROM pintle.runs").await;
    first.kill().await;
    world.lease_expires().await;
    second.says("leading").await;
    world
        .database
        .until(&format!("((SELECT count(*) FROM pintle.runs WHERE id > {before} AND trigger = 'clock') >= 2)"))
        .await;
    second.stop().await;
    let db = &world.database;
    let twice =
        "SELECT count(*) FROM (SELECT tick FROM pintle.runs WHERE outcome = 'run' GROUP BY tick HAVING count(*) > 1) t";
    assert_eq!(db.count(twice).await, 0);
    no_tick_is_lost(&world).await;
}

#[tokio::test]
async fn what_passed_while_nobody_looked_runs_late_as_the_policy_says() {
    // Half an hour ago and in half an hour: none is due just now, and what passed is late.
    let minute = Timestamp::now().as_second() / 60 % 60;
    let offset = ((minute + 30) % 60).max(1);
    let hourly = |name: &str, missed: &str| {
        let clock = format!("every: 1h\n  offset: {offset}m\n  overlap: allow\n  missed: {missed}");
        schedule(name, &clock, "{kind: exec, program: mark}")
    };
    let world = world(&[
        hourly("skipped", "{policy: skip, catchUpWindow: 5h}"),
        hourly("once", "{policy: run-once, catchUpWindow: 5h}"),
        hourly("all", "{policy: run-all, catchUpWindow: 5h, max: 3}"),
    ])
    .await;
    let mark = program(&world, "mark", "true");
    let daemon_one = daemon(&world, "daemon", &mark);
    world.database.until("((SELECT count(*) FROM pintle.schedule_clocks) = 3)").await;
    daemon_one.stop().await;
    world.database.run("UPDATE pintle.schedule_clocks SET looked_until = now() - interval '1 day'").await;
    let daemon_two = daemon(&world, "daemon", &mark);
    ran(&world, "all", "done", 3).await;
    ran(&world, "once", "done", 1).await;
    daemon_two.stop().await;
    let runs = |name: &str, outcome: &str| {
        format!(
            "SELECT count(*) FROM pintle.runs WHERE schedule = '{name}' AND outcome = '{outcome}' AND trigger = 'late'"
        )
    };
    let db = &world.database;
    assert_eq!(db.count(&runs("skipped", "run")).await, 0);
    assert_eq!(db.count(&runs("once", "run")).await, 1);
    assert_eq!(db.count(&runs("all", "run")).await, 3);
    let missed = db.list("SELECT reason FROM pintle.runs WHERE schedule = 'skipped' AND outcome = 'missed'").await;
    assert_eq!(missed.len(), 1, "many are told of as one: {missed:?}");
    assert!(missed[0].starts_with("24 ticks since"), "{missed:?}");
}

#[tokio::test]
async fn a_schedule_that_is_suspended_changed_or_taken_away_fires_accordingly() {
    let (path, text) = schedule("mark", SECONDS, "{kind: exec, program: mark}");
    let world = world(&[(path.clone(), text.clone())]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    ran(&world, "mark", "done", 1).await;
    world.repository.write(&path, &text.replace("  job:", "  suspend: true\n  job:"));
    world.repository.commit("alice", "Suspend");
    world.database.until("(SELECT suspended FROM pintle.schedule_clocks)").await;
    let before = world.database.count("SELECT count(*) FROM pintle.runs").await;
    let (_, listed) = world.pintle(&["schedules", "list"]);
    assert!(listed.contains("suspended"), "{listed}");
    // Two seconds of the database's clock, in which it would have fired twice.
    let since = world.database.ask("SELECT clock_timestamp()").await.unwrap();
    world.database.until(&format!("(clock_timestamp() > '{since}'::timestamptz + interval '2 seconds')")).await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.runs").await, before);
    world.repository.write(&path, &text);
    world.repository.commit("alice", "Go on");
    world.database.until(&format!("((SELECT count(*) FROM pintle.runs) > {before})")).await;
    let missed = world.database.count("SELECT count(*) FROM pintle.runs WHERE outcome = 'missed'").await;
    assert_eq!(missed, 0, "what passed while it was suspended is not missed");
    daemon.stop().await;
}

#[tokio::test]
async fn another_clock_makes_no_tick_due_that_was_not_there_before() {
    let job = "{kind: exec, program: mark}";
    let (path, text) = schedule("mark", "every: 24h", job);
    let world = world(&[(path.clone(), text)]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    world.database.until("((SELECT count(*) FROM pintle.schedule_clocks) = 1)").await;
    // As if nobody had looked since midnight, which is so for a tick a day.
    world.database.run("UPDATE pintle.schedule_clocks SET looked_until = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'").await;
    let minutely = "every: 1m\n  missed: {policy: run-all, catchUpWindow: 1d}";
    world.repository.write(&path, &schedule("mark", minutely, job).1);
    world.repository.commit("alice", "Every minute");
    world
        .database
        .until("(SELECT clock LIKE '%1m%' AND looked_until > now() - interval '1 minute' FROM pintle.schedule_clocks)")
        .await;
    ran(&world, "mark", "done", 1).await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.runs WHERE trigger = 'late'").await, 0);
    daemon.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_ahead_and_behind_loses_no_lease_and_fires_no_tick_twice() {
    let world = world(&[schedule("mark", SECONDS, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let clock = Clock::new(world.path(), "daemon");
    let mut settings = vec![("PINTLE_PROGRAMS", mark.as_str())];
    settings.extend(clock.environment());
    let daemon = Daemon::start(&world, "daemon", &settings);
    ran(&world, "mark", "done", 2).await;
    let token = "SELECT token || ' ' || term FROM pintle.leader";
    let leads = world.database.ask(token).await.unwrap();
    let mut done = 2;
    for (seconds, said) in [
        (3600, "s ahead of the database's"),
        (-3600, "s behind the database's"),
        (0, "agrees with the database's again"),
    ] {
        clock.set(seconds);
        daemon.says(said).await;
        done += 2;
        ran(&world, "mark", "done", done).await;
    }
    assert_eq!(world.database.ask(token).await.unwrap(), leads, "the lease is the same");
    assert!(!daemon.log().contains("no longer leading"), "no lease was lost");
    no_tick_is_lost(&world).await;
    let twice =
        "SELECT count(*) FROM (SELECT FROM pintle.runs WHERE outcome = 'run' GROUP BY tick HAVING count(*) > 1) x";
    assert_eq!(world.database.count(twice).await, 0, "no tick came twice");
    daemon.stop().await;
}

#[tokio::test]
async fn a_tick_whose_leader_died_before_it_rang_is_rung_for_by_the_next_and_runs_once() {
    let clock = format!("{SECONDS}\n  overlap: allow");
    let world = world(&[schedule("mark", &clock, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let mut victim =
        Daemon::start(&world, "victim", &[("PINTLE_PROGRAMS", mark.as_str()), ("PINTLE_CRASH_AT", "fired")]);
    assert_eq!(victim.ends().await.signal(), Some(9), "nothing went out with the transaction that added it");
    let out = "SELECT job_id || ' ' || delivery FROM pintle.job_state WHERE queue = 'work' AND state = 'released'";
    let out = world.database.list(out).await;
    assert_eq!(out.len(), 1, "one is out: {out:?}");
    let (job, delivery) = out[0].split_once(' ').unwrap();
    let rung: bool = world.redis.ask(&["EXISTS", &format!("pintle:work:pin-{delivery}")]).await;
    assert!(!rung, "and nobody rang for it");
    leases_expire(&world).await;
    let other = daemon(&world, "other", &mark);
    other.says("deliveries were lost by Redis and rung again").await;
    let done = format!("(SELECT state = 'done' AND attempts = 1 FROM pintle.job_state WHERE job_id = {job})");
    world.database.until(&done).await;
    // Of this job alone: ticks go on.
    let told = format!("SELECT stage FROM pintle.audit_logs WHERE job_id = {job} ORDER BY recorded_at, seq");
    assert_eq!(world.database.list(&told).await, ["intent", "outcome"]);
    other.stop().await;
    world.assert_log().await;
    no_tick_is_lost(&world).await;
}
