//! The loops of the relay: what is due is released and rung for, what Redis forgot is rung again, what silent processes
//! hold is taken back.

use super::lead::{Bells, Lease, current, over_within};
use super::outage::Outage;
use super::run::Daemon;
use crate::config::DaemonSettings;
use crate::queue::delivery::{DeliveryError, Ringer};
use crate::queue::pace::Pace;
use crate::queue::relay::{Left, RelayError, relay, sweep};
use crate::queue::writers::Writers;
use crate::store::LeaderProof;
use crate::store::release::{LANES, ROWS};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the sweep looks, and how often the relay looks when nothing rings.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
const RELAY_EVERY: Duration = Duration::from_secs(1);

/// Relays until the term is over.
pub(super) async fn relaying(daemon: &Daemon, bells: &Bells, lease: &Lease, term: &CancellationToken) {
    let mut outage = Outage::of("relay");
    let mut ringer = None;
    let mut swept = None;
    loop {
        match turn(daemon, bells, &mut ringer, lease, &mut swept).await {
            Ok(crowded) => {
                outage.over();
                let room = async { if crowded { bells.room.notified().await } else { std::future::pending().await } };
                tokio::select! {
                    () = bells.relay.notified() => {}
                    () = room => {}
                    () = tokio::time::sleep(RELAY_EVERY) => {}
                }
            }
            Err(error) => {
                (ringer, swept) = (None, None);
                if over_within(outage.failed(&error), term).await {
                    return;
                }
            }
        }
    }
}

/// Each queue, and who rings for it.
type Ringers = Vec<(Pace, Ringer)>;

/// Relays what is due; whether something of it had no room.
async fn turn(
    daemon: &Daemon,
    bells: &Bells,
    slot: &mut Option<Ringers>,
    lease: &Lease,
    swept: &mut Option<Instant>,
) -> Result<bool, RelayError> {
    let ringers = match slot {
        Some(ringers) => ringers,
        None => slot.insert(connect(&daemon.settings).await?),
    };
    let proof = current(lease);
    let enqueued = bells.enqueued.load(Ordering::SeqCst);
    let mut crowded = false;
    for (pace, ringer) in ringers.iter_mut() {
        let left = relay(&daemon.store, ringer, pace, &proof).await?;
        if left == Left::Nothing && pace.lane().queue == ROWS.queue {
            bells.drained.send_replace(enqueued);
        }
        crowded |= left == Left::Crowd;
    }
    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
        sweep_all(daemon, ringers, &proof).await?;
        *swept = Some(Instant::now());
    }
    Ok(crowded)
}

/// All queues of one Redis are flushed together, and the mark of it is one: it is set again when all were looked at.
async fn sweep_all(daemon: &Daemon, ringers: &Ringers, proof: &LeaderProof) -> Result<(), RelayError> {
    let Some((_, any)) = ringers.first() else { return Ok(()) };
    let flushed = any.epoch().await?.is_none();
    for (pace, ringer) in ringers {
        sweep(&daemon.store, ringer, pace.lane(), flushed, proof).await?;
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
