//! The budgets: what Pintle costs, beside what the same work costs with the plainest tools, in one
//! run on one machine. Run it by `scripts/bench`; docs/performance.md says what the rows mean.
#![allow(missing_docs, reason = "a program, not a library")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends with the place where it stopped")]

mod arguments;
mod branch;
mod bullmq;
mod clock;
mod cold;
mod documents;
mod fleet;
mod floors;
mod history;
mod horizon;
mod live;
mod noop;
mod pgbench;
mod push;
mod report;
mod signing;
mod terraform;
mod tick;
mod verify;
mod warm;
mod work;
mod world;

use arguments::Arguments;
use report::Report;
use world::World;

fn main() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("--cold-plan") {
        return cold::child(&words.collect::<Vec<_>>());
    }
    let arguments = Arguments::read(std::env::args().skip(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let report = runtime.block_on(run(&arguments));
    report.print();
    if let Some(file) = &arguments.json {
        std::fs::write(file, report.json()).unwrap();
    }
}

async fn run(arguments: &Arguments) -> Report {
    let mut report = Report::default();
    let world = World::start().await;
    if arguments.wants("plan") {
        for size in &arguments.sizes {
            plan_rows(&world, *size, arguments, &mut report).await;
        }
    }
    if arguments.wants("verify") {
        verify::measure(&world, arguments.pick(10_000, 1_000), &mut report);
        branch::measure(&world, arguments.pick(10_000, 1_000), &mut report);
    }
    if arguments.wants("push") {
        push::measure(&world, arguments.pick(10_000, 1_000), arguments.pick(50, 10), &mut report).await;
    }
    if arguments.wants("work") {
        work::measure(&world, arguments.pick(20_000, 2_000), &mut report).await;
        work::measure_memory(&world, arguments.pick(100_000, 5_000), &mut report).await;
        work::measure_fairness(&world, arguments.pick(100_000, 5_000), &mut report).await;
        work::measure_scheduler(&world, arguments.pick(10_000, 1_000), &mut report).await;
    }
    if arguments.wants("terraform") {
        terraform::measure(&world, arguments.pick(5_000, 500), &mut report).await;
    }
    world.stop().await;
    report
}

async fn plan_rows(world: &World, size: usize, arguments: &Arguments, report: &mut Report) {
    eprintln!("{size} instances: making the repository and the rows");
    let fleet = fleet::Fleet::make(&world.path(&format!("fleet-{size}")), size, arguments.pick(50, 10));
    let database = world.database(&format!("plan_{size}")).await;
    live::fill(&database, &fleet).await;
    let cold = cold::measure(&fleet, &database, report).await;
    warm::measure(&fleet, &database, cold, report).await;
    tick::measure(world, &fleet, &database, report).await;
}
