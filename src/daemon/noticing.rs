//! Telling people: the forge and the webhooks of the guard. Nothing waits for it.

use super::lead::{Lease, current};
use super::outage::Outage;
use super::run::Daemon;
use crate::forge::ForgeClient;
use crate::notices::Heard;
use crate::store::StoreError;
use pintle_core::model::guard::Notice;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as watch_channel;

/// The first pause before what could not be told is told again; each is twice the one before.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Looked at again after this long without a tick.
const TELL_AGAIN: Duration = Duration::from_secs(30);

/// Who is told, sent after each tick that knows.
pub(super) type Looked = Option<Arc<Vec<Notice>>>;

/// Tells people of transitions, after ticks. What cannot be told is tried again, and given up in the end.
pub(super) async fn noticing(daemon: &Daemon, lease: &Lease, mut look: watch_channel::Receiver<Looked>) {
    let forge = daemon.settings.forge.clone().map(ForgeClient::new);
    let (mut outage, mut tries, mut heard) = (Outage::of("telling people"), 0, Heard::default());
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
        match told(daemon, lease, forge.as_ref(), &notices, (tries, &mut heard)).await {
            Ok(failed) => {
                outage.over();
                tries = if failed { tries + 1 } else { 0 };
                if !failed {
                    heard.clear();
                }
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
    (tries, heard): (u32, &mut Heard),
) -> Result<bool, StoreError> {
    let standing = daemon.store.standing().await?;
    let (events, told) = crate::notices::events(&standing);
    let (forge, receivers, secrets) = (forge.cloned(), notices.clone(), daemon.settings.secrets.clone());
    let mut hearing = heard.clone();
    let telling = tokio::task::spawn_blocking(move || {
        let mut tell = |event| crate::notices::tell(event, forge.as_ref(), &receivers, &secrets, &mut hearing);
        let failed: Vec<String> = events.iter().flat_map(&mut tell).collect();
        (failed, hearing)
    });
    let Ok((failed, hearing)) = telling.await else { return Ok(true) };
    *heard = hearing;
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
