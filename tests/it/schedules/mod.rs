//! Schedules under a real daemon: every tick once, what it does, and how it ends.

mod by_hand;
mod faults;
mod kinds;
mod many;
mod overlap;
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
