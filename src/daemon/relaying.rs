//! The loops of the relay: what is due is released and rung for, what Redis forgot is rung again, what silent processes
//! hold is taken back.

use super::lead::{Bells, Lease, current, over_within};
use super::outage::Outage;
use super::run::Daemon;
use crate::config::DaemonSettings;
use crate::queue::delivery::{DeliveryError, Ringer};
use crate::queue::pace::Pace;
use crate::queue::relay::{Left, RelayError, relay, sweep};
use crate::queue::straight::Straight;
use crate::queue::writers::Writers;
use crate::store::LeaderProof;
use crate::store::release::{LANES, ROWS, WORK};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the sweep looks, and how often the relay looks when nothing rings.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
const RELAY_EVERY: Duration = Duration::from_secs(1);

/// Relays until the term is over.
pub(super) async fn relaying(
    daemon: &Daemon,
    bells: &Bells,
    lease: &Lease,
    straight: &Straight,
    term: &CancellationToken,
) {
    let mut outage = Outage::of("relay");
    let mut ringers = None;
    let mut swept = None;
    loop {
        let done = async {
            let crowded = turn(daemon, bells, &mut ringers, lease, &mut swept).await?;
            let room = async {
                let Some(breath) = crowded else { return std::future::pending().await };
                tokio::time::sleep(breath).await;
                bells.room.notified().await;
            };
            let anything = async {
                tokio::select! {
                    () = bells.relay.notified() => {}
                    () = room => {}
                    () = tokio::time::sleep(RELAY_EVERY) => {}
                }
            };
            ring_straight(&mut ringers, straight, anything).await
        };
        match done.await {
            Ok(()) => outage.over(),
            Err(error) => {
                straight.close();
                (ringers, swept) = (None, None);
                if over_within(outage.failed(&error), term).await {
                    return;
                }
            }
        }
    }
}

/// Rings for work that was released by who added it, until `anything` else is to be done.
async fn ring_straight(
    ringers: &mut Option<Ringers>,
    straight: &Straight,
    anything: impl Future<Output = ()>,
) -> Result<(), RelayError> {
    match ringers.iter_mut().flatten().find(|(pace, _)| pace.lane() == WORK) {
        Some((pace, ringer)) => straight.ring_until(ringer, pace, anything).await?,
        None => anything.await,
    }
    Ok(())
}

/// Each queue, and who rings for it.
type Ringers = Vec<(Pace, Ringer)>;

/// Relays what is due; if something of it had no room, how long none is to be looked for.
async fn turn(
    daemon: &Daemon,
    bells: &Bells,
    slot: &mut Option<Ringers>,
    lease: &Lease,
    swept: &mut Option<Instant>,
) -> Result<Option<Duration>, RelayError> {
    let ringers = match slot {
        Some(ringers) => ringers,
        None => slot.insert(connect(&daemon.settings).await?),
    };
    let proof = current(lease);
    let enqueued = bells.enqueued.load(Ordering::SeqCst);
    let mut crowded = None;
    for (pace, ringer) in ringers.iter_mut() {
        if let Some(breath) = pace.is_full_for(Instant::now()) {
            crowded = Some(crowded.map_or(breath, |least: Duration| breath.min(least)));
            continue;
        }
        let left = relay(&daemon.store, ringer, pace, &proof).await?;
        if left == Left::Nothing && pace.lane().queue == ROWS.queue {
            bells.drained.send_replace(enqueued);
        }
        if left == Left::Crowd {
            crowded = Some(crowded.map_or(pace.breath(), |breath: Duration| breath.min(pace.breath())));
        }
    }
    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
        sweep_all(daemon, ringers, swept.is_none(), &proof).await?;
        *swept = Some(Instant::now());
    }
    Ok(crowded)
}

/// All queues of one Redis are flushed together, and the mark of it is one: it is set again when all were looked at. The
/// `first` time nothing is waited for either: who led before may have rung for nothing of what it released last.
async fn sweep_all(daemon: &Daemon, ringers: &Ringers, first: bool, proof: &LeaderProof) -> Result<(), RelayError> {
    let Some((_, any)) = ringers.first() else { return Ok(()) };
    let flushed = any.epoch().await?.is_none();
    for (pace, ringer) in ringers {
        sweep(&daemon.store, ringer, pace.lane(), flushed || first, proof).await?;
    }
    if flushed {
        any.set_epoch(&Uuid::new_v4().to_string()).await?;
    }
    Ok(())
}

async fn connect(settings: &DaemonSettings) -> Result<Ringers, DeliveryError> {
    let mut ringers = Ringers::new();
    for lane in LANES {
        ringers.push((Pace::new(lane, &settings.limits), Ringer::connect(&settings.redis_url, lane.queue).await?));
    }
    Ok(ringers)
}

/// Takes back what silent processes hold, whether or not Redis answers.
pub(super) async fn taking_back(daemon: &Daemon, bells: &Bells, lease: &Lease) {
    let (mut outage, writers) = (Outage::of("taking work back"), Writers::new(daemon.store.clone(), daemon.process));
    loop {
        let (store, proof) = (&daemon.store, &current(lease));
        match writers.with(|writer| async move { store.take_back(proof, &writer).await }).await {
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
