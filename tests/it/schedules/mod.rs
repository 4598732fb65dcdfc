//! Schedules under a real daemon: every tick once, what it does, and how it ends.

mod by_hand;
mod external;
mod faults;
mod hands;
mod kinds;
mod limits;
mod many;
mod overlap;
mod recovery;
mod ticks;

use crate::harness::{Daemon, World};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A schedule called `name`: `clock` and further fields, and what it does.
fn schedule(name: &str, clock: &str, job: &str) -> (String, String) {
    let text =
        format!("apiVersion: pintle/v1\nkind: Schedule\nmetadata: {{name: {name}}}\nspec:\n  {clock}\n  job: {job}\n");
    (format!("schedules/{name}.yaml"), text)
}

/// Every second, and nothing late.
const SECONDS: &str = "cron: [\"* * * * * *\"]";

/// Only by hand.
const YEARLY: &str = "cron: [\"0 0 1 1 *\"]";

/// Runs `name` by hand; its job.
fn triggered(world: &World, name: &str) -> i64 {
    let (code, text) = world.pintle(&["schedules", "trigger", name, "--reason", "a test", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["job"].as_i64().unwrap()
}

/// A world of these schedules.
async fn world(schedules: &[(String, String)]) -> World {
    let files: Vec<(&str, String)> = schedules.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    World::new(&files).await
}

/// A program of this world that runs `body` in a shell, pinned by its digest.
pub fn program(world: &World, name: &str, body: &str) -> String {
    let path: PathBuf = world.path().join(format!("{name}.sh"));
    let text = format!("#!/bin/sh\n{body}\n");
    std::fs::write(&path, &text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{name}={}@sha256:{}", path.display(), pintle_core::change::Digest::of(text.as_bytes()))
}

/// A daemon that may run `programs`, and write to `out`.
fn daemon(world: &World, name: &str, programs: &str) -> Daemon {
    let out = format!("out={}", world.path().join("out").display());
    let settings =
        [("PINTLE_PROGRAMS", programs), ("PINTLE_DESTINATIONS", &out), ("PINTLE_ALLOW_PRIVATE_ADDRESSES", "true")];
    Daemon::start(world, name, &settings)
}

/// Waits until `count` runs of `schedule` stand in `state`.
async fn ran(world: &World, schedule: &str, state: &str, count: i64) {
    let runs = "SELECT count(*) FROM pintle.runs r JOIN pintle.job_state s ON s.job_id = r.job_id";
    world
        .database
        .until(&format!("(({runs} WHERE r.schedule = '{schedule}' AND s.state = '{state}') >= {count})"))
        .await;
}

/// Waits until `job` runs.
async fn runs(world: &World, job: i64) {
    world.database.until(&format!("(SELECT state = 'running' FROM pintle.job_state WHERE job_id = {job})")).await;
}

/// What `column` of the state of `job` says.
async fn state(world: &World, job: i64, column: &str) -> String {
    let sql = format!("SELECT {column} FROM pintle.job_state WHERE job_id = {job}");
    world.database.ask(&sql).await.unwrap_or_default()
}

/// Everybody's lease is over: another leads, and work in hand is taken away.
pub async fn leases_expire(world: &World) {
    for of in ["leader", "processes"] {
        let expire = format!("UPDATE pintle.{of} SET expires_at = clock_timestamp() - interval '1 second'");
        // In a run of faults the server may be away.
        drop(world.database.try_run(&expire).await);
    }
}

/// Fails unless each second between the first and the last tick is told of: it ran, or why not.
pub async fn no_tick_is_lost(world: &World) {
    let told =
        "sum(CASE WHEN reason LIKE '% ticks since %' THEN split_part(reason, ' ', 1)::bigint ELSE 1 END)::bigint";
    let seconds = "extract(epoch FROM max(tick) - min(tick))::bigint + 1";
    // With one statement: another tick may come between two.
    let lost = world.database.count(&format!("SELECT {seconds} - {told} FROM pintle.runs")).await;
    assert_eq!(lost, 0, "a tick was lost");
}
