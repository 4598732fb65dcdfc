//! The second half of a tick: from an accepted tree to the ledger. What may move is asked in `admission`.

use super::{Reconciler, Tick, TickError, admission};
use crate::planner::Planned;
use crate::source::Fetched;
use crate::store::LeaderProof;
use crate::store::acceptance::SOURCE;
use crate::store::enqueue::Enqueued;
use crate::store::ledger::WaitingRow;
use crate::store::waiting::waiting;
use pintle_core::model::guard::Guards;
use pintle_core::plan::Plan;
use pintle_core::trust::AcceptedCommit;

/// The reasons that are kept, and how many objects wait in all.
pub(super) type Waits = (Vec<WaitingRow>, usize);

impl Reconciler {
    /// Plans the accepted commit, unless what was enqueued of it is under way, and enqueues what may move.
    pub(super) async fn plan_and_enqueue(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        tick: &mut Tick,
    ) -> Result<Waits, TickError> {
        let held = self.guards(accepted).await?;
        tick.notices = Some(held.guards.notices());
        if self.under_way && self.enqueued == Some(accepted.commit()) {
            tick.put_off = true;
            (tick.drifted, tick.settled) = (self.last.0, self.last.1);
            return Ok(self.last.2.clone());
        }
        let planned = self.planner.plan(SOURCE, &held.guards).await?;
        if self.planner.has_compared() {
            self.store.record_compared(proof).await?;
        }
        let Some(planned) = planned else {
            (tick.drifted, tick.settled) = (self.last.0, self.last.1);
            return Ok(self.last.2.clone());
        };
        crate::crash::point("planned");
        let ended = self.enqueue(proof, fetched, accepted, &held, planned, tick).await;
        if ended.is_err() {
            self.planner.plan_again();
        }
        let waits = ended?;
        self.last = (tick.drifted, tick.settled, waits.clone());
        Ok(waits)
    }

    async fn enqueue(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        held: &admission::Held,
        planned: Planned,
        tick: &mut Tick,
    ) -> Result<Waits, TickError> {
        let Planned { plan, seen } = planned;
        tick.drifted = plan.drifted();
        if self.other_actions(accepted, &held.guards, &plan).await? {
            return Ok(waiting(&plan));
        }
        let admitted = match self.admit(proof, fetched, accepted, held, plan).await? {
            Ok(admitted) => admitted,
            Err(plan) => {
                self.differs = Some(crate::verdict::beyond_limits(accepted, held.guards.lift(), &plan));
                return Ok(waiting(&plan));
            }
        };
        let waits = waiting(admitted.plan());
        let settled = admitted.plan().is_empty() && seen.open.is_empty();
        tick.enqueued = self.store.enqueue(proof, SOURCE, &seen, &admitted).await?;
        self.enqueued = (tick.enqueued.added > 0).then_some(accepted.commit());
        crate::crash::point("enqueued");
        if settled && tick.enqueued == Enqueued::default() {
            tick.settled = true;
            let took = self.accepted_since.map(|since| since.elapsed()).unwrap_or_default();
            self.store.record_applied(proof, &accepted.commit().to_string(), took).await?;
            self.planner.prune(proof).await?;
            self.write_state()?;
            self.applied = Some(accepted.commit());
        }
        Ok(waits)
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

    /// Records what waits when it is not what was recorded last.
    pub(super) async fn record_waiting(&mut self, proof: &LeaderProof, waits: Waits) -> Result<(), TickError> {
        if self.waiting.as_ref() != Some(&waits) {
            self.store.record_waiting(proof, &waits.0, waits.1).await?;
            self.waiting = Some(waits);
        }
        Ok(())
    }
}
