//! The cold plan: a process that has read nothing plans a fleet and ends.

use super::clock::ms;
use super::fleet::Fleet;
use super::floors;
use super::report::{Goal, Report, Row};
use super::world::Database;
use jiff::Timestamp;
use pintle::planner::Planner;
use pintle::source::GitObjects;
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
    let mut runs: Vec<serde_json::Value> = (0..RUNS).map(|_| in_a_child(fleet, database)).collect();
    runs.sort_by(|a, b| a["total"].as_f64().unwrap().total_cmp(&b["total"].as_f64().unwrap()));
    let best = &runs[0];
    let [total, read, plan, peak] = ["total", "read", "plan", "peak"].map(|key| best[key].as_f64().unwrap());
    assert_eq!(best["steps"], 1, "the first edit is one step");
    let (cat, copy) = (floors::cat_file(fleet), floors::copy(database).await);
    let per_byte = total * 1e9 / fleet.bytes as f64;
    report.add(Row {
        name: "cold plan",
        size: fleet.size,
        ours: total * 1000.0,
        floor: Some(ms(cat + copy)),
        unit: "ms",
        goal: Goal::AtMost(3.0),
        note: format!(
            "{per_byte:.0} ns a byte; read {:.0} ms, plan {:.0} ms; cat-file {:.0} ms, COPY {:.0} ms",
            read * 1000.0,
            plan * 1000.0,
            ms(cat),
            ms(copy)
        ),
    });
    report.add(Row {
        name: "cold plan, peak memory",
        size: fleet.size,
        ours: peak,
        floor: Some(600.0),
        unit: "MB",
        goal: Goal::AtMost(1.0),
        note: "VmHWM of the process; the floor is the budget".into(),
    });
    Duration::from_secs_f64(total)
}

fn in_a_child(fleet: &Fleet, database: &Database) -> serde_json::Value {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--cold-plan", fleet.path.to_str().unwrap(), &fleet.edits[0].to_string(), &database.url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the child does.
pub fn child(words: &[String]) {
    let [path, rev, url] = words else { panic!("a path, a revision and a database") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{}", runtime.block_on(plan(Path::new(path), rev, url)));
}

async fn plan(path: &Path, rev: &str, url: &str) -> serde_json::Value {
    let started = Instant::now();
    let objects = Arc::new(GitObjects::open(path).unwrap());
    let mut planner = Planner::new(Store::open(url, 2).unwrap(), objects, Catalog::standard());
    assert!(!has_errors(planner.read(rev.parse().unwrap(), Timestamp::now()).unwrap()));
    let read = started.elapsed();
    let planned = planner.plan(SOURCE, &Guards::default()).await.unwrap().unwrap();
    let total = started.elapsed();
    serde_json::json!({
        "total": total.as_secs_f64(),
        "read": read.as_secs_f64(),
        "plan": total.checked_sub(read).unwrap().as_secs_f64(),
        "peak": peak_mb(),
        "steps": planned.plan.steps().len(),
    })
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
