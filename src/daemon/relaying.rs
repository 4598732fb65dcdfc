//! The loops of the relay: what is due is released and rung for, what Redis forgot is rung again, what silent processes
//! hold is taken back.

use super::lead::{Bells, Lease, current, over_within};
use super::outage::Outage;
use super::run::Daemon;
use crate::queue::delivery::{DeliveryError, Ringer};
use crate::queue::pace::Pace;
use crate::queue::relay::{RelayError, relay, sweep};
use crate::store::release::{LANES, ROWS};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the sweep looks, and how often the relay looks when nothing rings.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
const RELAY_EVERY: Duration = Duration::from_secs(1);

/// Relays until the term is over.
pub(super) async fn relaying(daemon: &Daemon, bells: &Bells, lease: &Lease, term: &CancellationToken) {
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

/// Each queue, and who rings for it.
type Ringers = Vec<(Pace, Ringer)>;

async fn turn(
    daemon: &Daemon,
    bells: &Bells,
    slot: &mut Option<Ringers>,
    lease: &Lease,
    swept: &mut Option<Instant>,
) -> Result<(), RelayError> {
    let ringers = match slot {
        Some(ringers) => ringers,
        None => slot.insert(connect(&daemon.settings.redis_url).await?),
    };
    let proof = current(lease);
    let enqueued = bells.enqueued.load(Ordering::SeqCst);
    for (pace, ringer) in ringers.iter_mut() {
        let idle = relay(&daemon.store, ringer, pace, &proof).await?;
        if idle && pace.lane().queue == ROWS.queue {
            bells.drained.send_replace(enqueued);
        }
    }
    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
        for (pace, ringer) in ringers.iter() {
            sweep(&daemon.store, ringer, pace.lane(), &proof).await?;
        }
        *swept = Some(Instant::now());
    }
    Ok(())
}

async fn connect(redis_url: &str) -> Result<Ringers, DeliveryError> {
    let mut ringers = Ringers::new();
    for lane in LANES {
        ringers.push((Pace::new(lane), Ringer::connect(redis_url, lane.queue).await?));
    }
    Ok(ringers)
}

/// Takes back what silent processes hold, whether or not Redis answers.
pub(super) async fn taking_back(daemon: &Daemon, bells: &Bells, lease: &Lease) {
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
