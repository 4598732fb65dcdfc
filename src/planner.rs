//! From a commit to a plan, with what is kept between two plans so that the second costs what changed
//! and not what there is. All of it can be derived again; losing it costs time only.

use crate::reconcile::all_diagnostics;
use crate::source::{GitObjects, LoadError, ParsedCache, TreeLoader};
use crate::store::enqueue::Seen;
use crate::store::live::{LiveView, Written};
use crate::store::motion::Motion;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::{ObjectKey, Oid};
use pintle_core::diagnostic::{Diagnostic, has_errors};
use pintle_core::diff::{Differing, LiveState, PacedRun};
use pintle_core::gate::{Allowance, Circumstances, Keeps};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guards;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::{Resolved, resolve};
use pintle_core::trust::Limits;
use std::sync::Arc;

/// Reads commits and plans them against the live rows.
pub struct Planner {
    store: Store,
    objects: Arc<GitObjects>,
    catalog: &'static Catalog,
    loader: TreeLoader,
    /// The last sound tree.
    desired: Option<Desired>,
    /// What is wrong with the tree read last, if it was not sound.
    broken: Option<(Oid, Vec<Diagnostic>)>,
    view: LiveView,
    differing: Kept,
    /// The commit that was planned last, if nothing came between.
    planned: Option<Oid>,
    /// When time alone may change that plan.
    due: Option<Timestamp>,
    /// Whether every row was compared since somebody asked.
    compared: bool,
    /// Where it is kept what was parsed.
    cache: Option<ParsedCache>,
}

/// What a commit says.
struct Desired {
    commit: Oid,
    resolved: Resolved,
    diagnostics: Vec<Diagnostic>,
}

/// Which objects differ between documents and rows, and which documents changed since they were compared.
#[derive(Default)]
struct Kept {
    differing: Differing,
    /// `None`: all of them.
    edited: Option<Vec<ObjectKey>>,
}

impl Kept {
    fn edit(&mut self, keys: Vec<ObjectKey>) {
        if let Some(edited) = &mut self.edited {
            edited.extend(keys);
        }
    }

    fn refresh(&mut self, written: &Written, desired: &Resolved, live: &LiveState) {
        match (self.edited.as_mut(), written) {
            (Some(edited), Written::Rows(rows)) => {
                let keys = edited.iter().chain(rows);
                keys.for_each(|key| self.differing.look_again(key, desired, live));
            }
            _ => self.differing = Differing::of(desired, live),
        }
        self.edited = Some(Vec::new());
    }
}

/// A plan, and what enqueuing it needs to know of the moment when the live rows were read.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What the ledger was then.
    pub seen: Seen,
}

/// The rows whose bodies a plan and its gate need: those that differ, the windows that close something, and the rollouts that pace.
pub fn needed(differing: &Differing, guards: &Guards, live: &LiveState) -> Vec<ObjectKey> {
    let mut keys = differing.needs_bodies(live);
    let windows = guards.closed().flat_map(|rule| &rule.windows.0);
    let windows = windows.map(|window| ObjectKey::new("MaintenanceWindow", window.0.as_str()));
    let rollouts = guards.pace().map(|(pace, _)| ObjectKey::new("Rollout", pace.rollout.0.as_str()));
    keys.extend(windows.chain(rollouts).filter(|key| live.get(key).is_some()));
    keys.sort();
    keys.dedup();
    keys
}

impl Planner {
    /// A planner that has read nothing.
    pub fn new(store: Store, objects: Arc<GitObjects>, catalog: &'static Catalog) -> Self {
        Self {
            store,
            objects,
            catalog,
            loader: TreeLoader::default(),
            desired: None,
            broken: None,
            view: LiveView::default(),
            differing: Kept::default(),
            planned: None,
            due: None,
            compared: false,
            cache: None,
        }
    }

    /// What an earlier process parsed and left in `cache` is not parsed again.
    pub fn recall(&mut self, cache: ParsedCache) {
        self.loader.recall(cache.read());
        self.cache = Some(cache);
    }

    /// Leaves what was parsed for the next process.
    pub fn keep(&mut self) -> std::io::Result<()> {
        self.cache.as_ref().map_or(Ok(()), |cache| self.loader.keep(cache))
    }

