//! The loop's body: one call per station, from a fetch to a ledger. It takes no hint of what changed.

use crate::source::{FetchError, Fetched, GitObjects, LoadError, LoadedTree, Mirror, TreeLoader};
use crate::store::acceptance::SOURCE;
use crate::store::audit::AuditWriter;
use crate::store::enqueue::Enqueued;
use crate::store::{LeaderProof, Store, StoreError};
use crate::state_file::{StateError, StateFile};
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diagnostic::{Diagnostic, has_errors};
use pintle_core::diff::needs_bodies;
use pintle_core::gate::{Refusal, gate};
use pintle_core::model::Catalog;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::{Resolved, diagnose, resolve};
use pintle_core::trust::{AcceptedCommit, Introduction, Memory, Question, Session, Times, Verdict, accept, accept_from};
use std::sync::Arc;
use std::time::Instant;

/// A tick could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// Git.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The mirror cannot be opened.
    #[error("the mirror cannot be opened")]
    Mirror(#[source] git2::Error),
    /// The accepted tree cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan may not be enqueued.
    #[error("the plan is refused: {0}")]
    Refused(#[from] Refusal),
    /// The state file cannot be used, or contradicts the database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The verifier panicked: that means deny.
    #[error("the verifier panicked on {0}; the tip is held")]
    Verifier(Oid),
}

/// What one tick did.
#[derive(Debug, Default)]
pub struct Tick {
    /// The tip that was seen.
    pub tip: Option<Oid>,
    /// The newest accepted commit.
    pub accepted: Option<Oid>,
    /// Whether the tip is held or refused.
    pub held: bool,
    /// What went to the ledger.
    pub enqueued: Enqueued,
    /// How many objects differ from what is declared because someone else changed them.
    pub drifted: usize,
    /// Whether everything is as declared, and nothing is on its way.
    pub settled: bool,
}

/// What the loop keeps between ticks. All of it can be derived again.
pub struct Reconciler {
    store: Store,
    mirror: Mirror,
    objects: Arc<GitObjects>,
    catalog: &'static Catalog,
    introduction: Introduction,
    writer: AuditWriter,
    state: StateFile,
    memory: Memory,
    loader: TreeLoader,
    accepted: Option<AcceptedCommit>,
    recorded: u64,
    desired: Option<Desired>,
    accepted_since: Option<Instant>,
    said: Option<serde_json::Value>,
}

/// What an accepted commit says.
struct Desired {
    commit: Oid,
    resolved: Resolved,
    diagnostics: Vec<Diagnostic>,
}

impl Reconciler {
    /// A reconciler over an opened mirror.
    pub fn new(store: Store, mirror: Mirror, catalog: &'static Catalog, introduction: Introduction, writer: AuditWriter, state: StateFile) -> Result<Self, TickError> {
        let objects = mirror.objects().map_err(TickError::Mirror)?;
        Ok(Self { store, mirror, objects, catalog, introduction, writer, state, memory: Memory::default(), loader: TreeLoader::default(), accepted: None, recorded: 0, desired: None, accepted_since: None, said: None })
    }

    /// From a fetch to the ledger.
    pub async fn tick(&mut self, proof: &LeaderProof) -> Result<Tick, TickError> {
        let (fetched, away) = self.fetch(proof).await?;
        crate::crash::point("fetched");
        let tick = self.go_on(proof, &fetched, away.is_none()).await?;
        away.map_or(Ok(tick), |error| Err(error.into()))
    }

    /// From what was fetched to the ledger.
    async fn go_on(&mut self, proof: &LeaderProof, fetched: &Fetched, fresh: bool) -> Result<Tick, TickError> {
        let verdict = self.verify(fetched).await?;
        self.remember(proof, &verdict).await?;
        crate::crash::point("accepted");
        let mut tick = Tick { tip: Some(fetched.tip), ..Tick::default() };
        let Some(accepted) = self.accepted.clone() else {
            tick.held = true;
            self.record_verdict(proof, fetched, fresh, &verdict, &[]).await?;
            return Ok(tick);
        };
        tick.accepted = Some(accepted.commit());
        self.read_desired(accepted.commit())?;
        let diagnostics = self.desired.as_ref().map(|desired| desired.diagnostics.clone()).unwrap_or_default();
        self.record_verdict(proof, fetched, fresh, &verdict, &diagnostics).await?;
        let Some(desired) = &self.desired else { return Ok(tick) };
        tick.held = verdict.held.is_some() || verdict.refused.is_some() || has_errors(&desired.diagnostics);
        if has_errors(&desired.diagnostics) {
            return Ok(tick);
        }
        self.plan_and_enqueue(proof, &accepted, desired, &mut tick).await?;
        Ok(tick)
    }

    /// Fetches. While the remote is away, what was fetched before still holds: drift is healed, and the
    /// error is given back at the end of the tick.
    async fn fetch(&self, proof: &LeaderProof) -> Result<(Fetched, Option<FetchError>), TickError> {
        match self.mirror.fetch().await {
            Ok(fetched) => Ok((fetched, None)),
            Err(error) => {
                self.store.record_fetch_error(proof, &error.to_string()).await?;
                match self.mirror.fetched() {
                    Ok(before) => Ok((before, Some(error))),
                    Err(_) => Err(error.into()),
                }
            }
        }
    }

    /// A panic in the verifier means deny.
    async fn verify(&mut self, fetched: &Fetched) -> Result<Verdict, TickError> {
        let recorded = if self.accepted.is_none() { self.store.acceptances().await? } else { Vec::new() };
        if self.accepted.is_none() {
            self.state.check(&recorded)?;
        }
        self.recorded = self.recorded.max(recorded.last().map_or(0, |last| last.seq));
        let Self { objects, catalog, introduction, memory, accepted, .. } = self;
        let judge = std::panic::AssertUnwindSafe(|| {
            let question = Question {
                introduction,
                recorded: &recorded,
                tip: fetched.tip,
                evidence: &fetched.evidence,
                denied: &[],
                now: Timestamp::now(),
                times: Times::Clock,
            };
            let mut session = Session::new(objects.as_ref(), catalog, memory);
            match accepted {
                Some(from) => accept_from(from, &question, &mut session),
                None => accept(&question, &mut session),
            }
        });
        std::panic::catch_unwind(judge).map_err(|_| TickError::Verifier(fetched.tip))
    }

    async fn remember(&mut self, proof: &LeaderProof, verdict: &Verdict) -> Result<(), TickError> {
        let Some(accepted) = &verdict.accepted else { return Ok(()) };
        let fresh: Vec<_> = accepted.steps().iter().filter(|step| step.seq > self.recorded).cloned().collect();
        if !fresh.is_empty() {
            self.store.record_acceptances(proof, &self.writer, &self.introduction.repo_id, &fresh).await?;
            self.recorded = accepted.seq();
            accepted.steps().last().map_or(Ok(()), |last| self.state.write(last))?;
            self.accepted_since = Some(Instant::now());
            tracing::info!(commit = %accepted.commit(), seq = accepted.seq(), "accepted {}", accepted.commit());
        }
        self.accepted = Some(accepted.clone());
        Ok(())
    }

    /// Parses and resolves the accepted tree, unless it is the one already read.
    fn read_desired(&mut self, commit: Oid) -> Result<(), TickError> {
        if self.desired.as_ref().is_some_and(|desired| desired.commit == commit) {
            return Ok(());
        }
        let loaded = self.loader.load(&self.objects, commit)?;
        let previous = self.desired.as_ref().map(|desired| &desired.resolved);
        let resolved = resolve(&loaded.tree, self.catalog, previous, Timestamp::now());
        let diagnostics = all_diagnostics(&loaded, &resolved);
        self.desired = Some(Desired { commit, resolved, diagnostics });
        Ok(())
    }

    async fn record_verdict(&mut self, proof: &LeaderProof, fetched: &Fetched, fresh: bool, verdict: &Verdict, diagnostics: &[Diagnostic]) -> Result<(), TickError> {
        let json = crate::verdict::stored(verdict, diagnostics);
        if self.said != json {
            match &json {
                Some(json) => tracing::warn!(tip = %fetched.tip, "{}", crate::verdict::sentence(json)),
                None => tracing::info!(tip = %fetched.tip, "nothing is held any more"),
            }
            self.said.clone_from(&json);
        }
        Ok(self.store.record_verdict(proof, &fetched.tip.to_string(), fresh, json.as_ref()).await?)
    }

    async fn plan_and_enqueue(&self, proof: &LeaderProof, accepted: &AcceptedCommit, desired: &Desired, tick: &mut Tick) -> Result<(), TickError> {
        let live = self.store.snapshot(SOURCE, |live| needs_bodies(&desired.resolved, live)).await?;
        let commit = accepted.commit().to_string();
        let plan: Plan = plan(PlanInput { commit: &commit, desired: &desired.resolved, live: &live, catalog: self.catalog, now: Timestamp::now() });
        crate::crash::point("planned");
        tick.drifted = plan.counts().heal;
        let settled = plan.is_empty() && live.jobs.iter().all(|job| job.dead);
        let admitted = gate(plan, accepted)?;
        tick.enqueued = self.store.enqueue(proof, SOURCE, live.parent, &admitted).await?;
        crate::crash::point("enqueued");
        if settled && tick.enqueued == Enqueued::default() {
            tick.settled = true;
            let took = self.accepted_since.map(|since| since.elapsed()).unwrap_or_default();
            self.store.record_applied(proof, &commit, took).await?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a tree, in order of file and line.
pub fn all_diagnostics(loaded: &LoadedTree, resolved: &Resolved) -> Vec<Diagnostic> {
    let mut all = loaded.unreadable.clone();
    all.extend(diagnose(&loaded.tree, &resolved.problems, &loaded.texts));
    all
}
