//! The loop of ticks: why it is looked again, and what a tick leaves for the others of the term.

use super::lead::{Bells, Lease, current, over_within};
use super::noticing::Looked;
use super::outage::Outage;
use super::run::Daemon;
use crate::chain::chain;
use crate::reconcile::{Host, Reconciler, TickError};
use crate::source::{Mirror, ParsedCache};
use crate::store::StoreError;
use pintle_core::model::Catalog;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::watch as watch_channel;
use tokio_util::sync::CancellationToken;

/// After so long without a bell there is time for what nobody waits for.
const QUIET: Duration = Duration::from_millis(500);
/// While jobs are on their way, what they do to rows is looked at this seldom: each look reads what still differs.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// Ticks until the term is over.
pub(super) async fn reconciling(
    daemon: &Daemon,
    bells: &Bells,
    lease: &Lease,
    term: &CancellationToken,
    looked: &watch_channel::Sender<Looked>,
) {
    let mut outage = Outage::of("reconcile");
    let mut reconciler: Option<Reconciler> = None;
    let mut woken = Woken { fetch: true, under_way: false };
    let mut planned = Instant::now();
    loop {
        let started = Instant::now();
        // However often the repository is asked, rows are looked at now and then.
        woken.under_way &= planned.elapsed() < UNDER_WAY;
        let compare = bells.compare.swap(false, Ordering::SeqCst);
        if let Some(reconciler) = reconciler.as_mut().filter(|_| compare) {
            reconciler.compare_all();
        }
        let arrived = bells.arrived.swap(false, Ordering::SeqCst);
        if let Some(reconciler) = reconciler.as_mut().filter(|_| arrived) {
            reconciler.arrived();
        }
        let pause = match tick(daemon, &mut reconciler, lease, woken).await {
            Ok(tick) => {
                outage.over();
                tracing::debug!(took_ms = started.elapsed().as_millis(), added = tick.enqueued.added, "ticked");
                daemon.gauges.ticked(&tick);
                let notices = tick.notices.map(Arc::new);
                looked.send_modify(|known| *known = notices.or_else(|| known.take()));
                if tick.put_off {
                    bells.live.notify_one();
                } else {
                    planned = started;
                }
                if tick.enqueued.added > 0 {
                    bells.enqueued.fetch_add(1, Ordering::SeqCst);
                }
                bells.relay.notify_one();
                None
            }
            Err(TickError::Store(StoreError::NotLeader)) => return,
            Err(error) => Some(outage.failed(&error)),
        };
        match pause {
            Some(pause) if over_within(pause, term).await => return,
            Some(_) => woken = Woken { fetch: true, under_way: false },
            None => {
                let mut waiting = pin!(wait(bells, started.elapsed(), daemon.settings.poll_interval));
                woken = match (tokio::time::timeout(QUIET, &mut waiting).await, &mut reconciler) {
                    (Ok(woken), _) => woken,
                    (Err(_), Some(reconciler)) => {
                        rest(reconciler);
                        waiting.await
                    }
                    (Err(_), None) => waiting.await,
                };
            }
        }
    }
}

fn rest(reconciler: &mut Reconciler) {
    if let Err(error) = reconciler.rest() {
        tracing::warn!("what the accepted tree means was not written down: {}", chain(&error));
    }
}

async fn tick(
    daemon: &Daemon,
    slot: &mut Option<Reconciler>,
    lease: &Lease,
    woken: Woken,
) -> Result<crate::reconcile::Tick, TickError> {
    let reconciler = match slot {
        Some(reconciler) => reconciler,
        None => {
            let introduction = daemon.settings.introduction.clone();
            let mirror = Mirror::open(
                &daemon.settings.state_dir.join("mirror.git"),
                &daemon.settings.repo_url,
                &introduction.git_ref,
            )
            .await?
            .within(daemon.settings.max_fetch_bytes);
            let writer = daemon.store.audit_writer(daemon.process).await?;
            let key = daemon.store.cache_key().await?;
            let reconciler = slot.insert(Reconciler::new(
                daemon.store.clone(),
                mirror,
                Catalog::standard(),
                introduction,
                writer,
                Host {
                    state_dir: &daemon.settings.state_dir,
                    caps: daemon.settings.caps,
                    freshness: daemon.settings.freshness,
                },
            )?);
            if let Some(key) = key {
                reconciler.recall_parsed(ParsedCache::in_folder(&daemon.settings.state_dir, key));
            }
            reconciler
        }
    };
    reconciler.put_off_planning(woken.under_way);
    reconciler.tick(&current(lease), woken.fetch).await
}

/// Why it is looked again.
#[derive(Clone, Copy)]
struct Woken {
    /// Whether the repository is to be asked.
    fetch: bool,
    /// Whether what was enqueued is still under way, and nothing of ours rang.
    under_way: bool,
}

/// Waits for a reason to look again. The repository is asked when it rang, when somebody asked, and by interval. Rows
/// and jobs ring often while work is under way: they are answered when it is done, or now and then, and without
/// troubling the forge.
async fn wait(bells: &Bells, took: Duration, poll: Duration) -> Woken {
    let (mut drained, enqueued) = (bells.drained.subscribe(), bells.enqueued.load(Ordering::SeqCst));
    let asked = || Woken { fetch: true, under_way: *bells.drained.borrow() < enqueued };
    let calm = async {
        bells.live.notified().await;
        let pause = took.clamp(Duration::from_millis(20), Duration::from_secs(5));
        let done = async { drained.wait_for(|drained| *drained >= enqueued).await.is_ok() };
        tokio::join!(tokio::time::sleep(pause), tokio::time::timeout(UNDER_WAY, done))
    };
    tokio::select! {
        biased;
        () = bells.git.notified() => asked(),
        () = tokio::time::sleep(poll) => asked(),
        _ = calm => Woken { fetch: false, under_way: false },
    }
}
