//! What people ask for: previews, runs now, runs of what passed, an end.

use super::{SECONDS, YEARLY, daemon, program, ran, schedule, state, triggered, world};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn a_schedule_is_previewed_triggered_backfilled_and_its_history_told() {
    let yearly = schedule("yearly", "cron: [\"0 0 1 1 *\"]\n  timezone: Africa/Lagos", "{kind: exec, program: mark}");
    let daily = schedule("daily", "every: 24h", "{kind: exec, program: mark}");
    let world = world(&[yearly, daily]).await;
    let mark = program(&world, "mark", "echo ran");
    let daemon = daemon(&world, "daemon", &mark);
    world.settled().await;
    let (code, next) = world.pintle(&["schedules", "next", "yearly", "-n", "2", "-o", "json"]);
    assert_eq!(code, 0, "{next}");
    let fires = json(&next)["fires"].clone();
    assert!(fires[0]["tick"].as_str().unwrap().ends_with("-12-31T23:00:00Z"), "midnight in Lagos: {fires}");
    let (code, text) = world.pintle(&["schedules", "trigger", "yearly", "--reason", "a look", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let job = json(&text)["job"].to_string();
    let (code, watched) = world.pintle(&["jobs", "watch", &job]);
    assert_eq!(code, 0, "{watched}");
    assert!(watched.contains("Schedule/yearly done: ran"), "{watched}");
    let backfill = ["schedules", "backfill", "daily", "--since", "3d", "--reason", "they were missed", "-o", "json"];
    let (code, text) = world.pintle(&backfill);
    assert_eq!(code, 0, "{text}");
    let jobs = json(&text)["jobs"].as_array().unwrap().len();
    assert!((3..=4).contains(&jobs), "{text}");
    ran(&world, "daily", "done", jobs as i64).await;
    let (_, again) = world.pintle(&backfill);
    assert_eq!(
        (json(&again)["jobs"].as_array().unwrap().len(), json(&again)["ranBefore"].as_u64()),
        (0, Some(jobs as u64))
    );
    let (_, history) = world.pintle(&["schedules", "history", "daily", "-o", "json"]);
    let runs = json(&history)["runs"].clone();
    assert!(
        runs.as_array().unwrap().iter().all(|run| run["trigger"] == "backfill" && run["state"] == "done"),
        "{runs}"
    );
    let told = world.told("daily").await;
    assert!(told.contains(&"system backfill ok".to_owned()), "{told:?}");
    for command in [&["schedules", "list"][..], &["jobs", "stats"], &["jobs", "list"], &["schedules", "history"]] {
        let (code, text) = world.pintle(command);
        assert_eq!(code, 0, "{text}");
        let (code, text) = world.pintle(&[command, &["-o", "json"]].concat());
        assert_eq!(code, 0, "{text}");
    }
    daemon.stop().await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_with_everything_it_started() {
    let world = world(&[schedule("yearly", YEARLY, "{kind: exec, program: slow}")]).await;
    let pid = world.path().join("pid");
    let slow = program(&world, "slow", &format!("sleep 600 & echo $! > {}; wait", pid.display()));
    let daemon = daemon(&world, "daemon", &slow);
    world.settled().await;
    let job = triggered(&world, "yearly").to_string();
    world.database.until(&format!("(SELECT state = 'running' FROM pintle.job_state WHERE job_id = {job})")).await;
    crate::harness::eventually("it started something", async || pid.exists()).await;
    let (code, text) = world.pintle(&["jobs", "cancel", &job, "--reason", "enough"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.pintle(&["jobs", "watch", &job]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("cancelled: enough"), "{text}");
    let child = std::fs::read_to_string(&pid).unwrap();
    let alive = || nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.trim().parse().unwrap()), None).is_ok();
    crate::harness::eventually("what it started is gone", async || !alive()).await;
    let (code, text) = world.pintle(&["jobs", "cancel", &job, "--reason", "again"]);
    assert_eq!(code, 1, "{text}");
    daemon.stop().await;
}

#[tokio::test]
async fn what_was_paused_or_cancelled_is_run_after_all_by_a_backfill() {
    let world = world(&[schedule("daily", "every: 24h", "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    world.settled().await;
    let (code, text) = world.pintle(&["pause", "Schedule/daily", "--reason", "the disk is full"]);
    assert_eq!(code, 0, "{text}");
    let backfill = ["schedules", "backfill", "daily", "--since", "2d", "--reason", "late", "-o", "json"];
    let (_, text) = world.pintle(&backfill);
    let jobs = json(&text)["jobs"].as_array().unwrap().len() as i64;
    ran(&world, "daily", "cancelled", jobs).await;
    assert!(world.told("daily").await.contains(&"denied exec refused".to_owned()), "that it was paused is recorded");
    world.pintle(&["resume", "Schedule/daily"]);
    let (_, text) = world.pintle(&backfill);
    assert_eq!(json(&text)["jobs"].as_array().unwrap().len() as i64, jobs, "{text}");
    ran(&world, "daily", "done", jobs).await;
    daemon.stop().await;
}

#[tokio::test]
async fn who_waited_for_a_pause_is_held_by_what_was_written_meanwhile() {
    let world = world(&[schedule("daily", YEARLY, "{kind: exec, program: mark}")]).await;
    let mark = program(&world, "mark", "true");
    let daemon = daemon(&world, "daemon", &mark);
    world.settled().await;
    let mut pause = world.database.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(x'0070696e746c6501'::bigint)").execute(&mut *pause).await.unwrap();
    let job = triggered(&world, "daily");
    let waits = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
        AND query LIKE '%paused_under%')";
    world.database.until(waits).await;
    for written in [
        "UPDATE pintle.schedules SET labels = '{\"region\": \"eu\"}' WHERE name = 'daily'",
        "INSERT INTO pintle.pauses (labels, reason, by_whom) VALUES ('{\"region\": \"eu\"}', 'it is being moved', 'alice')",
    ] {
        sqlx::query(written).execute(&mut *pause).await.unwrap();
    }
    pause.commit().await.unwrap();
    world.database.until(&format!("(SELECT reason = 'paused' FROM pintle.job_state WHERE job_id = {job})")).await;
    assert_eq!(state(&world, job, "state").await, "cancelled");
    daemon.stop().await;
}

#[tokio::test]
async fn no_more_runs_of_one_schedule_wait_than_there_is_room_for_and_who_asks_for_more_is_told() {
    let world = world(&[schedule(
        "flood",
        &format!("{SECONDS}\n  overlap: allow\n  suspend: true"),
        "{kind: health-report, destination: out}",
    )])
    .await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    let backfill = |since: &str, until: &str| {
        let words = ["schedules", "backfill", "flood", "--since", since, "--until", until, "--reason", "a test"];
        world.pintle(&words)
    };
    let (code, told) = backfill("2026-11-01T00:00:00Z", "2026-11-01T00:16:00Z");
    assert!(code == 0 && told.starts_with("960 ticks of flood run."), "{told}");
    let (code, told) = backfill("2026-11-02T00:00:00Z", "2026-11-02T00:01:00Z");
    assert!(code == 0 && told.contains("40 ticks of flood run; 20 ticks dropped"), "{told}");
    let (code, told) = backfill("2026-11-03T00:00:00Z", "2026-11-03T00:01:00Z");
    assert!(code == 1 && told.contains("nothing runs"), "{told}");
    let (code, told) = world.pintle(&["schedules", "trigger", "flood", "--reason", "a test"]);
    assert!(code == 1 && told.contains("nothing runs"), "{told}");
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.job_state WHERE state = 'queued'").await, 1_000);
    let refused =
        "SELECT count(*) FROM pintle.audit_logs WHERE action IN ('trigger', 'backfill') AND outcome = 'refused'";
    assert_eq!(world.database.count(refused).await, 2);
}
