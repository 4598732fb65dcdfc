//! The worker of jobs that are claimed one by one. A try runs in a task of its own, within its time; it is stopped when
//! somebody cancels the job, when another holds it, and when this process loses its lease. A panic fails the try.

use super::delivery::Heard;
use super::hears::Hears;
use super::writers::Writers;
use crate::chain::chain;
use crate::handlers::{self, Tools};
use crate::store::work::{Attempt, MAX_ATTEMPTS, Wish, Work};
use crate::store::{Store, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// How often the ledger is asked whether a running job is to end.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long a handler that was told to stop may take to its next safe point.
const SAFE_POINT: Duration = Duration::from_secs(8);
/// How often it is looked for what nobody runs.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(10);
/// How long what became of a try is kept while the database is away.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Everything that running work needs.
pub struct WorkWorker {
    store: Store,
    tools: Tools,
    process: Uuid,
    writers: Writers,
    lease: Lease,
    /// Jobs that this process knows it has: one may stand there twice, while a try that lost it winds down.
    in_hand: Mutex<Vec<i64>>,
}

/// Cancelled when the process was silent for longer than it is believed to live.
pub type Lease = Arc<Mutex<CancellationToken>>;

impl Hears for WorkWorker {
    async fn hear(&self, heard: Heard) -> Result<(), StoreError> {
        let Heard::Delivery(delivery) = heard else {
            return Err(StoreError::Corrupt { what: "job", source: "this queue takes deliveries only".into() });
        };
        for job in delivery.jobs {
            let _in_hand = InHand::new(&self.in_hand, job);
            // Whoever is taken for dead claims nothing.
            while self.lease().is_cancelled() {
                tokio::time::sleep(ASK_EVERY).await;
            }
            let start = |writer| async move { self.store.start_work(&writer, self.process, delivery.id, job).await };
            if let Some(work) = self.writers.with(start).await? {
                crate::crash::point("work-started");
                let attempt = self.attempt(&work).await;
                crate::crash::point("work-attempted");
                self.write_down(&work, attempt).await?;
            }
        }
        Ok(())
    }
}

impl WorkWorker {
    /// A worker of `process`.
    pub fn new(tools: Tools, process: Uuid, lease: Lease) -> Arc<Self> {
        let store = tools.store.clone();
        Arc::new(Self {
            writers: Writers::new(store.clone(), process),
            store,
            tools,
            process,
            lease,
            in_hand: Mutex::default(),
        })
    }

    fn lease(&self) -> CancellationToken {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives back, now and then, what the ledger says that this process runs and what it knows nothing of: an answer of the
    /// database may be lost on its way.
    pub async fn give_back_forgotten(&self) {
        loop {
            tokio::time::sleep(FORGOTTEN_EVERY).await;
            let in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Ok(given @ 1..) = self.store.give_back(self.process, &in_hand).await {
                tracing::warn!("{given} jobs that nobody ran were given back");
            }
        }
    }

    /// One try.
    async fn attempt(&self, work: &Work) -> Attempt {
        if work.attempt > MAX_ATTEMPTS {
            let reason = format!("{MAX_ATTEMPTS} processes fell silent while they ran it");
            return Attempt::Failed { reason, code: "attempts-spent" };
        }
        let stop = self.lease().child_token();
        let (tools, own, token) = (self.tools.clone(), work.clone(), stop.clone());
        tracing::info!(
            job = work.job,
            fence = work.fence,
            "job {} runs: {} of {}, tick {}, try {}",
            work.job,
            work.kind(),
            work.schedule,
            work.tick,
            work.attempt
        );
        let mut running =
            AbortOnDropHandle::new(tokio::spawn(async move { handlers::handle(&tools, &own, token).await }));
        let limit = handlers::limit(work);
        let ended = tokio::select! {
            ended = &mut running => return judge(ended),
            () = tokio::time::sleep(limit) => Attempt::Again(format!("it took longer than {limit:?}")),
            ended = self.called_off(work) => ended,
            () = stop.cancelled() => Attempt::Stopped,
        };
        stop.cancel();
        match tokio::time::timeout(SAFE_POINT, &mut running).await {
            // It came through after all.
            Ok(Ok(Ok(said))) if ended != Attempt::Stopped => Attempt::Done(said),
            // What a handler says at its safe point is told by why it was stopped.
            _ => ended,
        }
    }

    /// Waits until somebody wants `work` to end, or another holds it.
    async fn called_off(&self, work: &Work) -> Attempt {
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            match self.store.wish(work).await {
                Ok(Wish::GoOn) | Err(_) => {}
                Ok(Wish::End(reason)) => return Attempt::Cancelled(reason),
                Ok(Wish::Lost) => return Attempt::Stopped,
            }
        }
    }

    /// Until it stands. What the database will not take is written down as that.
    async fn write_down(&self, work: &Work, mut attempt: Attempt) -> Result<(), StoreError> {
        loop {
            let write = |writer| {
                let attempt = &attempt;
                async move { self.store.finish_work(&writer, work, attempt).await }
            };
            match self.writers.with(write).await {
                Ok(true) => {
                    tracing::info!(job = work.job, fence = work.fence, ?attempt, "job {} ends", work.job);
                    return Ok(());
                }
                Ok(false) => {
                    tracing::warn!(
                        job = work.job,
                        fence = work.fence,
                        "job {} is held by another; nothing was written",
                        work.job
                    );
                    return Ok(());
                }
                Err(error) if error.is_data() && !matches!(attempt, Attempt::Failed { .. }) => {
                    tracing::error!(
                        job = work.job,
                        "what became of job {} cannot be written: {}",
                        work.job,
                        chain(&error)
                    );
                    let reason = "what became of it cannot be written; the log says why".to_owned();
                    attempt = Attempt::Failed { reason, code: "unwritable" };
                }
                Err(error) if error.is_data() => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        job = work.job,
                        "what became of job {} is written again: {}",
                        work.job,
                        chain(&error)
                    );
                    tokio::time::sleep(WRITE_AGAIN).await;
                }
            }
        }
    }
}

/// A job among those in hand, until it is dropped.
struct InHand<'a>(&'a Mutex<Vec<i64>>, i64);

impl<'a> InHand<'a> {
    fn new(all: &'a Mutex<Vec<i64>>, job: i64) -> Self {
        all.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        Self(all, job)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|job| *job == self.1) {
            all.swap_remove(at);
        }
    }
}

fn judge(ended: Result<Result<String, handlers::Failure>, JoinError>) -> Attempt {
    match ended {
        Ok(Ok(said)) => Attempt::Done(said),
        Ok(Err(failure)) if failure.class.is_final() => {
            Attempt::Failed { reason: failure.reason, code: failure.class.as_str() }
        }
        Ok(Err(failure)) => Attempt::Again(failure.reason),
        Err(_) => Attempt::Again("the handler panicked; the log says where".to_owned()),
    }
}
