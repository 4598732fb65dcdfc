//! A planner that has read the fleet meets a commit that changes little.

use super::clock::{median, ms};
use super::fleet::Fleet;
use super::report::{Goal, Report, Row};
use super::world::Database;
use super::{floors, live};
use jiff::Timestamp;
use pintle::planner::{Planned, Planner};
use pintle::store::acceptance::SOURCE;
use pintle_core::change::Oid;
use pintle_core::diagnostic::has_errors;
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guards;
use std::time::{Duration, Instant};

const CHANNEL_RUNS: usize = 5;

pub async fn measure(fleet: &Fleet, database: &Database, cold: Duration, report: &mut Report) {
    let mut planner = Planner::new(database.store.clone(), fleet.objects(), Catalog::standard());
    let first = back(&mut planner, fleet).await.unwrap();
    assert!(first.plan.is_empty(), "the base is applied: {} steps", first.plan.steps().len());
    channel(fleet, &mut planner, cold, report).await;
    edits(fleet, &mut planner, database, report).await;
}

async fn channel(fleet: &Fleet, planner: &mut Planner, cold: Duration, report: &mut Report) {
    let mut times = Vec::new();
    for _ in 0..CHANNEL_RUNS {
        back(planner, fleet).await;
        let (read, plan, planned) = planned(planner, fleet.channel).await;
        assert_eq!(planned.plan.steps().len(), 1);
        times.push(read + plan);
    }
    back(planner, fleet).await;
    report.add(Row {
        name: "a Channel edited that all follow, warm",
        size: fleet.size,
        ours: ms(median(times)),
        floor: Some(ms(cold)),
        unit: "ms",
        goal: Goal::AtMost(0.5),
        note: "the floor is the cold plan; today a channel's edit is one step, versions are chosen by no station yet"
            .into(),
    });
}

async fn edits(fleet: &Fleet, planner: &mut Planner, database: &Database, report: &mut Report) {
    let mut owner = database.owner().await;
    let (mut reads, mut plans, mut totals, mut floor) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut before = fleet.base;
    for edit in &fleet.edits {
        let (read, plan, planned) = planned(planner, *edit).await;
        let [step] = planned.plan.steps() else { panic!("{} steps", planned.plan.steps().len()) };
        live::apply(&mut owner, &step.change).await;
        floor.push(floors::diff(&fleet.path, before, *edit));
        before = *edit;
        reads.push(read);
        plans.push(plan);
        totals.push(read + plan);
    }
    report.add(Row {
        name: "one Instance file changed, warm",
        size: fleet.size,
        ours: ms(median(totals)),
        floor: Some(ms(median(floor))),
        unit: "ms",
        goal: Goal::AtMost(1.0),
        note: format!(
            "median of {}; read {:.2} ms, plan {:.2} ms",
            fleet.edits.len(),
            ms(median(reads)),
            ms(median(plans))
        ),
    });
}

/// Brings the planner to the base; nothing is planned when it stands there already.
async fn back(planner: &mut Planner, fleet: &Fleet) -> Option<Planned> {
    assert!(!has_errors(planner.read(fleet.base, Timestamp::now()).unwrap()));
    planner.plan(SOURCE, &Guards::default()).await.unwrap()
}

/// Reads and plans `commit`.
async fn planned(planner: &mut Planner, commit: Oid) -> (Duration, Duration, Planned) {
    let started = Instant::now();
    assert!(!has_errors(planner.read(commit, Timestamp::now()).unwrap()));
    let read = started.elapsed();
    let planned = planner.plan(SOURCE, &Guards::default()).await.unwrap().unwrap();
    (read, started.elapsed().checked_sub(read).unwrap(), planned)
}
