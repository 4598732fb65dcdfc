//! The floor of work: BullMQ's own producer and worker from npm, on the same Redis, in two Node processes.

use super::clock::quantile;
use super::world::World;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Node with BullMQ beside it.
pub struct Node {
    folder: PathBuf,
    redis_url: String,
}

/// Jobs that come at their times.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// A second.
    pub rate: f64,
    /// How many come before those that count.
    pub start: usize,
    /// How many count.
    pub jobs: usize,
}

/// How long jobs took, from when they were due.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub p50: Duration,
    pub p99: Duration,
}

impl Latency {
    pub fn of(took: Vec<Duration>) -> Self {
        Self { p50: quantile(took.clone(), 0.5), p99: quantile(took, 0.99) }
    }
}

impl Node {
    /// Installs it; `None` without Node or without a registry.
    pub async fn install(world: &World) -> Option<Self> {
        let folder = world.path("bullmq");
        std::fs::create_dir_all(&folder).unwrap();
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/budgets/bullmq");
        for file in ["package.json", "producer.mjs", "schedules.mjs", "worker.mjs"] {
            std::fs::copy(from.join(file), folder.join(file)).unwrap();
        }
        let install =
            Command::new("npm").args(["install", "--silent", "--no-fund"]).current_dir(&folder).status().await;
        install.is_ok_and(|status| status.success()).then(|| Self { folder, redis_url: world.redis_url() })
    }

    /// `jobs`, all at once, through a worker of `concurrency`: from the first add to the last completed, in seconds.
    pub async fn run(&self, concurrency: usize, jobs: usize) -> f64 {
        let (began, done) = self.through(concurrency, jobs, 0, None).await;
        (done["done"].as_f64().unwrap() - began) / 1_000.0
    }

    /// Those of `load` through a worker of `concurrency`.
    pub async fn latency(&self, concurrency: usize, load: Load) -> Latency {
        let (_, done) = self.through(concurrency, load.start + load.jobs, load.start, Some(load.rate)).await;
        let part = |key: &str| Duration::from_secs_f64(done[key].as_f64().unwrap() / 1_000.0);
        Latency { p50: part("p50"), p99: part("p99") }
    }

    /// When the first was added, in milliseconds since the epoch, and what the worker says of all but the first `start`.
    async fn through(&self, concurrency: usize, jobs: usize, start: usize, rate: Option<f64>) -> (f64, Value) {
        let numbers = [concurrency as f64, jobs as f64, start as f64];
        let (mut worker, mut told) = self.start("worker.mjs", &numbers);
        assert_eq!(told.next_line().await.unwrap().as_deref(), Some("ready"), "the worker of the floor");
        let began = self.produce(jobs, rate).await;
        let done = line(&mut told).await;
        worker.wait().await.unwrap();
        (began, done)
    }

    /// Upserts as many job schedulers, each for its next time; how long it took, in milliseconds.
    pub async fn schedules(&self, count: usize) -> f64 {
        let (mut child, mut told) = self.start("schedules.mjs", &[count as f64]);
        let took = line(&mut told).await["took"].as_f64().unwrap();
        child.wait().await.unwrap();
        took
    }

    /// Adds `jobs`; when it began, in milliseconds since the epoch.
    pub async fn produce(&self, jobs: usize, rate: Option<f64>) -> f64 {
        let mut numbers = vec![jobs as f64];
        numbers.extend(rate);
        let (mut producer, mut told) = self.start("producer.mjs", &numbers);
        let began = line(&mut told).await["began"].as_f64().unwrap();
        producer.wait().await.unwrap();
        began
    }

    fn start(&self, script: &str, numbers: &[f64]) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = Command::new("node")
            .arg(script)
            .args(numbers.iter().map(ToString::to_string))
            .env("REDIS_URL", &self.redis_url)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, told)
    }
}

async fn line(told: &mut Lines<BufReader<ChildStdout>>) -> Value {
    serde_json::from_str(&told.next_line().await.unwrap().unwrap()).unwrap()
}
