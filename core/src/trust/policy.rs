//! The trust policy: people and their keys, groups, rules, what is revoked. Only a policy that
//! could be satisfied becomes one. Who approved what is not its matter.

use super::glob::Glob;
use super::keys::{Fingerprint, PublicKey};
use super::sshsig::Signed;
use crate::change::FieldPath;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A trust policy, as one version of `.pintle/trust.yaml` gives it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its version: exactly one more than the last.
    pub version: u64,
    /// The repository it is for.
    pub repo_id: Arc<str>,
    /// The people by name.
    pub people: BTreeMap<Arc<str>, Person>,
    /// The groups by name.
    pub groups: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// How old an approval may be when it first counts.
    pub approval_max_age: SignedDuration,
    /// Who may break the glass, and for what.
    pub break_glass: Option<BreakGlass>,
    /// Keys that count for nothing, with the reason.
    pub revoked: BTreeMap<Fingerprint, String>,
    /// Keys whose revocation by one person is taken back, with the reason.
    pub reinstated: BTreeMap<Fingerprint, String>,
    /// The versions of the change id that approvals may be of.
    pub change_ids: BTreeSet<Arc<str>>,
}

/// A person, or a machine.
#[derive(Debug, Clone)]
pub struct Person {
    /// For `allowed-signers`.
    pub email: Option<String>,
    /// Counts only where a rule says `machines: true`.
    pub machine: bool,
    /// At least one.
    pub keys: Vec<PolicyKey>,
}

/// A key of a person.
#[derive(Debug, Clone)]
pub struct PolicyKey {
    /// The key.
    pub key: PublicKey,
    /// The token must have been touched.
    pub require_touch: bool,
    /// The token must have checked a PIN.
    pub require_pin: bool,
    /// From then on it makes no new approval count.
    pub not_after: Option<Timestamp>,
}

/// A rule: what it matches, and whose approvals that needs.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// What it matches.
    pub matching: Matching,
    /// How many people.
    pub approvals: u32,
    /// From these groups together.
    pub from: Vec<Arc<str>>,
    /// How many of them must not be writers of the change.
    pub independent: u32,
    /// How many people an exact rollback needs, where that is fewer.
    pub rollback: Option<u32>,
    /// A bare author's signature suffices.
    pub implicit: bool,
    /// Machines count.
    pub machines: bool,
    /// A rule over instances also matches what they resolve through.
    pub reach: bool,
    /// How far an approval goes on counting while the branch moves.
    pub bind: Option<Bind>,
}

/// What must be untouched since an approval's base for it to go on counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The fields that the change touches.
    Field,
    /// The documents that the change touches.
    Document,
    /// Those and all that they resolve through.
    Closure,
}

/// What a rule matches. Everything that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// What nothing else matches.
    pub otherwise: bool,
    /// Documents of one of these kinds.
    pub kinds: Vec<Arc<str>>,
    /// Documents of one of these names.
    pub names: Vec<Arc<str>>,
    /// Documents with all of these labels.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Documents that this partner owns.
    pub partner: Option<Arc<str>>,
    /// Files at one of these paths.
    pub paths: Vec<Glob>,
    /// Fields at, above or below one of these.
    pub fields: Vec<FieldPath>,
    /// One of these actions.
    pub actions: Vec<Action>,
}

/// What happens to a document or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It comes into being.
    Create,
    /// It changes.
    Update,
    /// It goes, or loses its effect.
    Delete,
}

/// Who may act at once, to be ratified later.
#[derive(Debug, Clone)]
pub struct BreakGlass {
    /// The groups.
    pub from: Vec<Arc<str>>,
    /// How many people.
    pub approvals: u32,
    /// The scope: every entry must match.
    pub matching: Matching,
    /// How soon it must be ratified.
    pub ratify_within: SignedDuration,
}

/// Why a signature by a policy's lights does not speak for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorised {
    /// Nobody in the policy has the key.
    #[error("its key {0} belongs to nobody in the policy")]
    UnknownKey(Fingerprint),
    /// The key is revoked.
    #[error("its key {0} is revoked: {1}")]
    Revoked(Fingerprint, String),
    /// The key has expired.
    #[error("its key {0} expired on {1}")]
    Expired(Fingerprint, Timestamp),
    /// The policy wants a touch that the token did not see.
    #[error("its key {0} must be touched, and was not")]
    NotTouched(Fingerprint),
    /// The policy wants a PIN that the token did not check.
    #[error("its key {0} needs a PIN, and none was given")]
    NoPin(Fingerprint),
}

impl Policy {
    /// Whom a verified signature speaks for at the time `at`.
    pub fn signer(&self, signed: &Signed, at: Timestamp) -> Result<Arc<str>, Unauthorised> {
        let fingerprint = signed.key.fingerprint();
        if let Some(reason) = self.revoked.get(&fingerprint) {
            return Err(Unauthorised::Revoked(fingerprint, reason.clone()));
        }
        let (name, key) = self.owner(&signed.key).ok_or(Unauthorised::UnknownKey(fingerprint))?;
        match key.not_after {
            Some(end) if at >= end => return Err(Unauthorised::Expired(fingerprint, end)),
            _ => {}
        }
        if key.require_touch && !signed.touched {
            return Err(Unauthorised::NotTouched(fingerprint));
        }
        if key.require_pin && !signed.pin {
            return Err(Unauthorised::NoPin(fingerprint));
        }
        Ok(name.clone())
    }

    /// The same with more keys that count for nothing.
    #[must_use]
    pub fn without(&self, keys: &BTreeMap<Fingerprint, String>) -> Self {
        let mut policy = self.clone();
        for (key, reason) in keys {
            policy.revoked.entry(*key).or_insert_with(|| reason.clone());
        }
        policy
    }

    /// Whose key it is, whether or not it may still be used.
    pub fn holder(&self, key: &PublicKey) -> Option<&Arc<str>> {
        self.owner(key).map(|(name, _)| name)
    }

    fn owner(&self, key: &PublicKey) -> Option<(&Arc<str>, &PolicyKey)> {
        self.people.iter().find_map(|(name, person)| Some((name, person.keys.iter().find(|own| own.key == *key)?)))
    }

    /// Whether `person` may approve for `rule`.
    pub fn may_approve(&self, person: &str, rule: &Rule) -> bool {
        let machine = self.people.get(person).is_none_or(|person| person.machine);
        (rule.machines || !machine) && self.in_groups(person, &rule.from)
    }

    /// Whether `person` belongs to one of `groups`.
    pub fn in_groups(&self, person: &str, groups: &[Arc<str>]) -> bool {
        groups.iter().any(|group| self.groups.get(group).is_some_and(|members| members.contains(person)))
    }

    /// The people who could approve for `rule` with a key that is usable at `at`.
    pub fn able(&self, rule: &Rule, at: Timestamp) -> Vec<Arc<str>> {
        let usable = |key: &PolicyKey| {
            key.not_after.is_none_or(|end| at < end) && !self.revoked.contains_key(&key.key.fingerprint())
        };
        let able =
            |(name, person): &(&Arc<str>, &Person)| self.may_approve(name, rule) && person.keys.iter().any(usable);
        self.people.iter().filter(able).map(|(name, _)| name.clone()).collect()
    }

    /// The rules for the policy itself. Whoever they name is root.
    pub fn root_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.matching.matches_policy_file())
    }

    /// Whether `person` is root.
    pub fn is_root(&self, person: &str) -> bool {
        self.root_rules().any(|rule| self.may_approve(person, rule))
    }
}
