//! Station: a plan, what there is and who agreed → what may move now. [`judge`] needs no authority and
//! is what CI shows; [`gate`] is the only maker of [`AdmittedPlan`], and only that can be enqueued.

mod circumstances;
mod closed;
mod defer;
mod limits;
mod moving;
mod pace;
mod urgency;

pub use circumstances::{Allowance, Circumstances, Extent, Keeps, Moved, Standing, UNWATCHED};
pub use pace::runs;
pub use urgency::Urgency;

use crate::check::{self, check, check_judged};
use crate::plan::{Exceeded, Plan};
use crate::trust::AcceptedCommit;

/// A plan that may be enqueued: made from an accepted commit, checked, within every limit.
#[derive(Debug)]
pub struct AdmittedPlan {
    plan: Plan,
    commit: AcceptedCommit,
    within: bool,
    urgencies: Vec<Urgency>,
}

impl AdmittedPlan {
    /// Whether all of it, what waits included, is within every limit: else the commit after this one is
    /// judged by the guard that this one was.
    pub fn is_within_limits(&self) -> bool {
        self.within
    }
    /// How urgent each step is, in their order.
    pub fn urgencies(&self) -> &[Urgency] {
        &self.urgencies
    }
    /// The plan: its steps may move now, the rest waits.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    /// The authority it moves under.
    pub fn commit(&self) -> &AcceptedCommit {
        &self.commit
    }
}

/// Why a plan may not be enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The plan is of another revision than the accepted one.
    #[error("the plan is of {plan}, but {accepted} is accepted")]
    OtherCommit {
        /// The planned revision.
        plan: String,
        /// The accepted one.
        accepted: String,
    },
    /// The plan breaks an invariant: a fault of ours.
    #[error("the plan breaks an invariant: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invariant(Vec<check::Violation>),
    /// The plan passes a limit of the guard: nothing of it moves.
    #[error("the plan is refused by a limit: {}", .0.refused().first().map(Exceeded::sentence).unwrap_or_default())]
    Limits(Box<Plan>),
}

/// What of `plan` may move now: the rest waits, each with its reason; if it would pass a limit, that is
/// said, and nothing of it may move.
pub fn judge(plan: Plan, circumstances: &Circumstances<'_>) -> Plan {
    let heals = defer::heals(circumstances);
    let deferred = plan.steps().iter().map(|step| defer::defer(&step.change, circumstances, &heals)).collect();
    let plan = plan.without(deferred);
    let mut paced = pace::paced(&plan, circumstances);
    let plan = plan.without(std::mem::take(&mut paced.waits));
    let exceeded = limits::exceeded(&plan, &paced.exempt, circumstances);
    if !exceeded.is_empty() {
        return plan.refusing(exceeded);
    }
    let heals = limits::held_heals(&plan, &paced.exempt, circumstances);
    let plan = plan.without(heals);
    // Last: what waits for others to arrive is counted by the limits all the same.
    let held = moving::held(&plan, &paced, circumstances);
    plan.without(held)
}

/// Whether all that the documents move of `plan`, what would wait included, is within every limit.
pub fn is_within_limits(plan: &Plan, circumstances: &Circumstances<'_>) -> bool {
    limits::exceeded(plan, &pace::paced(plan, circumstances).exempt, circumstances).is_empty()
}

/// Admits what of `plan` may move now under the authority of `commit`, or says why nothing may.
pub fn gate(plan: Plan, commit: &AcceptedCommit, circumstances: &Circumstances<'_>) -> Result<AdmittedPlan, Refusal> {
    if plan.commit() != commit.commit().to_string() {
        return Err(Refusal::OtherCommit { plan: plan.commit().to_owned(), accepted: commit.commit().to_string() });
    }
    let broken = check(&plan);
    if !broken.is_empty() {
        return Err(Refusal::Invariant(broken));
    }
    let whole = plan.clone();
    let plan = judge(plan, circumstances);
    let deferred = plan.steps().len() < whole.steps().len();
    let within = !deferred || is_within_limits(&whole, circumstances);
    if !plan.refused().is_empty() {
        return Err(Refusal::Limits(Box::new(plan)));
    }
    let broken = check_judged(&plan, circumstances);
    if !broken.is_empty() {
        return Err(Refusal::Invariant(broken));
    }
    let urgencies = urgency::urgencies(&plan, circumstances);
    Ok(AdmittedPlan { plan, commit: commit.clone(), within, urgencies })
}
