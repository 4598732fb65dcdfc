//! What trust says: what is accepted, by whom; what is held, why, and the command that lifts it.
//! The one constructor of [`AcceptedCommit`] is here and private to the station.

use super::glass::OpenGlass;
use super::head::Head;
use super::keys::Fingerprint;
use super::policy::Policy;
use crate::change::{ChangeId, Digest, Oid};
use crate::diagnostic::{Code, Diagnostic};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a person's word counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Signed the whole change.
    Author,
    /// Signed an `Approve` trailer for it.
    Approver,
}

impl Role {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Approver => "approver",
        }
    }
}

/// A person whose word counted for an accepted step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Who, by the policy's name.
    pub person: Arc<str>,
    /// With which key.
    pub fingerprint: Fingerprint,
    /// By which commit.
    pub commit: Oid,
    /// As author or approver.
    pub role: Role,
    /// For which rules.
    pub rules: Vec<Arc<str>>,
}

/// The record of one accepted step. It is believed about its time and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// The commit.
    pub commit: Oid,
    /// Its place: the introduction is 1.
    pub seq: u64,
    /// The change from the step before it.
    pub change_id: ChangeId,
    /// The version of the policy that stands in it.
    pub policy_version: u64,
    /// When it was accepted first.
    pub accepted_at: Timestamp,
    /// Whose word counted.
    pub counted: Vec<Counted>,
    /// The commits that proved it: keep their raw objects.
    pub evidence: Vec<Oid>,
    /// Why the glass was broken for it, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_glass: Option<Arc<str>>,
    /// The changes by broken glass that were ratified by then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratifies: Vec<ChangeId>,
    /// The actions that those who approved it insist on, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Digest>,
    /// Whether it does not descend from the step before it: an operator let the history be considered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewrite: bool,
}

/// An accepted commit and all steps to it. Only this station makes one, from objects.
#[derive(Debug, Clone)]
pub struct AcceptedCommit {
    source: Arc<str>,
    head: Arc<Head>,
}

impl AcceptedCommit {
    /// The end of a history that was derived from objects.
    pub(super) fn new(source: Arc<str>, head: Head) -> Self {
        Self { source, head: Arc::new(head) }
    }

    /// The history to go on from.
    pub(super) fn head(&self) -> Head {
        (*self.head).clone()
    }

    fn last(&self) -> &Acceptance {
        self.head.last()
    }

    /// The id of the repository.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The commit.
    pub fn commit(&self) -> Oid {
        self.last().commit
    }

    /// Its place, counted from the introduction, which is 1.
    pub fn seq(&self) -> u64 {
        self.last().seq
    }

    /// The version of the policy that stands in it.
    pub fn policy_version(&self) -> u64 {
        self.last().policy_version
    }

    /// Every step from the introduction on.
    pub fn steps(&self) -> &[Acceptance] {
        self.head.steps()
    }

    /// The actions that the newest step after `seq` whose approvers insist on any was approved for, and
    /// no others. A later step that insists on nothing lifts nothing.
    pub fn actions_after(&self, seq: u64) -> &[Digest] {
        let mut newer = self.steps().iter().rev().take_while(|step| step.seq > seq);
        newer.find(|step| !step.actions.is_empty()).map(|step| step.actions.as_slice()).unwrap_or_default()
    }

    /// Glass that was broken and is not ratified by an accepted step.
    pub fn unratified(&self) -> &[OpenGlass] {
        self.head.unratified()
    }

    /// The policy that stands in it.
    pub fn policy(&self) -> &Arc<Policy> {
        self.head.policy()
    }
}

/// How far a rule is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    /// The rule.
    pub name: Arc<str>,
    /// How many people it needs.
    pub needed: u32,
    /// Who counts so far.
    pub have: Vec<Arc<str>>,
    /// Which groups it asks.
    pub from: Vec<Arc<str>>,
    /// How many of them must not have written the change.
    pub independent: u32,
    /// How many of those who count did not.
    pub have_independent: u32,
    /// Who could still approve.
    pub missing_of: Vec<Arc<str>>,
}

impl RuleState {
    /// Whether the rule is met.
    pub fn met(&self) -> bool {
        self.missing() == 0
    }

    /// How many approvals are missing.
    pub fn missing(&self) -> u32 {
        let people = self.needed.saturating_sub(self.have.len() as u32);
        people.max(self.independent.saturating_sub(self.have_independent))
    }
}

/// One reason why a commit is held or refused, and the command that lifts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The stable code; `pintle explain CODE` says more.
    pub code: Code,
    /// One sentence without a full stop.
    pub message: String,
    /// The command, or what to do.
    pub hint: String,
    /// The commit that it is about, where it is not the held one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Oid>,
    /// What is wrong inside a file, where something is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Reason {
    /// A reason of `code`.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), commit: None, diagnostics: Vec::new() }
    }

    /// The same about `commit`.
    #[must_use]
    pub fn about(mut self, commit: Oid) -> Self {
        self.commit = Some(commit);
        self
    }
}

/// The step that comes next and is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The commit.
    pub commit: Oid,
    /// Its subject, for people.
    pub subject: String,
    /// The change from the accepted commit, where both trees have a meaning.
    pub change_id: Option<ChangeId>,
    /// Every rule that the change needs.
    pub rules: Vec<RuleState>,
    /// Why it is held.
    pub reasons: Vec<Reason>,
    /// How many commits of the spine wait with it.
    pub waiting: usize,
}

impl Held {
    /// `commit`, held before anything of it was looked at.
    pub(super) fn unseen(commit: Oid, reason: Reason) -> Self {
        Self { commit, subject: String::new(), change_id: None, rules: Vec::new(), reasons: vec![reason], waiting: 1 }
    }
}

/// A history that is not considered: the state is kept, and someone should look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The tip, or the commit at fault.
    pub commit: Oid,
    /// Why.
    pub reason: Reason,
}

/// What trust says about a tip.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The newest accepted commit; none when not even the introduction holds.
    pub accepted: Option<AcceptedCommit>,
    /// The step that is held, if one is.
    pub held: Option<Held>,
    /// Why the tip is not considered at all, if it is not.
    pub refused: Option<Refused>,
    /// What was passed over: evidence that cannot be read, or is beyond a limit.
    pub notes: Vec<Reason>,
    /// What someone must look at although nothing is held by it: broken glass that is not ratified,
    /// keys revoked by one person, keys that run out.
    pub alarms: Vec<Reason>,
    /// The newest signed word of where the branch stood: when, and at which commit.
    pub heartbeat: Option<(Timestamp, Oid)>,
    /// Commits under the approvals ref that go on mattering when the forge withholds them.
    pub keep: Vec<Oid>,
}

impl Verdict {
    /// Every accepted step from the introduction on: what the shell records.
    pub fn steps(&self) -> &[Acceptance] {
        self.accepted.as_ref().map(AcceptedCommit::steps).unwrap_or_default()
    }
}
