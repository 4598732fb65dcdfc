//! The daemon's life, from settings to a clean end.

use super::beating::beating;
use super::lead::{Bells, lead};
use super::outage::Outage;
use super::telemetry::Gauges;
use super::working::working;
use crate::chain::chain;
use crate::config::DaemonSettings;
use crate::http;
use crate::queue::hands::Hands;
use crate::queue::work::Lease;
use crate::store::{Store, StoreError};
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// The daemon refuses to act.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The database is not one it may touch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database belongs to another repository.
    #[error("the database was introduced to another repository or commit than these settings name")]
    OtherIntroduction,
    /// The state folder cannot be used.
    #[error("the state folder cannot be made")]
    State(#[source] std::io::Error),
    /// Metrics cannot be served.
    #[error("metrics cannot be served")]
    Http(#[source] std::io::Error),
    /// A part of it panicked.
    #[error("a part of the daemon panicked; the log says which")]
    Panicked,
}

impl DaemonError {
    /// What to do about it, for people.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Store(error) => error.hint().unwrap_or("pintle doctor"),
            _ => "pintle doctor",
        }
    }
}

/// A running daemon's parts.
pub struct Daemon {
    pub(super) settings: DaemonSettings,
    pub(super) store: Store,
    pub(super) process: Uuid,
    pub(super) gauges: Arc<Gauges>,
    /// Whether this process is believed to live.
    pub(super) lease: Lease,
    /// Of the lane of work.
    pub(super) hands: Arc<Hands>,
}

impl Daemon {
    /// Jobs of work that this process takes at one time.
    pub(super) fn slots(&self, stopping: bool) -> usize {
        if self.settings.works && !stopping { self.hands.count() } else { 0 }
    }
}

/// Runs until `stop`.
pub async fn run(settings: DaemonSettings, stop: CancellationToken) -> Result<(), DaemonError> {
    std::fs::create_dir_all(&settings.state_dir).map_err(DaemonError::State)?;
    // Each hand of the rows may hold a connection.
    let connections = settings.concurrency + settings.max_concurrency.max(settings.concurrency) + 8;
    let store = Store::open(&settings.database_url, connections as u32)?;
    let daemon = Arc::new(Daemon {
        process: Uuid::now_v7(),
        gauges: Arc::default(),
        lease: Lease::default(),
        hands: Hands::new(settings.concurrency),
        store,
        settings,
    });
    if stop.run_until_cancelled(admission(&daemon)).await.transpose()?.is_none() {
        return Ok(());
    }
    let (settings, gauges) = (&daemon.settings, daemon.gauges.clone());
    let served =
        http::serve(settings.metrics, daemon.store.clone(), gauges, settings.api_token.as_deref(), stop.clone())
            .await
            .map_err(DaemonError::Http)?;
    let bells = Arc::new(Bells::default());
    let mut parts = JoinSet::new();
    // It goes on until nothing is in hand any more: who falls silent is taken for dead.
    let over = CancellationToken::new();
    let (own, token, rested) = (daemon.clone(), stop.clone(), over.clone());
    let beat = AbortOnDropHandle::new(tokio::spawn(async move {
        let _stop = token.clone().drop_guard();
        beating(&own, &token, &rested).await;
    }));
    let (own, rung, token) = (daemon.clone(), bells.clone(), stop.clone());
    part(&mut parts, &stop, async move { _ = token.run_until_cancelled(listening(&own, &rung)).await });
    if daemon.settings.works {
        let (own, token) = (daemon.clone(), stop.clone());
        part(&mut parts, &stop, async move { working(&own, &token).await });
    }
    leading(&daemon, &bells, &stop).await;
    let mut whole = true;
    while let Some(ended) = parts.join_next().await {
        whole &= ended.is_ok();
    }
    // One that is on its way would bring back what is taken away.
    over.cancel();
    whole &= beat.await.is_ok();
    if let Err(error) = daemon.store.end_process(daemon.process).await {
        tracing::warn!("others take this process for alive until its lease is over: {}", chain(&error));
    }
    served.abort();
    tracing::info!("stopped");
    if whole { Ok(()) } else { Err(DaemonError::Panicked) }
}

/// Runs a part of the daemon in a task of its own, so that a long plan holds up neither a heartbeat
/// nor a lock. Parts end when the daemon stops; one that ends otherwise, by a panic, stops it.
fn part(parts: &mut JoinSet<()>, stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
    let over = stop.clone().drop_guard();
    parts.spawn(async move {
        let _over = over;
        work.await;
    });
}

/// Waits for the database, and refuses one that is not ours.
async fn admission(daemon: &Daemon) -> Result<(), DaemonError> {
    let mut outage = Outage::of("Postgres");
    loop {
        let checked = async {
            daemon.store.check_schema().await?;
            let introduced = daemon.store.introduce(&daemon.settings.introduction).await?;
            // Before anything is claimed: who is not known to live holds nothing.
            daemon.store.beat(daemon.process, &hostname(), daemon.slots(false)).await?;
            Ok::<bool, StoreError>(introduced)
        };
        match checked.await {
            Ok(true) => {
                outage.over();
                return Ok(());
            }
            Ok(false) => return Err(DaemonError::OtherIntroduction),
            Err(error) if error.is_outage() => tokio::time::sleep(outage.failed(&error)).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The database rings. Only a doorbell: everything is also looked at by interval.
async fn listening(daemon: &Daemon, bells: &Bells) {
    let mut outage = Outage::of("listen");
    loop {
        let heard = async {
            let mut listener = PgListener::connect_with(daemon.store.pool()).await?;
            listener.listen_all(["pintle_live", "pintle_jobs", "pintle_ask"]).await?;
            outage.over();
            loop {
                let notification = listener.recv().await?;
                match notification.channel() {
                    "pintle_ask" => {
                        if notification.payload() == "reconcile" {
                            bells.compare.store(true, Ordering::SeqCst);
                        }
                        bells.git.notify_one();
                    }
                    "pintle_jobs" => match notification.payload() {
                        "room" => bells.room.notify_one(),
                        "work" => bells.relay.notify_one(),
                        "arrived" => {
                            bells.arrived.store(true, Ordering::SeqCst);
                            bells.live.notify_one();
                        }
                        // Row changes are part of a plan, too.
                        _ => {
                            bells.relay.notify_one();
                            bells.live.notify_one();
                        }
                    },
                    _ => {
                        if matches!(notification.payload(), "Schedule" | "MaintenanceWindow" | "") {
                            bells.schedules.notify_one();
                        }
                        bells.live.notify_one();
                    }
                }
            }
        };
        let ended: Result<(), sqlx::Error> = heard.await;
        if let Err(error) = ended {
            tokio::time::sleep(outage.failed(&error)).await;
        }
    }
}

async fn leading(daemon: &Arc<Daemon>, bells: &Arc<Bells>, stop: &CancellationToken) {
    if !daemon.settings.reconciles {
        return;
    }
    let mut outage = Outage::of("leader lease");
    let holder = format!("{}:{}", hostname(), std::process::id());
    while !stop.is_cancelled() {
        let pause = match daemon.store.lead(&holder).await {
            Ok(Some(proof)) => {
                outage.over();
                lead(daemon, bells, proof, stop).await;
                Duration::ZERO
            }
            Ok(None) => {
                outage.over();
                Duration::from_secs(1)
            }
            Err(error) => outage.failed(&error),
        };
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}

pub(super) fn hostname() -> String {
    nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned())
}
