//! From a commit to a plan, with what is kept between two plans so that the second costs what changed
//! and not what there is. All of it can be derived again; losing it costs time only.

use crate::reconcile::all_diagnostics;
use crate::source::{GitObjects, LoadError, TreeLoader};
use crate::store::enqueue::Seen;
use crate::store::live::LiveView;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diagnostic::{Diagnostic, has_errors};
use pintle_core::diff::needs_bodies;
use pintle_core::model::Catalog;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::{Resolved, resolve};
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
    /// The commit that was planned last, if nothing came between.
    planned: Option<Oid>,
}

/// What a commit says.
struct Desired {
    commit: Oid,
    resolved: Resolved,
    diagnostics: Vec<Diagnostic>,
}

/// A plan, and what enqueuing it needs to know of the moment when the live rows were read.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What the ledger was then.
    pub seen: Seen,
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
            planned: None,
        }
    }

    /// Parses and resolves `commit`, unless it is the one already read; says what is wrong with it.
    pub fn read(&mut self, commit: Oid, now: Timestamp) -> Result<&[Diagnostic], LoadError> {
        let known = self.desired.as_ref().map(|desired| desired.commit) == Some(commit)
            || self.broken.as_ref().map(|(broken, _)| *broken) == Some(commit);
        if !known {
            let loaded = self.loader.load(&self.objects, commit)?;
            let previous = self.desired.as_ref().map(|desired| &desired.resolved);
            let resolved = resolve(&loaded.tree, self.catalog, previous, now);
            let diagnostics = all_diagnostics(&loaded, &resolved);
            if has_errors(&diagnostics) {
                // The sound tree stays: the next one is compared with it, and never with a broken one.
                self.broken = Some((commit, diagnostics));
            } else {
                self.broken = None;
                self.desired = Some(Desired { commit, resolved, diagnostics });
            }
        }
        match &self.broken {
            Some((broken, diagnostics)) if *broken == commit => Ok(diagnostics),
            _ => Ok(self.desired.as_ref().map_or(&[], |desired| &desired.diagnostics)),
        }
    }

    /// Whether nothing sound was read yet.
    pub fn is_empty(&self) -> bool {
        self.desired.is_none()
    }

    /// Plans the commit that was read last against the live rows of `source`. `None` when commit,
    /// rows, jobs and current plan are those of the last time: the plan would be the same.
    pub async fn plan(&mut self, source: &str) -> Result<Option<Planned>, StoreError> {
        let Some(desired) = &self.desired else { return Ok(None) };
        let known = self.planned.take() == Some(desired.commit);
        let mut differs = true;
        self.store
            .look(source, &mut self.view, |moved, live| {
                differs = moved || !known;
                if differs { needs_bodies(&desired.resolved, live) } else { Vec::new() }
            })
            .await?;
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
            catalog: self.catalog,
            now: Timestamp::now(),
        });
        Ok(Some(Planned { plan, seen: Seen::of(live) }))
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
