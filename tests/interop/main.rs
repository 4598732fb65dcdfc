//! BullMQ of Node, of both majors, in both directions: it does what Pintle hands over, and asks Pintle for things.
//! `scripts/interop` brings Node's packages; without the feature of that name none of this is built.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
#![allow(dead_code, unused_imports, reason = "the harness has more than this needs")]

#[path = "../it/harness/mod.rs"]
mod harness;
#[path = "../shared/published.rs"]
mod published;

use harness::{Daemon, World, eventually, suite};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

/// A process of Node with the packages of a major.
fn node(world: &World, script: &str, major: &str, argument: &str) -> Command {
    let folder = std::env::var("PINTLE_INTEROP").expect("scripts/interop sets PINTLE_INTEROP");
    let socket = world.redis.url.split_once("://").unwrap().1.split('?').next().unwrap().to_owned();
    let mut command = Command::new("node");
    command.arg(Path::new(HERE).join(script)).arg(PathBuf::from(folder).join(major)).args([&socket, argument]);
    command
}

/// A worker of BullMQ that ends with its test.
struct Worker(Child);

impl Worker {
    fn of(world: &World, major: &str) -> Self {
        let mut child = node(world, "worker.mjs", major, "prices").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Schedule that hands a job over when somebody triggers it.
fn schedule(name: &str, data: &str) -> (String, String) {
    let job = format!("{{kind: queue, queue: prices, data: {data}}}");
    let text = format!(
        "apiVersion: pintle/v1\nkind: Schedule\nmetadata: {{name: {name}}}\nspec:\n  cron: [\"0 0 1 1 *\"]\n  job: {job}\n"
    );
    (format!("schedules/{name}.yaml"), text)
}

async fn begun(schedules: &[(String, String)]) -> (World, Daemon) {
    let mut files: Vec<(&str, String)> = schedules.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    files.push(("suites/crm.yaml", suite("crm", "one")));
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

fn triggered(world: &World, name: &str) -> i64 {
    let (code, said) = world.pintle(&["schedules", "trigger", name, "--reason", "a test", "-o", "json"]);
    assert_eq!(code, 0, "{said}");
    serde_json::from_str::<Value>(&said).unwrap()["job"].as_i64().unwrap()
}

/// Waits until the job `id` stands in `state` or has said `text`.
async fn says(world: &World, id: i64, state: &str, text: &str) {
    let told = format!(
        "(SELECT (state = '{state}' OR attempts > 0) AND coalesce(reason, '') LIKE '%{text}%' FROM pintle.job_state WHERE job_id = {id})"
    );
    world.database.until(&told).await;
}

#[tokio::test]
async fn bullmq_6_does_what_it_is_handed_and_whatever_it_throws_is_a_failure() {
    let failures = ["text", "empty", "aggregate"].map(|what| schedule(what, &format!("{{throws: {what}}}")));
    let mut schedules = vec![schedule("works", "{list: retail}")];
    schedules.extend(failures);
    let (world, daemon) = begun(&schedules).await;
    let worker = Worker::of(&world, "6");
    let job = triggered(&world, "works");
    says(&world, job, "done", &format!("{job}/run")).await;
    let id = triggered(&world, "text");
    says(&world, id, "queued", "no such list").await;
    for silent in ["empty", "aggregate"] {
        let id = triggered(&world, silent);
        says(&world, id, "queued", "it failed, and said nothing").await;
    }
    let done = "SELECT count(*) FROM pintle.job_state WHERE queue = 'external' AND state = 'done'";
    assert_eq!(world.database.count(done).await, 1);
    let left: Vec<String> = world.redis.ask(&["KEYS", &format!("bull:prices:pintle-{job}")]).await;
    assert!(left.is_empty(), "what was read is taken away: {left:?}");
    drop(worker);
    daemon.stop().await;
}

#[tokio::test]
async fn bullmq_5_is_handed_nothing_and_the_reason_is_told() {
    let (world, daemon) = begun(&[schedule("works", "{list: retail}")]).await;
    let _worker = Worker::of(&world, "5");
    let id = triggered(&world, "works");
    says(&world, id, "dead", "this Pintle speaks BullMQ 6").await;
    let handed: Vec<String> = world.redis.ask(&["KEYS", "bull:prices:pintle-*"]).await;
    assert!(handed.is_empty(), "{handed:?}");
    daemon.stop().await;
}

#[tokio::test]
async fn whoever_produces_may_ask_to_reconcile_and_for_nothing_else() {
    for major in ["5", "6"] {
        let (world, daemon) = begun(&[]).await;
        let ask = |job: &str| {
            let out = node(&world, "producer.mjs", major, job).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            serde_json::from_slice::<Value>(&out.stdout).unwrap()
        };
        assert_eq!(ask("reconcile")["state"], "completed", "BullMQ {major}");
        let refused = ask("drop-everything");
        assert_eq!(refused["state"], "failed", "BullMQ {major}");
        assert!(refused["reason"].as_str().unwrap().contains("drop-everything"), "{refused}");
        eventually("the refusal is on record", async || {
            world
                .database
                .count("SELECT count(*) FROM pintle.audit_logs WHERE actor = 'queue' AND outcome = 'refused'")
                .await
                == 1
        })
        .await;
        world.assert_whole().await;
        daemon.stop().await;
    }
}
