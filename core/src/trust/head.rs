//! The history that was derived so far: its steps and every policy that was in force.
//! Private to the station: an [`super::AcceptedCommit`] is what others may hold.

use super::graph::Ground;
use super::policy::Policy;
use super::verdict::Acceptance;
use crate::change::Oid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps from the introduction on.
#[derive(Debug, Clone)]
pub(super) struct Head {
    steps: Vec<Acceptance>,
    places: Ground,
    last: Acceptance,
    policy: Arc<Policy>,
    /// By version; a policy never changes without its version.
    policies: BTreeMap<u64, Arc<Policy>>,
}

impl Head {
    /// The history that holds the introduction alone.
    pub fn begin(introduction: Acceptance, policy: Arc<Policy>) -> Self {
        Self {
            steps: vec![introduction.clone()],
            places: Ground::from([(introduction.commit, 0)]),
            last: introduction,
            policies: BTreeMap::from([(policy.version, policy.clone())]),
            policy,
        }
    }

    /// One step further, with the policy that it brings if it brings one.
    pub fn push(&mut self, step: Acceptance, policy: Option<Arc<Policy>>) {
        self.places.insert(step.commit, self.steps.len());
        self.last = step.clone();
        self.steps.push(step);
        if let Some(policy) = policy {
            self.policies.insert(policy.version, policy.clone());
            self.policy = policy;
        }
    }

    pub fn steps(&self) -> &[Acceptance] {
        &self.steps
    }

    pub fn ground(&self) -> &Ground {
        &self.places
    }

    pub fn last(&self) -> &Acceptance {
        &self.last
    }

    pub fn commit(&self) -> Oid {
        self.last.commit
    }

    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The place of an accepted commit among the steps, and the policy that stands in it.
    pub fn at(&self, commit: Oid) -> Option<(usize, &Arc<Policy>)> {
        let place = *self.places.get(&commit)?;
        Some((place, self.policies.get(&self.steps[place].policy_version)?))
    }
}
