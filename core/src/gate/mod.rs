//! Station: a plan and an accepted commit → what may move now. The only maker of [`AdmittedPlan`],
//! and only that can be enqueued.

use crate::check::{self, check};
use crate::plan::Plan;
use crate::trust::AcceptedCommit;

/// A plan that may be enqueued: made from an accepted commit, checked, within every limit.
#[derive(Debug)]
pub struct AdmittedPlan {
    plan: Plan,
    commit: AcceptedCommit,
}

impl AdmittedPlan {
    /// The plan.
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
}

/// Admits `plan` under the authority of `commit`, or says why not.
pub fn gate(plan: Plan, commit: &AcceptedCommit) -> Result<AdmittedPlan, Refusal> {
    if plan.commit() != commit.commit().to_string() {
        return Err(Refusal::OtherCommit { plan: plan.commit().to_owned(), accepted: commit.commit().to_string() });
    }
    let broken = check(&plan);
    if !broken.is_empty() {
        return Err(Refusal::Invariant(broken));
    }
    Ok(AdmittedPlan { plan, commit: commit.clone() })
}
