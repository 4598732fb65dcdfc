//! One term of leadership: reconcile, schedule, relay, tell and tidy until the lease is lost or the daemon stops.

use super::noticing::noticing;
use super::outage::Outage;
use super::reconciling::reconciling;
use super::relaying::{relaying, taking_back};
use super::run::Daemon;
use super::scheduling::scheduling;
use crate::chain::chain;
use crate::queue::collect::collect;
use crate::queue::straight::Straight;
use crate::source::watch;
use crate::store::leader::LEASE;
use crate::store::{LeaderProof, StoreError};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often what is over is put away, and the partitions of the coming months are made.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// What rings in a term.
#[derive(Default)]
pub(super) struct Bells {
    /// The repository moved.
    pub git: Arc<Notify>,
    /// Somebody wants every row to be compared.
    pub compare: AtomicBool,
    /// A service carried something out.
    pub arrived: AtomicBool,
    /// A live row or a job moved.
    pub live: Arc<Notify>,
    /// A schedule or a window changed.
    pub schedules: Arc<Notify>,
    /// There may be something to release.
    pub relay: Arc<Notify>,
    /// There may be room for what was not released for want of it.
    pub room: Arc<Notify>,
    /// How often something was enqueued.
    pub enqueued: AtomicU64,
    /// How often something had been enqueued when nothing of it was queued or on its way any more.
    pub drained: watch_channel::Sender<u64>,
}

/// The proof, renewed by one task and used by the others.
pub(super) type Lease = Arc<Mutex<LeaderProof>>;

pub(super) fn current(lease: &Lease) -> LeaderProof {
    lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Leads until `stop`, or until the lease is lost.
pub(super) async fn lead(daemon: &Arc<Daemon>, bells: &Arc<Bells>, proof: LeaderProof, stop: &CancellationToken) {
    tracing::info!(term = proof.term(), "leading, term {}", proof.term());
    has_moved(daemon).await;
    daemon.gauges.leads(true);
    let lease: Lease = Arc::new(Mutex::new(proof));
    let term = stop.child_token();
    let _watcher = watch(&daemon.settings.repo_url, bells.git.clone());
    // Tasks of their own: the lease is renewed and jobs are released while a plan is made.
    let mut tasks = JoinSet::new();
    let (own, held, token) = (daemon.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, renewal(&own, &held)).await });
    let (looked, look) = watch_channel::channel(None);
    let (own, rung, held, token) = (daemon.clone(), bells.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, reconciling(&own, &rung, &held, &token, &looked)).await });
    let (own, held, token) = (daemon.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, noticing(&own, &held, look)).await });
    let (own, held, token) = (daemon.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, tidying(&own, &held)).await });
    let straight = Arc::<Straight>::default();
    let (own, rung, held, aside, token) =
        (daemon.clone(), bells.clone(), lease.clone(), straight.clone(), term.clone());
    tasks.spawn(async move { ending(&token, scheduling(&own, &rung, &held, &aside)).await });
    let (own, rung, held, token) = (daemon.clone(), bells.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, taking_back(&own, &rung, &held)).await });
    ending(&term, relaying(daemon, bells, &lease, &straight, &term)).await;
    while tasks.join_next().await.is_some() {}
    daemon.gauges.leads(false);
    if stop.is_cancelled() {
        let _ = daemon.store.resign(&current(&lease)).await;
    } else {
        tracing::warn!("no longer leading");
    }
}

/// Runs `work`; its end, by a panic too, is the end of the term.
async fn ending(term: &CancellationToken, work: impl Future<Output = ()>) {
    let _over = term.clone().drop_guard();
    term.run_until_cancelled(work).await;
}

/// Whether the database is not the one that it was.
async fn has_moved(daemon: &Daemon) -> bool {
    match daemon.store.has_moved().await {
        Ok(false) => false,
        Ok(true) => {
            tracing::warn!(
                "the database is another cluster or on another timeline: its numbers go on past a margin, and everything is read again"
            );
            true
        }
        Err(error) => {
            tracing::warn!("whether the database failed over is not known: {}", chain(&error));
            false
        }
    }
}

async fn renewal(daemon: &Daemon, lease: &Lease) {
    loop {
        tokio::time::sleep(LEASE / 5).await;
        let mut proof = current(lease);
        match daemon.store.renew(&mut proof).await {
            Ok(()) => *lease.lock().unwrap_or_else(PoisonError::into_inner) = proof,
            Err(StoreError::NotLeader) => return,
            Err(_) if !proof.is_fresh() => return,
            Err(_) => continue,
        }
        // Who failed over may lack what was seen: the next term reads everything again.
        if has_moved(daemon).await {
            return;
        }
    }
}

/// Housekeeping. Its failures hold up nothing else.
async fn tidying(daemon: &Daemon, lease: &Lease) {
    let mut outage = Outage::of("housekeeping");
    loop {
        let done = async {
            let made = daemon.store.ensure_audit_partitions().await?;
            if made > 0 {
                tracing::info!(made, "made {made} partitions of the audit log");
            }
            daemon.store.prune(|| current(lease)).await
        };
        match done.await {
            Ok(_) => outage.over(),
            Err(error) => drop(outage.failed(&error)),
        }
        match collect(&daemon.store, &daemon.settings.redis_url).await {
            Ok(0) => {}
            Ok(taken) => tracing::info!("{taken} ended jobs that nobody waited for were taken from queues of others"),
            Err(error) => drop(outage.failed(&error)),
        }
        tokio::time::sleep(TIDY_EVERY).await;
    }
}

/// Pauses; whether the term was over before the pause was. A loop that went on then would spin: what
/// fails at once never yields.
pub(super) async fn over_within(pause: Duration, term: &CancellationToken) -> bool {
    tokio::time::timeout(pause, term.cancelled()).await.is_ok()
}
