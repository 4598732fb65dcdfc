//! The loop's body: one call per station, from a fetch to a ledger. It takes no hint of what changed.

mod admission;
mod alarms;
mod authority;
mod chain;
mod enqueuing;
mod tick;

pub use tick::{Host, Tick, TickError};

use crate::limits::Caps;
use crate::orders::OrderFile;
use crate::planner::Planner;
use crate::source::{FetchError, Fetched, GitObjects, Kept, LoadedTree, Mirror, ParsedCache};
use crate::state_file::StateFile;
use crate::store::audit::AuditWriter;
use crate::store::waiting::Waits;
use crate::store::{LeaderProof, Store};
use jiff::{SignedDuration, Timestamp};
use pintle_core::change::{Digest, Oid};
use pintle_core::diagnostic::{Diagnostic, has_errors};
use pintle_core::model::Catalog;
use pintle_core::resolve::{Resolved, diagnose};
use pintle_core::trust::{AcceptedCommit, Introduction, Memory, Verdict};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the loop keeps between ticks. All of it can be derived again.
pub struct Reconciler {
    store: Store,
    mirror: Mirror,
    objects: Arc<GitObjects>,
    catalog: &'static Catalog,
    introduction: Introduction,
    writer: AuditWriter,
    state: StateFile,
    orders: OrderFile,
    caps: Caps,
    memory: Memory,
    planner: Planner,
    accepted: Option<AcceptedCommit>,
    recorded: u64,
    /// How far this host's clock is ahead of the database's, as it was when something might be accepted last.
    ahead: SignedDuration,
    /// The newest step whose plan passed the gate, and the one whose guard it passed.
    admitted: Option<(u64, u64)>,
    guard_files: admission::GuardFiles,
    /// How far this host wrote down itself what was accepted.
    believed: Option<u64>,
    kept: Kept,
    /// Kept commits that are evidence with every verdict, sorted.
    standing: Vec<Oid>,
    watch: alarms::Watch,
    /// Whether this process reads the accepted tree as the one before did.
    reads_alike: bool,
    /// The commit whose plan was enqueued last.
    enqueued: Option<Oid>,
    under_way: bool,
    /// Whether something waits for what services have still to carry out.
    awaits_arrivals: bool,
    /// Nothing of it moves now, and its meaning is not yet written down.
    applied: Option<Oid>,
    /// The plan that no chain of approvals leads to: its commit, what was begun then, its actions.
    unlike: Option<(Oid, u64, Digest)>,
    /// Why the plan is not carried out although its commit is accepted.
    differs: Option<serde_json::Value>,
    fetched_at: Option<Instant>,
    seen: Option<Oid>,
    accepted_since: Option<Instant>,
    said: Option<serde_json::Value>,
    /// What the last plan came to: how much had drifted, and whether everything was settled.
    last: (usize, bool),
    mistakes: Option<(Oid, Vec<Diagnostic>)>,
    /// What waits, as it was recorded last.
    waiting: Option<Waits>,
}

/// However busy rows and jobs are, the repository is asked this often.
const FETCH_AT_LEAST: Duration = Duration::from_secs(30);

impl Reconciler {
    /// A reconciler over an opened mirror.
    pub fn new(
        store: Store,
        mirror: Mirror,
        catalog: &'static Catalog,
        introduction: Introduction,
        writer: AuditWriter,
        host: Host<'_>,
    ) -> Result<Self, TickError> {
        let Host { state_dir, caps, freshness } = host;
        let objects = mirror.objects(caps.objects).map_err(TickError::Mirror)?;
        let planner = Planner::new(store.clone(), objects.clone(), catalog).within(caps.trust);
        let state = StateFile::of(state_dir, &introduction);
        Ok(Self {
            store,
            mirror,
            objects,
            catalog,
            introduction,
            writer,
            state,
            orders: OrderFile::of(state_dir),
            caps,
            memory: Memory::default(),
            planner,
            accepted: None,
            recorded: 0,
            ahead: SignedDuration::ZERO,
            admitted: None,
            guard_files: admission::GuardFiles::default(),
            believed: None,
            kept: Kept::default(),
            standing: Vec::new(),
            watch: alarms::Watch::new(freshness),
            reads_alike: false,
            enqueued: None,
            under_way: false,
            awaits_arrivals: false,
            applied: None,
            differs: None,
            unlike: None,
            fetched_at: None,
            seen: None,
            accepted_since: None,
            said: None,
            mistakes: None,
            waiting: None,
            last: (0, false),
        })
    }

