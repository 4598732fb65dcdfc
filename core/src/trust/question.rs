//! What is asked of trust: everything that a verdict is a function of, but the objects.

use super::claims::Claims;
use super::head::Head;
use super::introduction::Introduction;
use super::keys::Fingerprint;
use super::revocation::{Revoked, revocations};
use super::session::{HistoryFault, Session};
use super::step::Bench;
use super::verdict::{Acceptance, Reason, Verdict};
use super::witness::MAX_AHEAD;
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// By which time a step that no record knows is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The clock: a daemon that accepts something new.
    Clock,
    /// The signers' own times: deriving an old history again without believing its records. Says so
    /// in the verdict.
    Signed,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Where trust begins.
    pub introduction: &'q Introduction,
    /// Every step recorded so far, from the introduction on; believed about time only.
    pub recorded: &'q [Acceptance],
    /// Up to which step this host wrote down itself what was accepted: the times of later records are
    /// not believed.
    pub believed: u64,
    /// The tip of the ref.
    pub tip: Oid,
    /// Commits under the approvals ref.
    pub evidence: &'q [Oid],
    /// Changes that the operator denied on this host.
    pub denied: &'q [ChangeId],
    /// Keys that the operator denied on this host, with the reason.
    pub denied_keys: &'q BTreeMap<Fingerprint, String>,
    /// Commits that may be accepted although they do not descend from what is: an operator looked.
    pub considered: &'q [Oid],
    /// The clock.
    pub now: Timestamp,
    /// How far the clock is ahead of another that it was held against, or behind it. Nothing new is accepted by a clock that
    /// may be wrong: its times would be on record, and other hosts would have to wait for them.
    pub ahead: SignedDuration,
    /// By which time new steps are judged.
    pub times: Times,
}

const NO_KEYS: &BTreeMap<Fingerprint, String> = &BTreeMap::new();

impl<'q> Question<'q> {
    /// What is accepted of `tip` by the clock `now`, without records, evidence or anything denied.
    pub fn new(introduction: &'q Introduction, tip: Oid, now: Timestamp) -> Self {
        Self {
            introduction,
            recorded: &[],
            believed: u64::MAX,
            tip,
            evidence: &[],
            denied: &[],
            denied_keys: NO_KEYS,
            considered: &[],
            now,
            ahead: SignedDuration::ZERO,
            times: Times::Clock,
        }
    }
}

impl Question<'_> {
    /// The clock never counts below the highest time that was recorded and is believed.
    pub(super) fn clock(&self) -> Timestamp {
        let believed = self.recorded.iter().filter(|step| step.seq <= self.believed);
        believed.map(|step| step.accepted_at).fold(self.now, Timestamp::max)
    }

    /// Why nothing may get its time from the clock, if so: it may be wrong.
    pub(super) fn wrong_clock(&self) -> Option<Reason> {
        let (seconds, word) =
            (self.ahead.as_secs().abs(), if self.ahead.is_negative() { "behind" } else { "ahead of" });
        let message =
            format!("the clock of this host is {seconds} s {word} the database's: nothing new is accepted by it");
        let hint = "set the clocks right (timedatectl, chronyc tracking); another host may lead";
        (self.ahead.abs() > MAX_AHEAD / 2).then(|| Reason::new(Code::ClockDiffers, message, hint))
    }

    pub(super) fn bench(&self, revoked: Revoked) -> Bench<'_> {
        Bench { introduction: self.introduction, denied: self.denied, revoked }
    }

    pub(super) fn binding(&self) -> (&str, &str) {
        (&self.introduction.repo_id, &self.introduction.git_ref)
    }

    /// The keys that count for nothing under the policy of `chain`.
    pub(super) fn revoked(
        &self,
        session: &mut Session<'_>,
        chain: &Head,
        claims: &Claims,
        verdict: Option<&mut Verdict>,
    ) -> Result<Revoked, HistoryFault> {
        let found = revocations(session, chain.policy(), claims, self.clock())?;
        if let Some(verdict) = verdict {
            verdict.alarms.extend(found.alarms);
            verdict.keep.extend(found.commits);
        }
        let mut revoked = found.keys;
        revoked.extend(self.denied_keys.iter().map(|(key, why)| (*key, format!("denied on this host: {why}"))));
        Ok(revoked)
    }
}
