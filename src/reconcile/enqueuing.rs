//! The second half of a tick: from an accepted tree to the ledger. What may move is asked in `admission`.

use super::{Reconciler, Tick, TickError, admission};
use crate::planner::Planned;
use crate::source::Fetched;
use crate::store::LeaderProof;
use crate::store::acceptance::SOURCE;
use crate::store::enqueue::Enqueued;
use crate::store::waiting::Waits;
use pintle_core::diff::{Cause, PacedRun};
use pintle_core::model::guard::Guards;
use pintle_core::plan::{Plan, Reason};
use pintle_core::trust::AcceptedCommit;

impl Reconciler {
    /// Plans the accepted commit, unless what was enqueued of it is under way, and enqueues what may move.
    pub(super) async fn plan_and_enqueue(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        tick: &mut Tick,
    ) -> Result<(), TickError> {
        let held = self.guards(accepted).await?;
        tick.notices = Some(held.guards.notices());
        if self.under_way && self.enqueued == Some(accepted.commit()) {
            tick.put_off = true;
            (tick.drifted, tick.settled) = (self.last.0, self.last.1);
            return Ok(());
        }
        let planned = self.planner.plan(SOURCE, &held.guards).await?;
        if self.planner.has_compared() {
            self.store.record_compared(proof).await?;
        }
        let Some(planned) = planned else {
            (tick.drifted, tick.settled) = (self.last.0, self.last.1);
            return Ok(());
        };
        crate::crash::point("planned");
        let ended = self.enqueue(proof, fetched, accepted, &held, planned, tick).await;
        if ended.is_err() {
            self.planner.plan_again();
        }
        self.last = (tick.drifted, tick.settled);
        ended
    }

    async fn enqueue(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        held: &admission::Held,
        planned: Planned,
        tick: &mut Tick,
    ) -> Result<(), TickError> {
        let Planned { plan, seen } = planned;
        tick.drifted = plan.drifted();
        if self.other_actions(accepted, &held.guards, &plan).await? {
            return self.record_waiting(proof, Waits::of(&plan)).await;
        }
        let admitted = match self.admit(proof, fetched, accepted, held, plan).await? {
            Ok(admitted) => admitted,
            Err(plan) => {
                self.differs = Some(crate::verdict::beyond_limits(accepted, held.guards.lift(), &plan));
                return self.record_waiting(proof, Waits::of(&plan)).await;
            }
        };
        let waits = Waits::of(admitted.plan());
        let settled = admitted.plan().is_empty() && seen.open.is_empty();
        let goes_on = goes_on(admitted.plan(), self.planner.runs(), accepted.seq());
        tick.enqueued = self.store.enqueue(proof, SOURCE, &seen, &admitted).await?;
        self.enqueued = (tick.enqueued.added > 0).then_some(accepted.commit());
        crate::crash::point("enqueued");
        self.record_waiting(proof, waits).await?;
        if settled && tick.enqueued == Enqueued::default() {
            tick.settled = true;
            if !goes_on {
                let took = self.accepted_since.map(|since| since.elapsed()).unwrap_or_default();
                self.store.record_applied(proof, &accepted.commit().to_string(), took).await?;
            }
            self.planner.prune(proof).await?;
            self.write_state()?;
            self.applied = Some(accepted.commit());
        }
        Ok(())
    }

    /// Whether the step that comes next was approved for other actions than the plan would do. Asked
    /// until its first job is enqueued: from then on the plan only gets shorter.
    async fn other_actions(
        &mut self,
        accepted: &AcceptedCommit,
        guards: &Guards,
        plan: &Plan,
    ) -> Result<bool, TickError> {
        self.differs = None;
        if accepted.actions_after(0).is_empty() {
            return Ok(false);
        }
        let begun = self.store.begun_seq().await?;
        let wanted = accepted.actions_after(begun);
        let as_approved = wanted.iter().all(|digest| *digest == plan.actions().0);
        // Looked at once for the same plan: it reads whole trees.
        let asked = (accepted.commit(), begun, plan.actions().0);
        if as_approved || (self.unlike != Some(asked) && self.each_as_approved(accepted, begun, guards).await?) {
            return Ok(false);
        }
        self.unlike = Some(asked);
        self.differs = Some(crate::verdict::other_actions(accepted.commit(), wanted, plan));
        Ok(true)
    }

    /// Records what waits. What was recorded is not known after an error.
    async fn record_waiting(&mut self, proof: &LeaderProof, waits: Waits) -> Result<(), TickError> {
        self.waiting = Some(self.store.record_waiting(proof, self.waiting.take(), waits).await?);
        Ok(())
    }
}

/// Whether more of the accepted step `seq` is to come although nothing moves now: it began a run whose waves are not over,
/// and no run of an earlier one holds it up; or something waits for others to arrive, and nobody knows since when.
fn goes_on(plan: &Plan, runs: &[PacedRun], seq: u64) -> bool {
    let began = |rollout: &str| runs.iter().all(|run| run.rollout != rollout || run.since >= seq);
    let waits = |reason: &Reason| match reason {
        Reason::Wave { rollout, .. } => began(rollout),
        Reason::Moving { rollouts, .. } => rollouts.is_empty() || rollouts.iter().any(|rollout| began(rollout)),
        _ => false,
    };
    plan.waiting().iter().any(|one| one.change.cause != Cause::Drift && waits(&one.reason))
}
