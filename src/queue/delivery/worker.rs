//! One of the crate's workers, built, watched and let go.

use std::time::Duration;

use bullmq::types::RemoveOnFinish;
use bullmq::worker::{CancellationToken as JobToken, WorkerEvent};
use bullmq::{Job, Worker, WorkerOptions};
use tokio::time::{Instant, interval};
use tracing::debug;

use super::connection::{PREFIX, options, probe, within};
use super::error::DeliveryError;
use super::handle::Handlers;
use super::settings::ReceiverSettings;

/// The crate takes whole seconds. Short, because a marker popped by a worker on its way out
/// is lost, and the next one then waits this long.
const DRAIN_DELAY: Duration = Duration::from_secs(1);
/// The crate's default of 15 s is its slow recovery.
const RUN_RETRY_DELAY: Duration = Duration::from_millis(200);
const BUILD_LIMIT: Duration = Duration::from_secs(5);
/// How long a worker may show no fetch after an error, though Redis answers.
const SUSPICION: Duration = Duration::from_millis(1_300);
/// How long it may show none at all.
const SILENCE: Duration = Duration::from_secs(5);
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Why a worker has to be built anew.
#[derive(Debug)]
pub(super) enum Broken {
    /// Redis itself is away.
    Away(DeliveryError),
    /// Redis answers us, and yet the worker fetches nothing.
    Deaf(String),
}

/// Builds a worker that starts fetching at once.
pub(super) async fn build(settings: &ReceiverSettings, handlers: &Handlers) -> Result<Worker, DeliveryError> {
    let primary = probe(&settings.redis_url).await?;
    let handlers = handlers.clone();
    let processor = move |job: Job, _: JobToken| handlers.clone().process(job);
    let worker = Worker::with_options(&settings.queue, processor, worker_options(settings, &primary));
    within("start a worker", BUILD_LIMIT, worker)
        .await?
        .map_err(|source| DeliveryError::Open { queue: settings.queue.clone(), source })
}

fn worker_options(settings: &ReceiverSettings, primary: &str) -> WorkerOptions {
    WorkerOptions::new()
        .connection(options(primary))
        .prefix(PREFIX)
        .concurrency(settings.hands.count())
        .lock_duration(settings.lock_duration)
        .stalled_interval(settings.stalled_interval)
        // At the limit the crate fails a job without calling the handler.
        .max_stalled_count(u32::MAX)
        .drain_delay(DRAIN_DELAY)
        .run_retry_delay(RUN_RETRY_DELAY)
        .skip_lock_renewal()
        // For foreign jobs; ours carry their own.
        .remove_on_complete(RemoveOnFinish::Count(100))
        .remove_on_fail(RemoveOnFinish::Count(1_000))
}

/// Reads the worker's signs of life until they fail. `fetched` is called at each.
pub(super) async fn watch(
    worker: &Worker,
    settings: &ReceiverSettings,
    handlers: &Handlers,
    mut fetched: impl FnMut(),
) -> Broken {
    let mut ticks = interval(WATCH_INTERVAL);
    let mut hands = handlers.hands.watch();
    let mut last_fetch = Instant::now();
    let mut suspect: Option<(Instant, String)> = None;
    loop {
        tokio::select! {
            event = worker.next_event() => match event {
                Some(WorkerEvent::Error(error)) => {
                    if let Err(away) = probe(&settings.redis_url).await {
                        return Broken::Away(away);
                    }
                    debug!(error, "the worker reports an error");
                    suspect.get_or_insert((Instant::now(), error));
                }
                Some(WorkerEvent::Drained | WorkerEvent::Active { .. }) => {
                    (last_fetch, suspect) = (Instant::now(), None);
                    fetched();
                }
                Some(_) => {}
                None => return Broken::Deaf("its events ended".to_owned()),
            },
            Ok(()) = hands.changed() => worker.set_concurrency(*hands.borrow_and_update()),
            _ = ticks.tick() => {
                if handlers.hands.busy() >= handlers.hands.count() {
                    // Nothing is fetched while none is free.
                    last_fetch = Instant::now();
                } else if let Some(broken) = judge(last_fetch, suspect.as_ref()) {
                    return match probe(&settings.redis_url).await {
                        Ok(_) => broken,
                        Err(away) => Broken::Away(away),
                    };
                }
            }
        }
    }
}

fn judge(last_fetch: Instant, suspect: Option<&(Instant, String)>) -> Option<Broken> {
    if let Some((since, error)) = suspect
        && since.elapsed() > SUSPICION
    {
        return Some(Broken::Deaf(error.clone()));
    }
    (last_fetch.elapsed() > SILENCE).then(|| Broken::Deaf("it shows no sign of life".to_owned()))
}
