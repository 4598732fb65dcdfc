//! The accepted history under work: every step, where each stands, the policies in force at them,
//! and glass that was broken and not ratified. Private to the station: an
//! [`super::AcceptedCommit`] is what others may hold.

use super::glass::OpenGlass;
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
    /// The steps that the last one descends from, and that approvals may be based on: after a
    /// rewrite of history, those from it on.
    places: Ground,
    last: Acceptance,
    policy: Arc<Policy>,
    /// By version; a policy never changes without its version.
    policies: BTreeMap<u64, Arc<Policy>>,
    unratified: Vec<OpenGlass>,
}

/// What a step brings beside itself.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// A new policy.
    pub policy: Option<Arc<Policy>>,
    /// Glass broken for it.
    pub glass: Option<OpenGlass>,
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
            unratified: Vec::new(),
        }
    }

    /// One step further.
    pub fn push(&mut self, step: Acceptance, brought: Brought) {
        if step.rewrite {
            self.places.clear();
        }
        self.places.insert(step.commit, self.steps.len());
        self.unratified.retain(|glass| !step.ratifies.contains(&glass.change));
        self.unratified.extend(brought.glass);
        self.last = step.clone();
        self.steps.push(step);
        if let Some(policy) = brought.policy {
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

    pub fn unratified(&self) -> &[OpenGlass] {
        &self.unratified
    }

    /// The place of an accepted commit among the steps, and the policy that stands in it.
    pub fn at(&self, commit: Oid) -> Option<(usize, &Arc<Policy>)> {
        let place = *self.places.get(&commit)?;
        Some((place, self.policies.get(&self.steps[place].policy_version)?))
    }
}
