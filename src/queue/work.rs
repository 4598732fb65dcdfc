//! The worker of work. What is heard at about the same time is claimed together, and so is its end written. A try runs
//! in a task of its own, within its time; it is stopped when somebody cancels the job, when another holds it, and when
//! this process loses its lease. A panic fails the try.

use super::gather::Gather;
use super::writers::Writers;
use crate::chain::chain;
use crate::handlers::{self, Class, Failure, Handler};
use crate::store::held::HeldConnection;
use crate::store::work::{Attempt, MAX_ATTEMPTS, Pause, Tried, Wish, Work, finish, start};
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
/// The same for a process that may soon be taken for dead: nothing of it runs on when its lease is over.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// How often it is looked for what nobody runs.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(10);
/// How long what became of a try is kept while the database is away.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Everything that running work needs.
pub struct WorkWorker<H> {
    store: Store,
    writers: Arc<Writers>,
    handler: Arc<H>,
    process: Uuid,
    /// By delivery and job.
    starts: Gather<(Uuid, i64), (), Work>,
    /// By fence.
    ends: Gather<i64, Tried, ()>,
    lease: Lease,
    /// Jobs that this process knows it has: one may stand there twice, while a try that lost it winds down.
    in_hand: Mutex<Vec<i64>>,
}

/// Cancelled when the process was silent for longer than it is believed to live.
pub type Lease = Arc<Mutex<CancellationToken>>;

impl<H: Handler> WorkWorker<H> {
    /// A worker of `process`.
    pub fn new(store: Store, handler: H, process: Uuid, lease: Lease) -> Arc<Self> {
        let writers = Arc::new(Writers::new(store.clone(), process));
        Arc::new(Self {
            starts: starts(store.clone(), writers.clone(), process),
            ends: ends(store.clone(), writers.clone()),
            writers,
            store,
            handler: Arc::new(handler),
            process,
            lease,
            in_hand: Mutex::default(),
        })
    }

