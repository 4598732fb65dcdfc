//! The heartbeat: says that this process lives, and stops its work before others may take it over.

use super::outage::Outage;
use super::run::{Daemon, hostname};
use super::skew::Skew;
use crate::queue::work::Lease;
use crate::store::{StoreError, process};
use jiff::Timestamp;
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const BEAT: Duration = Duration::from_secs(3);

/// Beats until it is `over`, and waits for the beat that is on its way then; says that nothing is taken once `stop` is.
pub(super) async fn beating(daemon: &Daemon, stop: &CancellationToken, over: &CancellationToken) {
    let (said, heard) = watch::channel(Instant::now());
    tokio::join!(saying(daemon, stop, over, said), believing(&daemon.lease, heard));
}

async fn saying(daemon: &Daemon, stop: &CancellationToken, over: &CancellationToken, said: watch::Sender<Instant>) {
    let host = hostname();
    let mut outage = Outage::of("heartbeat");
    let mut skew = Skew::default();
    loop {
        let asked = Instant::now();
        // A connection that is cut without a word answers nothing for long.
        let beat =
            tokio::time::timeout(BEAT, daemon.store.beat(daemon.process, &host, daemon.slots(stop.is_cancelled())))
                .await;
        let silent =
            |_| Err(StoreError::during("write the heartbeat")(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        match beat.unwrap_or_else(silent) {
            Ok(now) => {
                outage.over();
                if let Some(ahead) = skew.seen(now, Timestamp::now()) {
                    Skew::tell(ahead);
                }
                said.send_replace(asked);
                let mut lease = daemon.lease.lock().unwrap_or_else(PoisonError::into_inner);
                if lease.is_cancelled() {
                    *lease = CancellationToken::new();
                }
            }
            Err(error) => drop(outage.failed(&error)),
        }
        if over.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_none() {
            return;
        }
    }
}

/// Gives the lease up as soon as others may take over what runs here, however long an answer is waited for.
async fn believing(lease: &Lease, mut heard: watch::Receiver<Instant>) {
    loop {
        let beaten = *heard.borrow_and_update();
        let silent = tokio::time::sleep_until((beaten + process::BELIEVED).into());
        tokio::select! {
            // A beat that came in the same moment counts.
            biased;
            changed = heard.changed() => if changed.is_err() { return },
            () = silent => {
                lease.lock().unwrap_or_else(PoisonError::into_inner).cancel();
                if heard.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}