    /// From a fetch to the ledger; without one when only rows or jobs rang, and not too long ago.
    pub async fn tick(&mut self, proof: &LeaderProof, fetch: bool) -> Result<Tick, TickError> {
        let due = fetch || self.fetched_at.is_none_or(|at| at.elapsed() >= FETCH_AT_LEAST);
        let (fetched, away) =
            if due { self.fetch(proof).await? } else { (self.mirror.fetched().map_err(TickError::Mirror)?, None) };
        if due && away.is_none() {
            self.fetched_at = Some(Instant::now());
        }
        if self.seen != Some(fetched.tip) {
            self.store.record_fetched(proof, &fetched.tip.to_string()).await?;
            self.seen = Some(fetched.tip);
        }
        crate::crash::point("fetched");
        let tick = self.tick_at(proof, &fetched, due && away.is_none()).await?;
        away.map_or(Ok(tick), |error| Err(error.into()))
    }

    /// A service carried something out: what waits for that is planned again.
    pub fn arrived(&mut self) {
        if self.awaits_arrivals {
            self.planner.plan_again();
        }
    }

    /// Whether a tick that finds no newer commit than the one whose plan is under way need not plan.
    pub fn put_off_planning(&mut self, under_way: bool) {
        self.under_way = under_way;
    }

    /// What an earlier process parsed and left in `cache` is not parsed again.
    pub fn recall_parsed(&mut self, cache: ParsedCache) {
        heavy(|| self.planner.recall(cache));
    }

    /// Compares every row with the next tick.
    pub fn compare_all(&mut self) {
        self.planner.compare_all();
    }

    /// From what was fetched to the ledger; `fresh` when the remote answered just now.
    pub async fn tick_at(&mut self, proof: &LeaderProof, fetched: &Fetched, fresh: bool) -> Result<Tick, TickError> {
        let tick = self.stations(proof, fetched, fresh).await?;
        self.write_state()?;
        Ok(tick)
    }

    async fn stations(&mut self, proof: &LeaderProof, fetched: &Fetched, fresh: bool) -> Result<Tick, TickError> {
        let mut verdict = self.verify(fetched).await?;
        self.explain(&mut verdict);
        self.notice(proof, fetched, fresh, &verdict).await?;
        self.remember(proof, &verdict).await?;
        crate::crash::point("accepted");
        let mut tick = Tick { tip: Some(fetched.tip), ..Tick::default() };
        let Some(accepted) = self.accepted.clone() else {
            tick.held = true;
            self.record_verdict(proof, fetched, fresh, &verdict, &[]).await?;
            return Ok(tick);
        };
        tick.accepted = Some(accepted.commit());
        if let Some(held) = self.read_differently(fetched, &accepted)? {
            tick.held = true;
            let verdict = Verdict { held: Some(held), refused: None, ..verdict };
            self.record_verdict(proof, fetched, fresh, &verdict, &[]).await?;
            return Ok(tick);
        }
        self.recall_applied(accepted.commit()).await?;
        let diagnostics = heavy(|| self.planner.read(accepted.commit(), Timestamp::now()).map(<[_]>::to_vec))?;
        self.record_verdict(proof, fetched, fresh, &verdict, &diagnostics).await?;
        tick.held = verdict.held.is_some() || verdict.refused.is_some() || has_errors(&diagnostics);
        if !has_errors(&diagnostics) {
            let differed = self.differs.clone();
            self.plan_and_enqueue(proof, fetched, &accepted, &mut tick).await?;
            if self.differs != differed {
                // What only planning shows is told with this tick, not with the next.
                self.record_verdict(proof, fetched, fresh, &verdict, &diagnostics).await?;
            }
            tick.held |= self.differs.is_some();
        }
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

    /// After a restart, what guardrails call `old` is what was applied last: a commit that breaks one
    /// does not come through because nothing is remembered.
    async fn recall_applied(&mut self, accepted: Oid) -> Result<(), TickError> {
        if !self.planner.is_empty() {
            return Ok(());
        }
        let applied = self.store.source_state().await?.and_then(|state| state.applied_commit?.parse::<Oid>().ok());
        if let Some(applied) = applied.filter(|applied| *applied != accepted) {
            heavy(|| self.planner.read(applied, Timestamp::now()).map(|_| ()))?;
        }
        Ok(())
    }

    async fn record_verdict(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        fresh: bool,
        verdict: &Verdict,
        diagnostics: &[Diagnostic],
    ) -> Result<(), TickError> {
        let json = crate::verdict::stored(verdict, diagnostics).or_else(|| self.differs.clone());
        if self.said != json {
            match &json {
                Some(json) => tracing::warn!(tip = %fetched.tip, "{}", crate::verdict::sentence(json)),
                None => tracing::info!(tip = %fetched.tip, "nothing is held any more"),
            }
            self.said.clone_from(&json);
        }
        Ok(self.store.record_verdict(proof, &fetched.tip.to_string(), fresh, json.as_ref()).await?)
    }
}

/// Everything that is wrong with a tree, in order of file and line.
pub fn all_diagnostics(loaded: &LoadedTree, resolved: &Resolved) -> Vec<Diagnostic> {
    let mut all = loaded.unreadable.clone();
    all.extend(diagnose(&loaded.tree, &resolved.problems, &loaded.texts));
    all
}

/// Runs what takes long without keeping the runtime from renewing leases and locks.
pub(crate) fn heavy<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