    /// The job is known here until this is dropped.
    pub(super) fn in_hand(&self, job: i64) -> InHand<'_> {
        InHand::new(&self.in_hand, job)
    }

    /// Waits until this process is believed to live: whoever is taken for dead claims nothing. What it claimed before is
    /// not its own any more.
    pub(super) async fn alive(&self) -> CancellationToken {
        loop {
            let lease = self.lease();
            if !lease.is_cancelled() {
                return lease;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Claims the job that `delivery` brought, if the ledger says that it did.
    pub(super) async fn start(&self, delivery: Uuid, job: i64) -> Result<Option<Arc<Work>>, Arc<StoreError>> {
        let started = self.starts.ask((delivery, job), ()).await?;
        if started.is_some() {
            crate::crash::point("work-started");
        }
        Ok(started.map(Arc::new))
    }

    /// Puts the job back that nobody began.
    pub(super) async fn put_back(&self, delivery: Uuid, job: i64) -> Result<(), Arc<StoreError>> {
        self.store.put_back(delivery, job).await.map_err(Arc::new)
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
            if let Ok(given @ 1..) = self.give_back(&in_hand, FORGOTTEN_EVERY).await {
                tracing::warn!("{given} jobs that nobody ran were given back");
            }
        }
    }

    /// Gives back all that this process runs: it ends.
    pub async fn give_back_all(&self) -> Result<usize, StoreError> {
        self.give_back(&[], Duration::ZERO).await
    }

    async fn give_back(&self, in_hand: &[i64], longer: Duration) -> Result<usize, StoreError> {
        let (store, process) = (&self.store, self.process);
        self.writers.with(|writer| async move { store.give_back(&writer, process, in_hand, longer).await }).await
    }

    /// One try.
    pub(super) async fn attempt(&self, work: &Arc<Work>, lease: &CancellationToken) -> Attempt {
        if work.attempt > MAX_ATTEMPTS {
            let reason = format!("{MAX_ATTEMPTS} processes fell silent while they ran it");
            return Attempt::Failed { reason, code: "attempts-spent" };
        }
        let stop = lease.child_token();
        let (handler, own, token) = (self.handler.clone(), work.clone(), stop.clone());
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
        let mut running = AbortOnDropHandle::new(tokio::spawn(async move { handler.handle(&own, token).await }));
        let limit = handlers::limit(work);
        let ended = tokio::select! {
            ended = &mut running => return judge(work, ended),
            () = tokio::time::sleep(limit) => {
                failed(work, Failure::new(Class::UnknownOutcome, format!("it took longer than {limit:?}")))
            }
            ended = self.called_off(work) => ended,
            () = stop.cancelled() => Attempt::Stopped,
        };
        stop.cancel();
        let within = if lease.is_cancelled() { LAST_MOMENT } else { SAFE_POINT };
        match tokio::time::timeout(within, &mut running).await {
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
    pub(super) async fn write_down(&self, work: Arc<Work>, mut attempt: Attempt) -> Result<(), Arc<StoreError>> {
        crate::crash::point("work-attempted");
        let job = work.job;
        loop {
            let error = match self.ends.ask(work.fence, (work.clone(), attempt.clone())).await {
                Ok(Some(())) => {
                    tracing::info!(job, fence = work.fence, ?attempt, "job {job} ends");
                    return Ok(());
                }
                Ok(None) => {
                    tracing::warn!(job, fence = work.fence, "job {job} is held by another; nothing was written");
                    return Ok(());
                }
                Err(error) => error,
            };
            let refused = error.is_data() || matches!(*error, StoreError::Corrupt { .. });
            if !refused {
                tracing::warn!(job, "what became of job {job} is written again: {}", chain(&error));
                tokio::time::sleep(WRITE_AGAIN).await;
            } else if matches!(attempt, Attempt::Failed { .. }) {
                return Err(error);
            } else {
                tracing::error!(job, "what became of job {job} cannot be written: {}", chain(&error));
                let reason = "what became of it cannot be written; the log says why".to_owned();
                attempt = Attempt::Failed { reason, code: "unwritable" };
            }
        }
    }
}

fn starts(store: Store, writers: Arc<Writers>, process: Uuid) -> Gather<(Uuid, i64), (), Work> {
    let held = Arc::<HeldConnection>::default();
    Gather::new(Box::new(move |asked| {
        let (store, writers, held) = (store.clone(), writers.clone(), held.clone());
        Box::pin(async move {
            let asked: Vec<(Uuid, i64)> = asked.into_iter().map(|(key, ())| key).collect();
            let claim = |writer| {
                let (store, held, asked) = (&store, &held, &asked);
                async move {
                    let mut connection = held.take(store).await?;
                    let started = start(&mut connection, &writer, process, asked).await?;
                    held.hold(connection);
                    Ok(started)
                }
            };
            let started = writers.with(claim).await?;
            Ok(started.into_iter().map(|(delivery, work)| ((delivery, work.job), work)).collect())
        })
    }))
}

fn ends(store: Store, writers: Arc<Writers>) -> Gather<i64, Tried, ()> {
    let held = Arc::<HeldConnection>::default();
    Gather::new(Box::new(move |tried| {
        let (store, writers, held) = (store.clone(), writers.clone(), held.clone());
        Box::pin(async move {
            let tried: Vec<Tried> = tried.into_iter().map(|(_, tried)| tried).collect();
            let end = |writer| {
                let (store, held, tried) = (&store, &held, &tried);
                async move {
                    let mut connection = held.take(store).await?;
                    let finished = finish(&mut connection, &writer, tried).await?;
                    held.hold(connection);
                    Ok(finished)
                }
            };
            Ok(writers.with(end).await?.into_iter().map(|fence| (fence, ())).collect())
        })
    }))
}

/// A job among those in hand, until it is dropped.
pub(super) struct InHand<'a>(&'a Mutex<Vec<i64>>, i64);

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

fn judge(work: &Work, ended: Result<Result<String, Failure>, JoinError>) -> Attempt {
    match ended {
        Ok(Ok(said)) => Attempt::Done(said),
        Ok(Err(failure)) => failed(work, failure),
        Err(_) => failed(work, Failure::new(Class::UnknownOutcome, "the handler panicked; the log says where")),
    }
}

fn failed(work: &Work, failure: Failure) -> Attempt {
    let Failure { class, reason, not_within } = failure;
    match class.pause(work.attempt.unsigned_abs().into()) {
        None => Attempt::Failed { reason, code: class.as_str() },
        Some(about) => {
            let pause = Pause { about, at_least: not_within.unwrap_or_default() };
            Attempt::Again { reason, code: class.as_str(), pause }
        }
    }
}
