//! The relay: what is due is released, committed, and only then rung. A crash in between is healed by
//! the sweep, which rings again under a new delivery.

use super::delivery::{Delivery, DeliveryError, Known, Ringer};
use super::pace::Pace;
use crate::store::release::Lane;
use crate::store::{LeaderProof, Store, StoreError};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a delivery may be silent before Redis is asked about it.
const SILENCE: Duration = Duration::from_secs(5);
/// How long Redis may call a delivery active without its rows being done: two lock periods.
const ABANDONED: Duration = Duration::from_secs(30);

/// Why the relay could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
}

/// What is left of a lane after it was relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing was due, and nothing is on its way.
    Nothing,
    /// What is due is on its way.
    OnItsWay,
    /// More may be due than there was room for.
    Crowd,
}

/// Releases and rings everything of a lane that is due and has room.
pub async fn relay(store: &Store, ringer: &Ringer, pace: &mut Pace, proof: &LeaderProof) -> Result<Left, RelayError> {
    loop {
        let released = store.release(proof, pace.lane().queue, pace.room(), pace.limits()).await?;
        pace.released(Instant::now(), &released);
        if released.jobs > 0 {
            crate::crash::point("released");
            ring(ringer, &released.deliveries).await?;
            crate::crash::point("rung");
        }
        match (released.jobs, released.more) {
            (0, true) => return Ok(Left::Crowd),
            (0, false) if released.out == Some(0) => return Ok(Left::Nothing),
            (_, false) => return Ok(Left::OnItsWay),
            (_, true) => {}
        }
    }
}

/// Rings for `deliveries`, whose release is committed.
pub(super) async fn ring(ringer: &Ringer, deliveries: &[Delivery]) -> Result<(), DeliveryError> {
    for one in deliveries {
        tracing::info!(delivery = %one.id, rows = one.jobs.len(), "delivery {} released with {} rows", one.id, one.jobs.len());
    }
    ringer.ring(deliveries).await
}

/// Looks at deliveries of `lane` that have been silent, or at `all` of them: those that Redis does not carry are rung
/// again.
pub async fn sweep(
    store: &Store,
    ringer: &Ringer,
    lane: Lane,
    all: bool,
    proof: &LeaderProof,
) -> Result<usize, RelayError> {
    if let Some(interference) = ringer.interference().await? {
        tracing::warn!(%interference, "somebody interferes with our queue: {interference}");
        ringer.release_brakes().await?;
    }
    let silent = store.silent(lane, if all { Duration::ZERO } else { SILENCE }).await?;
    let ids: Vec<Uuid> = silent.iter().map(|one| one.delivery.id).collect();
    let known: HashMap<Uuid, Known> = ids.iter().copied().zip(ringer.known(&ids).await?).collect();
    let lost: Vec<Uuid> = silent
        .iter()
        .filter(|one| match known.get(&one.delivery.id) {
            Some(Known::Waiting) => false,
            Some(Known::Active) => one.age > ABANDONED,
            _ => true,
        })
        .map(|one| one.delivery.id)
        .collect();
    if lost.is_empty() {
        return Ok(0);
    }
    let minted = store.remint(proof, &lost).await?;
    ring(ringer, &minted).await?;
    tracing::warn!(
        lost = lost.len(),
        rung = minted.len(),
        "{} deliveries were lost by Redis and rung again",
        minted.len()
    );
    Ok(minted.len())
}
