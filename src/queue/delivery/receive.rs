//! The hearing side: keeps a worker on the queue for as long as the process lives.

use std::time::Duration;

use bullmq::Worker;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::error::DeliveryError;
use super::handle::{Handle, Handlers};
use super::locks::Locks;
use super::settings::ReceiverSettings;
use super::worker::{self, Broken};

const RETRY_MIN: Duration = Duration::from_millis(200);
/// Recovery is to take under two seconds, and a probe is one small connection.
const RETRY_MAX: Duration = Duration::from_secs(1);
/// How long abandoned handlers get to reach an await point.
const ABANDON_LIMIT: Duration = Duration::from_secs(1);

/// Hears doorbells.
pub struct Receiver {
    settings: ReceiverSettings,
    handlers: Handlers,
    retry_delay: Duration,
    /// What was last said of the connection, so that it is said once.
    state: State,
}

#[derive(PartialEq)]
enum State {
    Starting,
    Hearing,
    Away,
    Deaf,
}

impl Receiver {
    /// Hears until `stop` is cancelled, then waits for the handlers up to the grace, drops
    /// those that remain, and returns. Redis being away never ends it.
    pub async fn run(settings: ReceiverSettings, handle: Handle, stop: CancellationToken) {
        let mut receiver = Self::new(settings, handle);
        let locks = receiver.handlers.locks.clone();
        tokio::select! {
            () = locks.beat() => {}
            () = receiver.serve(stop) => {}
        }
    }

    fn new(settings: ReceiverSettings, handle: Handle) -> Self {
        let handlers = Handlers {
            handle,
            locks: Locks::new(settings.lock_duration),
            hands: settings.hands.clone(),
            abandon: CancellationToken::new(),
        };
        Self { settings, handlers, retry_delay: RETRY_MIN, state: State::Starting }
    }

    async fn serve(&mut self, stop: CancellationToken) {
        while let Some(worker) = stop.run_until_cancelled(Box::pin(self.open())).await {
            let Some(broken) = stop.run_until_cancelled(self.hear(&worker)).await else {
                return self.close(Some(worker)).await;
            };
            // Dropped, not closed: a fetch under way still ends in a handler, and the
            // handlers in progress still report.
            drop(worker);
            let deaf = matches!(broken, Broken::Deaf(_));
            self.say(broken);
            if deaf {
                stop.run_until_cancelled(self.wait()).await;
            }
        }
        self.close(None).await;
    }

    /// Tries until there is a worker.
    async fn open(&mut self) -> Worker {
        loop {
            match worker::build(&self.settings, &self.handlers).await {
                Ok(worker) => return worker,
                Err(error) => self.say(Broken::Away(error)),
            }
            self.wait().await;
        }
    }

    async fn hear(&mut self, worker: &Worker) -> Broken {
        let (state, retry_delay) = (&mut self.state, &mut self.retry_delay);
        let queue = &self.settings.queue;
        worker::watch(worker, &self.settings, &self.handlers, || {
            *retry_delay = RETRY_MIN;
            if *state != State::Hearing {
                *state = State::Hearing;
                info!(queue, "hearing deliveries");
            }
        })
        .await
    }

    async fn wait(&mut self) {
        sleep(self.retry_delay).await;
        self.retry_delay = (self.retry_delay * 2).min(RETRY_MAX);
    }

    fn say(&mut self, broken: Broken) {
        let queue = &self.settings.queue;
        match broken {
            Broken::Away(error) if self.state != State::Away => {
                self.state = State::Away;
                let cause = cause(&error);
                warn!(queue, %error, cause, "cannot hear deliveries; trying until Redis is back");
            }
            Broken::Deaf(error) if self.state != State::Deaf => {
                self.state = State::Deaf;
                warn!(queue, error, "Redis answers but the worker fetches nothing; building it anew");
            }
            Broken::Away(_) | Broken::Deaf(_) => {}
        }
    }

    async fn close(&self, worker: Option<Worker>) {
        let queue = &self.settings.queue;
        let grace_ends = Instant::now() + self.settings.grace;
        if let Some(worker) = worker {
            let grace_ms = u64::try_from(self.settings.grace.as_millis()).unwrap_or(u64::MAX);
            if let Err(error) = worker.close(grace_ms).await {
                warn!(queue, %error, "the worker did not close");
            }
        }
        // The crate knows nothing of the handlers of earlier workers.
        if !self.idle(grace_ends).await {
            warn!(queue, "the grace is over; dropping the handlers in progress");
        }
        // A fetch still under way in an earlier worker finds this and starts nothing.
        self.handlers.abandon.cancel();
        if !self.idle(Instant::now() + ABANDON_LIMIT).await {
            warn!(queue, "a handler does not yield; leaving it");
        }
        info!(queue, "stopped hearing deliveries");
    }

    async fn idle(&self, deadline: Instant) -> bool {
        timeout_at(deadline, self.handlers.hands.rest()).await.is_ok()
    }
}

fn cause(error: &DeliveryError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
