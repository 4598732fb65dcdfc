//! The workers of a process: of row changes, of work, and of work that others do.

use super::outage::Outage;
use super::run::Daemon;
use crate::chain::chain;
use crate::handlers::Tools;
use crate::queue::delivery::{Receiver, ReceiverSettings};
use crate::queue::growth::Growth;
use crate::queue::hands::Hands;
use crate::queue::hears::handle;
use crate::queue::lane::WorkLane;
use crate::queue::work::WorkWorker;
use crate::queue::worker::Worker;
use crate::store::release::{EXTERNAL, ROWS, WORK};
use pintle_core::model::Catalog;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Jobs of one process that wait for somebody else at one time: each costs a question now and then.
const EXTERNAL_JOBS: usize = 32;
/// How often it is asked whether work waits.
const GROW_EVERY: Duration = Duration::from_secs(2);

/// Works until `stop`, and through the grace after it.
pub(super) async fn working(daemon: &Daemon, stop: &CancellationToken) {
    let worker = Worker::new(daemon.store.clone(), Catalog::standard(), daemon.process);
    let tools = Tools {
        store: daemon.store.clone(),
        redis_url: daemon.settings.redis_url.clone(),
        secrets: daemon.settings.secrets.clone(),
        named: daemon.settings.work.clone(),
    };
    for program in daemon.settings.work.programs.iter().filter(|program| program.value.sha256.is_none()) {
        tracing::warn!(
            "the program {} is not pinned: whatever stands at {} runs (--program NAME=PATH@sha256:HEX)",
            program.name,
            program.value.path.display()
        );
    }
    let work = WorkWorker::new(daemon.store.clone(), tools, daemon.process, daemon.lease.clone());
    let settings = |queue, hands| {
        let settings = ReceiverSettings::new(&daemon.settings.redis_url, queue, hands);
        ReceiverSettings { grace: daemon.settings.grace, ..settings }
    };
    let rows = settings(ROWS.queue, daemon.settings.concurrency);
    let doorbells = settings(WORK.queue, daemon.settings.concurrency);
    let growing = growing(
        daemon,
        [
            Pool::new(daemon, ROWS.queue, vec![rows.hands.clone()]),
            // The jobs of work, and the doorbells that bring them.
            Pool::new(daemon, WORK.queue, vec![daemon.hands.clone(), doorbells.hands.clone()]),
        ],
    );
    let (jobs, waiting) =
        (WorkLane::new(work.clone(), daemon.hands.clone()), WorkLane::new(work.clone(), Hands::new(EXTERNAL_JOBS)));
    let receiving = async {
        tokio::join!(
            Receiver::run(rows, handle(worker), stop.clone()),
            Receiver::run(doorbells, handle(jobs), stop.clone()),
            Receiver::run(settings(EXTERNAL.queue, EXTERNAL_JOBS), handle(waiting), stop.clone()),
        )
    };
    tokio::select! {
        _ = receiving => {}
        () = work.give_back_forgotten() => {}
        () = async { stop.run_until_cancelled(growing).await; std::future::pending().await } => {}
    }
    // What did not end within the grace begins anew elsewhere.
    if let Err(error) = work.give_back_all().await {
        tracing::warn!("work in hand is taken back later: {}", chain(&error));
    }
}

/// The hands of one queue, which grow and shrink together; the first of them say how many there are.
struct Pool {
    queue: &'static str,
    hands: Vec<Arc<Hands>>,
    growth: Growth,
}

impl Pool {
    fn new(daemon: &Daemon, queue: &'static str, hands: Vec<Arc<Hands>>) -> Self {
        Self { queue, hands, growth: Growth::new(daemon.settings.concurrency, daemon.settings.max_concurrency) }
    }

    /// As many as are wanted, after the first in line has waited for `age`.
    fn fit(&mut self, age: Duration) {
        let Some(first) = self.hands.first() else { return };
        let count = first.count();
        let wanted = self.growth.wanted(count, first.busy(), age, GROW_EVERY);
        if wanted != count {
            tracing::info!(hands = wanted, "{wanted} hands for {} from now on, {count} before", self.queue);
        }
        // Each lets go of as many as are free.
        for hands in &self.hands {
            hands.resize(wanted);
        }
    }
}

/// Takes on more while it waits, up to the bound.
async fn growing(daemon: &Daemon, mut pools: [Pool; 2]) {
    let mut outage = Outage::of("growing");
    loop {
        tokio::time::sleep(GROW_EVERY).await;
        for pool in &mut pools {
            match daemon.store.waits_since(pool.queue).await {
                Ok(age) => {
                    outage.over();
                    pool.fit(age);
                }
                Err(error) => drop(outage.failed(&error)),
            }
        }
    }
}
