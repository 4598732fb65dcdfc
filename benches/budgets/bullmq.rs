//! The floor of work: BullMQ's own producer and worker from npm, on the same Redis, in two Node processes.

use super::world::World;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Node with BullMQ beside it.
pub struct Node {
    folder: PathBuf,
    redis_url: String,
}

/// Jobs that Node did.
pub struct Run {
    /// From the first add to the last completed, in seconds.
    pub seconds: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
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

    /// `jobs` through a worker of `concurrency`; all at once, or at `rate` a second.
    pub async fn run(&self, concurrency: usize, jobs: usize, rate: Option<f64>) -> Run {
        let (mut worker, mut told) = self.start("worker.mjs", &[concurrency as f64, jobs as f64]);
        assert_eq!(told.next_line().await.unwrap().as_deref(), Some("ready"), "the worker of the floor");
        let began = self.produce(jobs, rate).await;
        let done = line(&mut told).await;
        worker.wait().await.unwrap();
        let number = |key: &str| done[key].as_f64().unwrap();
        Run { seconds: (number("done") - began) / 1_000.0, p50: number("p50"), p99: number("p99") }
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
