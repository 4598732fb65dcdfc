//! The gate in the loop: which guards hold, what moved within the day, which limits somebody lifted.

use super::{Reconciler, TickError};
use crate::source::Fetched;
use crate::store::LeaderProof;
use crate::store::acceptance::SOURCE;
use crate::store::motion::Motion;
use jiff::{SignedDuration, Timestamp};
use pintle_core::change::Oid;
use pintle_core::gate::{AdmittedPlan, Allowance, Keeps, Refusal, gate, runs};
use pintle_core::model::guard::{Guard, Guards};
use pintle_core::plan::{Exceeded, Plan, Reason};
use pintle_core::trust::{AcceptedCommit, allowances};
use std::sync::Arc;
use std::time::Duration;

/// A refused plan is looked at again after this long: what moved falls out of the day.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Nothing goes for good when the remote has not answered for so long; the applying transaction asks again.
const ANSWERED: Duration = Duration::from_mins(10);

/// Which guards hold for an accepted step.
pub(super) struct Held {
    pub guards: Guards,
    /// The step whose guard holds beside its own.
    pub before: u64,
}

/// Guards by the commit that they stand in: the two that are needed.
#[derive(Default)]
pub(super) struct GuardFiles(Vec<(Oid, Arc<Guard>)>);

impl Reconciler {
    /// The guard of the step that was admitted before `accepted`, and its own. A commit is judged with
    /// the same two for as long as it is the accepted one.
    pub(super) async fn guards(&mut self, accepted: &AcceptedCommit) -> Result<Held, TickError> {
        let (admitted, guard) = match self.admitted {
            Some(known) => known,
            None => *self.admitted.insert(self.store.admitted(SOURCE).await?),
        };
        let before = if admitted == accepted.seq() { guard } else { admitted }.max(1);
        let step = accepted.steps().iter().find(|step| step.seq == before);
        let commit = step.map_or(accepted.commit(), |step| step.commit);
        let guards = Guards::new(self.guard_at(commit)?, self.guard_at(accepted.commit())?);
        Ok(Held { guards, before })
    }

    fn guard_at(&mut self, commit: Oid) -> Result<Arc<Guard>, TickError> {
        if let Some((_, known)) = self.guard_files.0.iter().find(|(of, _)| *of == commit) {
            return Ok(known.clone());
        }
        let bytes = self.objects.file(commit, Guard::PATH).map_err(|error| TickError::Guard(commit, error))?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        // An accepted commit with a broken one is held as invalid before anything is planned.
        let guard = Arc::new(Guard::parse(&text).0);
        self.guard_files.0.truncate(3);
        self.guard_files.0.insert(0, (commit, guard.clone()));
        Ok(guard)
    }

    /// What of `plan` may move now; `None`, and why is shown, when it would pass a limit.
    pub(super) async fn admit(
        &mut self,
        proof: &LeaderProof,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        held: &Held,
        plan: Plan,
    ) -> Result<Result<AdmittedPlan, Box<Plan>>, TickError> {
        let since = self.planner.runs().iter().map(|run| run.since).min().unwrap_or(accepted.seq());
        let motion = self.store.motion(SOURCE, &plan, &held.guards, self.planner.live(), Some(since)).await?;
        let at_tip = fetched.tip == accepted.commit() && self.fetched_at.is_some_and(|at| at.elapsed() < ANSWERED);
        let keeps = match () {
            () if !at_tip => Some(Keeps::NewerTip),
            () if !accepted.unratified().is_empty() => Some(Keeps::GlassBroken),
            () => None,
        };
        let place = (accepted.seq(), keeps);
        let mut judged = self.judged(plan.clone(), accepted, held, place, (&motion, &[]));
        if !limited(judged.as_ref()).is_empty() {
            let mut allowed = self.store.lifted(SOURCE, accepted.seq()).await?;
            judged = self.judged(plan.clone(), accepted, held, place, (&motion, &allowed));
            let beyond = limited(judged.as_ref());
            if !beyond.is_empty() {
                allowed.extend(self.lifted(fetched, accepted, held)?);
                judged = self.judged(plan, accepted, held, place, (&motion, &allowed));
                let still = limited(judged.as_ref());
                let lifted: Vec<Exceeded> = beyond.into_iter().filter(|one| !still.contains(one)).collect();
                if matches!(judged, Some(Ok(_))) && !lifted.is_empty() {
                    self.store.record_lifted(proof, SOURCE, accepted.seq(), &lifted).await?;
                }
            }
        }
        let Some(judged) = judged else { return Err(TickError::Verifier(accepted.commit())) };
        match judged {
            Ok(admitted) => {
                // A limit that holds heals back may be lifted by words that move nothing; who has come rings, and a bell
                // may be lost.
                let again = || Timestamp::now().checked_add(AGAIN).ok();
                let waits = |of: fn(&Reason) -> bool| admitted.plan().waiting().iter().any(|one| of(&one.reason));
                let is_looked_at = waits(|reason| {
                    matches!(reason, Reason::Limited { .. } | Reason::Moving { .. } | Reason::Wave { until: None, .. })
                });
                self.awaits_arrivals = waits(|reason| matches!(reason, Reason::Wave { .. } | Reason::Moving { .. }));
                self.planner.due_at(admitted.plan().due().into_iter().chain(is_looked_at.then(again).flatten()).min());
                let before = self.planner.runs();
                let under_way = runs(admitted.plan(), before, (accepted.seq(), self.planner.live().read_at));
                if under_way != before {
                    self.store.record_runs(proof, SOURCE, &under_way).await?;
                }
                let wanted = (accepted.seq(), held.before);
                if admitted.is_within_limits() && self.admitted != Some(wanted) {
                    self.store.record_admitted(proof, SOURCE, wanted).await?;
                    self.admitted = Some(wanted);
                }
                Ok(Ok(admitted))
            }
            Err(Refusal::Limits(plan)) => {
                self.planner.due_at(Timestamp::now().checked_add(AGAIN).ok());
                Ok(Err(plan))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn judged(
        &self,
        plan: Plan,
        accepted: &AcceptedCommit,
        held: &Held,
        place: (u64, Option<Keeps>),
        (motion, allowed): (&Motion, &[Allowance]),
    ) -> Option<Result<AdmittedPlan, Refusal>> {
        let circumstances = self.planner.circumstances(&held.guards, motion, place, allowed)?;
        Some(gate(plan, accepted, &circumstances))
    }

    /// The limits that enough people lifted.
    fn lifted(
        &mut self,
        fetched: &Fetched,
        accepted: &AcceptedCommit,
        held: &Held,
    ) -> Result<Vec<Allowance>, TickError> {
        let Some(lift) = held.guards.lift() else { return Ok(Vec::new()) };
        let found =
            self.ask(fetched, &[], |question, session| allowances(accepted, held.before, lift, question, session))?;
        found.map_err(|_| TickError::Verifier(accepted.commit()))
    }
}

/// The limits that keep something from moving.
fn limited(judged: Option<&Result<AdmittedPlan, Refusal>>) -> Vec<Exceeded> {
    let heals = |plan: &Plan| {
        let mut all: Vec<Exceeded> = Vec::new();
        for waiting in plan.waiting() {
            if let Reason::Limited { exceeded } = &waiting.reason
                && !all.contains(exceeded)
            {
                all.push((**exceeded).clone());
            }
        }
        all
    };
    match judged {
        Some(Ok(admitted)) => heals(admitted.plan()),
        Some(Err(Refusal::Limits(plan))) => plan.refused().to_vec(),
        _ => Vec::new(),
    }
}
