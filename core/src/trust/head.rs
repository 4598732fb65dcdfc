//! The history that was derived so far: its steps and every policy that was in force.
//! Private to the station: an [`super::AcceptedCommit`] is what others may hold.

use super::policy::Policy;
use super::verdict::Acceptance;
use crate::change::Oid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps from the introduction on; never empty.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub steps: Vec<Acceptance>,
    /// By version; a policy never changes without its version.
    pub policies: BTreeMap<u64, Arc<Policy>>,
}

impl Head {
    pub fn last(&self) -> &Acceptance {
        self.steps.last().expect("the introduction is always a step")
    }

    pub fn commit(&self) -> Oid {
        self.last().commit
    }

    pub fn policy(&self) -> &Arc<Policy> {
        self.policies.values().next_back().expect("the introduction brings a policy")
    }

    /// The place of an accepted commit among the steps, and the policy that stands in it.
    pub fn at(&self, commit: Oid) -> Option<(usize, &Arc<Policy>)> {
        let place = self.steps.iter().position(|step| step.commit == commit)?;
        Some((place, self.policies.get(&self.steps[place].policy_version)?))
    }
}
