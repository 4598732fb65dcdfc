//! The cold plan: a process that has read nothing plans a fleet and ends.

use super::clock::ms;
use super::fleet::Fleet;
use super::floors;
use super::report::{Goal, Report, Row};
use super::world::Database;
use jiff::Timestamp;
use pintle::planner::Planner;
use pintle::source::{GitObjects, ParsedCache};
use pintle::store::Store;
use pintle::store::acceptance::SOURCE;
use pintle_core::diagnostic::has_errors;
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guards;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RUNS: usize = 3;

/// Plans the first edit in a process of its own; returns how long the quickest took.
pub async fn measure(fleet: &Fleet, database: &Database, report: &mut Report) -> Duration {
    let cold = quickest(fleet, database, None);
    let (cat, copy) = (floors::cat_file(fleet), floors::copy(database).await);
    let floor = Some(ms(cat + copy));
    let per_byte = cold.total * 1e9 / fleet.bytes as f64;
    report.add(Row {
        name: "cold plan",
        size: fleet.size,
        ours: cold.total * 1000.0,
        floor,
        unit: "ms",
        goal: Goal::AtMost(3.0),
        note: format!("{per_byte:.0} ns a byte; {}; cat-file {:.0} ms, COPY {:.0} ms", cold.parts(), ms(cat), ms(copy)),
    });
    report.add(Row {
        name: "cold plan, peak memory",
        size: fleet.size,
        ours: cold.peak,
        floor: Some(600.0),
        unit: "MB",
        goal: Goal::AtMost(1.0),
        note: "VmHWM of the process; the floor is the budget".into(),
    });
    let folder = tempfile::tempdir().unwrap();
    // The first leaves what it parsed.
    in_a_child(fleet, database, Some(folder.path()));
    let again = quickest(fleet, database, Some(folder.path()));
    report.add(Row {
        name: "restart with the parse cache",
        size: fleet.size,
        ours: again.total * 1000.0,
        floor,
        unit: "ms",
        goal: Goal::AtMost(1.5),
        note: format!("{}; {:.0} MB at its peak", again.parts(), again.peak),
    });
    Duration::from_secs_f64(cold.total)
}

/// What a child took, in seconds, and its memory in MB.
#[derive(serde::Deserialize, serde::Serialize)]
struct Took {
    total: f64,
    recall: f64,
    read: f64,
    plan: f64,
    peak: f64,
    steps: usize,
}

impl Took {
    fn parts(&self) -> String {
        let [recall, read, plan] = [self.recall, self.read, self.plan].map(|seconds| seconds * 1000.0);
        format!("recall {recall:.0} ms, read {read:.0} ms, plan {plan:.0} ms")
    }
}

fn quickest(fleet: &Fleet, database: &Database, cache: Option<&Path>) -> Took {
    let runs = (0..RUNS).map(|_| in_a_child(fleet, database, cache));
    let best = runs.min_by(|a, b| a.total.total_cmp(&b.total)).unwrap();
    assert_eq!(best.steps, 1, "the first edit is one step");
    best
}

fn in_a_child(fleet: &Fleet, database: &Database, cache: Option<&Path>) -> Took {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--cold-plan", fleet.path.to_str().unwrap(), &fleet.edits[0].to_string(), &database.url])
        .args(cache)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the child does.
pub fn child(words: &[String]) {
    let (path, rev, url, cache) = match words {
        [path, rev, url] => (path, rev, url, None),
        [path, rev, url, cache] => (path, rev, url, Some(Path::new(cache))),
        _ => panic!("a path, a revision, a database, and perhaps a folder"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = runtime.block_on(plan(Path::new(path), rev, url, cache));
    println!("{}", serde_json::to_string(&took).unwrap());
}

async fn plan(path: &Path, rev: &str, url: &str, cache: Option<&Path>) -> Took {
    let started = Instant::now();
    let objects = Arc::new(GitObjects::open(path).unwrap());
    let mut planner = Planner::new(Store::open(url, 2).unwrap(), objects, Catalog::standard());
    if let Some(folder) = cache {
        planner.recall(ParsedCache::in_folder(folder, [7; 16]));
    }
    let recall = started.elapsed();
    assert!(!has_errors(planner.read(rev.parse().unwrap(), Timestamp::now()).unwrap()));
    let read = started.elapsed();
    let planned = planner.plan(SOURCE, &Guards::default()).await.unwrap().unwrap();
    let total = started.elapsed();
    planner.keep().unwrap();
    Took {
        total: total.as_secs_f64(),
        recall: recall.as_secs_f64(),
        read: read.checked_sub(recall).unwrap().as_secs_f64(),
        plan: total.checked_sub(read).unwrap().as_secs_f64(),
        peak: peak_mb(),
        steps: planned.plan.steps().len(),
    }
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
