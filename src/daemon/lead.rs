//! One term of leadership: reconcile, relay and sweep until the lease is lost or the daemon stops.

use super::outage::Outage;
use super::run::Daemon;
use super::scheduling::scheduling;
use crate::chain::chain;
use crate::forge::ForgeClient;
use crate::queue::delivery::{DeliveryError, Ringer};
use crate::queue::relay::{relay, sweep};
use crate::reconcile::{Host, Reconciler, TickError};
use crate::source::{Mirror, watch};
use crate::store::leader::LEASE;
use crate::store::release::{EXTERNAL, ROWS, WORK};
use crate::store::{LeaderProof, StoreError};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Notice;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often what is over is put away, and the partitions of the coming months are made.
const TIDY_EVERY: Duration = Duration::from_mins(1);
/// The first pause before what could not be told is told again; each is twice the one before.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Looked at again after this long without a tick.
const TELL_AGAIN: Duration = Duration::from_secs(30);
/// After so long without a bell there is time for what nobody waits for.
const QUIET: Duration = Duration::from_millis(500);
/// While jobs are on their way, what they do to rows is looked at this seldom: each look reads what still differs.
const UNDER_WAY: Duration = Duration::from_secs(2);
/// How often the sweep looks, and how often the relay looks when nothing rings.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
const RELAY_EVERY: Duration = Duration::from_secs(1);

/// What rings in a term.
#[derive(Default)]
pub(super) struct Bells {
    /// The repository moved.
    pub git: Arc<Notify>,
    /// Somebody wants every row to be compared.
    pub compare: AtomicBool,
    /// A live row or a job moved.
    pub live: Arc<Notify>,
    /// A schedule or a window changed.
    pub schedules: Arc<Notify>,
    /// There may be something to release.
    pub relay: Arc<Notify>,
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
    let (own, rung, held, token) = (daemon.clone(), bells.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, scheduling(&own, &rung, &held)).await });
    let (own, rung, held, token) = (daemon.clone(), bells.clone(), lease.clone(), term.clone());
    tasks.spawn(async move { ending(&token, taking_back(&own, &rung, &held)).await });
    ending(&term, relaying(daemon, bells, &lease, &term)).await;
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

async fn renewal(daemon: &Daemon, lease: &Lease) {
    loop {
        tokio::time::sleep(LEASE / 5).await;
        let mut proof = current(lease);
        match daemon.store.renew(&mut proof).await {
            Ok(()) => *lease.lock().unwrap_or_else(PoisonError::into_inner) = proof,
            Err(StoreError::NotLeader) => return,
            Err(_) if !proof.is_fresh() => return,
            Err(_) => {}
        }
    }
}

/// Tells people of transitions, after ticks. What cannot be told is tried again, and given up in the end.
async fn noticing(daemon: &Daemon, lease: &Lease, mut look: watch_channel::Receiver<Looked>) {
    let forge = daemon.settings.forge.clone().map(ForgeClient::new);
    let (mut outage, mut tries) = (Outage::of("telling people"), 0);
    loop {
        // The end of the sender is the end of the term; a pause without a tick is one for trying again.
        if tokio::time::timeout(TELL_AGAIN, look.changed()).await.is_ok_and(|changed| changed.is_err()) {
            return;
        }
        // Before anybody knows who is told, nothing is: it would count as told.
        let Some(notices) = look.borrow_and_update().clone() else { continue };
        if forge.is_none() && notices.is_empty() {
            continue;
        }
        match told(daemon, lease, forge.as_ref(), &notices, tries).await {
            Ok(failed) => {
                outage.over();
                tries = if failed { tries + 1 } else { 0 };
                if failed {
                    tokio::time::sleep(TRY_AGAIN * 2_u32.pow(tries)).await;
                }
            }
            Err(error) => drop(outage.failed(&error)),
        }
    }
}

/// Tells what is new; whether some of it was not taken and is to be tried again.
async fn told(
    daemon: &Daemon,
    lease: &Lease,
    forge: Option<&ForgeClient>,
    notices: &Arc<Vec<Notice>>,
    tries: u32,
) -> Result<bool, StoreError> {
    let standing = daemon.store.standing().await?;
    let (events, told) = crate::notices::events(&standing);
    let (forge, receivers, secrets) = (forge.cloned(), notices.clone(), daemon.settings.secrets.clone());
    let telling = tokio::task::spawn_blocking(move || {
        events
            .iter()
            .flat_map(|event| crate::notices::tell(event, forge.as_ref(), &receivers, &secrets))
            .collect::<Vec<_>>()
    });
    let failed = telling.await.unwrap_or_default();
    for why in &failed {
        tracing::warn!("{why}");
    }
    if !failed.is_empty() && tries + 1 < crate::notices::TRIES {
        return Ok(true);
    }
    if told != standing.told {
        daemon.store.record_told(&current(lease), &told).await?;
    }
    Ok(false)
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
            daemon.store.prune(&current(lease)).await
        };
        match done.await {
            Ok(_) => outage.over(),
            Err(error) => drop(outage.failed(&error)),
        }
        tokio::time::sleep(TIDY_EVERY).await;
    }
}

