//! Several changes come at once, each approved for its own actions. Together they do what each of them would do, one after
//! another: that is looked at over a model of the rows, and only the newest of them is carried out.

use super::{Reconciler, TickError, all_diagnostics, heavy};
use crate::source::TreeLoader;
use crate::store::acceptance::SOURCE;
use jiff::Timestamp;
use pintle_core::diagnostic::has_errors;
use pintle_core::diff::Differing;
use pintle_core::model::guard::Guards;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::resolve;
use pintle_core::simulate::Rows;
use pintle_core::trust::{Acceptance, AcceptedCommit};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More steps than this at once are not taken apart: each is a tree that is read anew.
const MOST: usize = 20;

impl Reconciler {
    /// Whether every step of `accepted` after `begun` that was approved for certain actions would do those, after those before it.
    pub(super) async fn each_as_approved(
        &self,
        accepted: &AcceptedCommit,
        begun: u64,
        guards: &Guards,
    ) -> Result<bool, TickError> {
        let steps: Vec<&Acceptance> = accepted.steps().iter().filter(|step| step.seq > begun).collect();
        if steps.len() < 2 || steps.len() > MOST {
            return Ok(false);
        }
        let every = |live: &pintle_core::diff::LiveState| live.objects.iter().map(|row| row.key.clone()).collect();
        let live = self.store.snapshot(SOURCE, every).await?;
        let now = live.read_at;
        let mut rows = Rows::of(live);
        heavy(|| {
            for step in steps {
                let Some(plan) = self.step(&mut rows, step, guards, now)? else { return Ok(false) };
                let as_approved = step.actions.iter().all(|digest| *digest == plan.actions().0);
                // The model is as strict as the database, and says so by a panic.
                if !as_approved || catch_unwind(AssertUnwindSafe(|| apply(&mut rows, &plan, now))).is_err() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// What `step` would do to `rows`; `None` when its documents have mistakes.
    fn step(
        &self,
        rows: &mut Rows,
        step: &Acceptance,
        guards: &Guards,
        now: Timestamp,
    ) -> Result<Option<Plan>, TickError> {
        let loaded = TreeLoader::within(self.caps.trust).load(&self.objects, step.commit)?;
        let desired = resolve(&loaded.tree, self.catalog, None, now);
        if has_errors(&all_diagnostics(&loaded, &desired)) {
            return Ok(None);
        }
        let live = rows.live(now);
        let (commit, differing) = (step.commit.to_string(), Differing::of(&desired, live));
        let (desired, differing) = (&desired, &differing);
        Ok(Some(plan(PlanInput { commit: &commit, desired, live, differing, guards, catalog: self.catalog, now })))
    }
}

fn apply(rows: &mut Rows, plan: &Plan, now: Timestamp) {
    for step in plan.steps() {
        rows.apply(&step.change, now, 0);
    }
}
