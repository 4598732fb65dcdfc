//! The loop's body: one call per station, from a fetch to a ledger. It takes no hint of what changed.

use crate::planner::{Planned, Planner};
use crate::source::{FetchError, Fetched, GitObjects, LoadError, LoadedTree, Mirror};
use crate::store::acceptance::SOURCE;
use crate::store::audit::AuditWriter;
use crate::store::enqueue::Enqueued;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diagnostic::{Diagnostic, has_errors};
use pintle_core::gate::{Refusal, gate};
use pintle_core::model::Catalog;
use pintle_core::resolve::{Resolved, diagnose};
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
    memory: Memory,
    planner: Planner,
    accepted: Option<AcceptedCommit>,
    recorded: u64,
    accepted_since: Option<Instant>,
    said: Option<serde_json::Value>,
    /// What the last plan came to: how much had drifted, and whether everything was settled.
    last: (usize, bool),
}

impl Reconciler {
    /// A reconciler over an opened mirror.
    pub fn new(store: Store, mirror: Mirror, catalog: &'static Catalog, introduction: Introduction, writer: AuditWriter) -> Result<Self, TickError> {
        let objects = mirror.objects().map_err(TickError::Mirror)?;
        let planner = Planner::new(store.clone(), objects.clone(), catalog);
        Ok(Self { store, mirror, objects, catalog, introduction, writer, memory: Memory::default(), planner, accepted: None, recorded: 0, accepted_since: None, said: None, last: (0, false) })
    }

    /// From a fetch to the ledger.
    pub async fn tick(&mut self, proof: &LeaderProof) -> Result<Tick, TickError> {
        let fetched = self.fetch(proof).await?;
        crate::crash::point("fetched");
        self.tick_at(proof, &fetched).await
    }

    /// From what was fetched to the ledger.
    pub async fn tick_at(&mut self, proof: &LeaderProof, fetched: &Fetched) -> Result<Tick, TickError> {
        let verdict = self.verify(fetched).await?;
        self.remember(proof, &verdict).await?;
        crate::crash::point("accepted");
        let mut tick = Tick { tip: Some(fetched.tip), ..Tick::default() };
        let Some(accepted) = self.accepted.clone() else {
            tick.held = true;
            self.record_verdict(proof, fetched, &verdict, &[]).await?;
            return Ok(tick);
        };
        tick.accepted = Some(accepted.commit());
        let diagnostics = self.planner.read(accepted.commit(), Timestamp::now())?.to_vec();
        self.record_verdict(proof, fetched, &verdict, &diagnostics).await?;
        tick.held = verdict.held.is_some() || verdict.refused.is_some() || has_errors(&diagnostics);
        if !has_errors(&diagnostics) {
            self.plan_and_enqueue(proof, &accepted, &mut tick).await?;
        }
        Ok(tick)
    }

    async fn fetch(&self, proof: &LeaderProof) -> Result<Fetched, TickError> {
        match self.mirror.fetch().await {
            Ok(fetched) => Ok(fetched),
            Err(error) => {
                self.store.record_fetch_error(proof, &error.to_string()).await?;
                Err(error.into())
            }
        }
    }

    /// A panic in the verifier means deny.
    async fn verify(&mut self, fetched: &Fetched) -> Result<Verdict, TickError> {
        let recorded = if self.accepted.is_none() { self.store.acceptances().await? } else { Vec::new() };
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
            self.accepted_since = Some(Instant::now());
            tracing::info!(commit = %accepted.commit(), seq = accepted.seq(), "accepted {}", accepted.commit());
        }
        self.accepted = Some(accepted.clone());
        Ok(())
    }

    async fn record_verdict(&mut self, proof: &LeaderProof, fetched: &Fetched, verdict: &Verdict, diagnostics: &[Diagnostic]) -> Result<(), TickError> {
        let json = crate::verdict::stored(verdict, diagnostics);
        if self.said != json {
            match &json {
                Some(json) => tracing::warn!(tip = %fetched.tip, verdict = %json, "{}", crate::verdict::sentence(json)),
                None => tracing::info!(tip = %fetched.tip, "nothing is held any more"),
            }
            self.said.clone_from(&json);
        }
        Ok(self.store.record_verdict(proof, &fetched.tip.to_string(), json.as_ref()).await?)
    }

    async fn plan_and_enqueue(&mut self, proof: &LeaderProof, accepted: &AcceptedCommit, tick: &mut Tick) -> Result<(), TickError> {
        let Some(planned) = self.planner.plan(SOURCE).await? else {
            (tick.drifted, tick.settled) = self.last;
            return Ok(());
        };
        crate::crash::point("planned");
        let ended = self.enqueue(proof, accepted, planned, tick).await;
        if ended.is_err() {
            self.planner.plan_again();
        }
        self.last = (tick.drifted, tick.settled);
        ended
    }

    async fn enqueue(&mut self, proof: &LeaderProof, accepted: &AcceptedCommit, planned: Planned, tick: &mut Tick) -> Result<(), TickError> {
        let Planned { plan, parent, jobs_open } = planned;
        tick.drifted = plan.counts().heal;
        let settled = plan.is_empty() && !jobs_open;
        let admitted = gate(plan, accepted)?;
        tick.enqueued = self.store.enqueue(proof, SOURCE, parent, &admitted).await?;
        crate::crash::point("enqueued");
        if settled && tick.enqueued == Enqueued::default() {
            tick.settled = true;
            let took = self.accepted_since.map(|since| since.elapsed()).unwrap_or_default();
            self.store.record_applied(proof, &accepted.commit().to_string(), took).await?;
            self.planner.prune(proof).await?;
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