/// Takes back what silent processes hold, whether or not Redis answers.
async fn taking_back(daemon: &Daemon, bells: &Bells, lease: &Lease) {
    let mut outage = Outage::of("taking work back");
    loop {
        match daemon.store.take_back(&current(lease)).await {
            Ok(silent) => {
                outage.over();
                if !silent.is_empty() {
                    tracing::warn!(?silent, "{} jobs of processes that fell silent were taken back", silent.len());
                    bells.relay.notify_one();
                }
            }
            Err(error) => drop(outage.failed(&error)),
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Pauses; whether the term was over before the pause was. A loop that went on then would spin: what
/// fails at once never yields.
async fn over_within(pause: Duration, term: &CancellationToken) -> bool {
    tokio::time::timeout(pause, term.cancelled()).await.is_ok()
}

/// Who is told, sent after each tick that knows.
type Looked = Option<Arc<Vec<Notice>>>;

async fn reconciling(
    daemon: &Daemon,
    bells: &Bells,
    lease: &Lease,
    term: &CancellationToken,
    looked: &watch_channel::Sender<Looked>,
) {
    let mut outage = Outage::of("reconcile");
    let mut reconciler: Option<Reconciler> = None;
    let mut woken = Woken { fetch: true, under_way: false };
    loop {
        let started = Instant::now();
        let compare = bells.compare.swap(false, Ordering::SeqCst);
        if let Some(reconciler) = reconciler.as_mut().filter(|_| compare) {
            reconciler.compare_all();
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
            slot.insert(Reconciler::new(
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
            )?)
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

async fn relaying(daemon: &Daemon, bells: &Bells, lease: &Lease, term: &CancellationToken) {
    let mut outage = Outage::of("relay");
    let mut ringer = None;
    let mut swept = None;
    loop {
        let pause = match turn(daemon, bells, &mut ringer, lease, &mut swept).await {
            Ok(()) => {
                outage.over();
                None
            }
            Err(error) => {
                ringer = None;
                swept = None;
                Some(outage.failed(&error))
            }
        };
        match pause {
            Some(pause) if over_within(pause, term).await => return,
            Some(_) => {}
            None => drop(tokio::time::timeout(RELAY_EVERY, bells.relay.notified()).await),
        }
    }
}

async fn turn(
    daemon: &Daemon,
    bells: &Bells,
    slot: &mut Option<Ringers>,
    lease: &Lease,
    swept: &mut Option<Instant>,
) -> Result<(), crate::queue::relay::RelayError> {
    let ringers = match slot {
        Some(ringers) => ringers,
        None => slot.insert(Ringers::connect(&daemon.settings.redis_url).await?),
    };
    let proof = current(lease);
    let enqueued = bells.enqueued.load(Ordering::SeqCst);
    if relay(&daemon.store, &ringers.rows, ROWS, &proof).await? {
        bells.drained.send_replace(enqueued);
    }
    relay(&daemon.store, &ringers.work, WORK, &proof).await?;
    relay(&daemon.store, &ringers.external, EXTERNAL, &proof).await?;
    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
        sweep(&daemon.store, &ringers.rows, ROWS, &proof).await?;
        sweep(&daemon.store, &ringers.work, WORK, &proof).await?;
        sweep(&daemon.store, &ringers.external, EXTERNAL, &proof).await?;
        *swept = Some(Instant::now());
    }
    Ok(())
}

/// One for each queue.
struct Ringers {
    rows: Ringer,
    work: Ringer,
    external: Ringer,
}

impl Ringers {
    async fn connect(redis_url: &str) -> Result<Self, DeliveryError> {
        Ok(Self {
            rows: Ringer::connect(redis_url, ROWS.queue).await?,
            work: Ringer::connect(redis_url, WORK.queue).await?,
            external: Ringer::connect(redis_url, EXTERNAL.queue).await?,
        })
    }
}