    /// The same with other limits on the size of a tree.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { loader: TreeLoader::within(limits), ..self }
    }

    /// Parses and resolves `commit`, unless it is the one already read; says what is wrong with it.
    pub fn read(&mut self, commit: Oid, now: Timestamp) -> Result<&[Diagnostic], LoadError> {
        let known = self.desired.as_ref().map(|desired| desired.commit) == Some(commit)
            || self.broken.as_ref().map(|(broken, _)| *broken) == Some(commit);
        if !known && !self.amend(commit, now)? {
            let loaded = self.loader.load(&self.objects, commit)?;
            let previous = self.desired.as_ref().map(|desired| &desired.resolved);
            let resolved = resolve(&loaded.tree, self.catalog, previous, now);
            let diagnostics = all_diagnostics(&loaded, &resolved);
            if has_errors(&diagnostics) {
                // The sound tree stays: the next one is compared with it, and never with a broken one.
                self.broken = Some((commit, diagnostics));
            } else {
                self.broken = None;
                self.differing.edited = None;
                self.desired = Some(Desired { commit, resolved, diagnostics });
            }
        }
        match &self.broken {
            Some((broken, diagnostics)) if *broken == commit => Ok(diagnostics),
            _ => Ok(self.desired.as_ref().map_or(&[], |desired| &desired.diagnostics)),
        }
    }

    /// Edits the tree that was read last, if `commit` is but a small step from it.
    fn amend(&mut self, commit: Oid, now: Timestamp) -> Result<bool, LoadError> {
        let Some(desired) = &mut self.desired else { return Ok(false) };
        let Some(edits) = self.loader.edit(&self.objects, desired.commit, commit)? else { return Ok(false) };
        let Some(keys) = desired.resolved.amend(&edits, self.catalog, now) else { return Ok(false) };
        desired.commit = commit;
        self.broken = None;
        self.differing.edit(keys);
        Ok(true)
    }

    /// Whether nothing sound was read yet.
    pub fn is_empty(&self) -> bool {
        self.desired.is_none()
    }

    /// Plans the commit that was read last against the live rows of `source`. `None` when commit,
    /// rows, jobs and current plan are those of the last time: the plan would be the same.
    pub async fn plan(&mut self, source: &str, guards: &Guards) -> Result<Option<Planned>, StoreError> {
        let Some(desired) = &self.desired else { return Ok(None) };
        let known = self.planned.take() == Some(desired.commit);
        if known
            && let Some(now) = self.store.still(source, &self.view).await?
            && self.due.is_none_or(|due| now < due)
        {
            self.planned = Some(desired.commit);
            return Ok(None);
        }
        let mut differs = true;
        let (kept, due, compared) = (&mut self.differing, self.due, &mut self.compared);
        let looked = self
            .store
            .look(source, &mut self.view, |moved, written, live| {
                differs = moved || !known || due.is_some_and(|due| due <= live.read_at);
                *compared |= matches!(written, Written::All);
                kept.refresh(written, &desired.resolved, live);
                if differs { needed(&kept.differing, guards, live) } else { Vec::new() }
            })
            .await;
        if let Err(error) = looked {
            // What was read of the rows may not have been compared.
            kept.edited = None;
            return Err(error);
        }
        self.planned = Some(desired.commit);
        if !differs {
            return Ok(None);
        }
        let live = self.view.state();
        let commit = desired.commit.to_string();
        let plan = plan(PlanInput {
            commit: &commit,
            desired: &desired.resolved,
            live,
            differing: &self.differing.differing,
            guards,
            catalog: self.catalog,
            now: Timestamp::now(),
        });
        Ok(Some(Planned { plan, seen: Seen::of(live) }))
    }

    /// What the gate looks at beside the plan that was made last.
    pub fn circumstances<'a>(
        &'a self,
        guards: &'a Guards,
        motion: &'a Motion,
        (seq, keeps): (u64, Option<Keeps>),
        allowed: &'a [Allowance],
    ) -> Option<Circumstances<'a>> {
        let desired = &self.desired.as_ref()?.resolved;
        let (live, seq) = (self.view.state(), Some(seq));
        let Motion { moved, standing } = motion;
        Some(Circumstances { guards, desired, live, moved, standing, seq, keeps, allowed })
    }

    /// The live side, as it was seen last.
    pub fn live(&self) -> &LiveState {
        self.view.state()
    }

    /// The changes that go out in waves, as they were seen last.
    pub fn runs(&self) -> &[PacedRun] {
        &self.view.state().runs
    }

    /// Compares every row the next time, and not only those that the change log names.
    pub fn compare_all(&mut self) {
        self.view.forget();
    }

    /// Whether every row was compared since this was asked last.
    pub fn has_compared(&mut self) -> bool {
        std::mem::take(&mut self.compared)
    }

    /// Plans again at that moment even if nothing moves.
    pub fn due_at(&mut self, due: Option<Timestamp>) {
        self.due = due;
    }

    /// What was planned did not reach the ledger: the next tick plans it again.
    pub fn plan_again(&mut self) {
        self.planned = None;
    }

    /// Forgets what the change log says of what was seen.
    pub async fn prune(&self, proof: &LeaderProof) -> Result<(), StoreError> {
        self.store.prune_changes(proof, &self.view).await
    }
}
