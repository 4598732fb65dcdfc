//! Whose word may count for a change, and how far it has lapsed: approvers by trailer, and the one
//! author who wrote the whole of it. For which rule a word counts is the quorum's matter.

use super::author::{Work, author};
use super::graph::descends;
use super::keys::Fingerprint;
use super::policy::{Bind, Policy, Rule};
use super::quorum::Case;
use super::session::{ChangeError, Session};
use super::touches::Touches;
use super::verdict::{Reason, Role};
use super::words::{Said, ignored};
use crate::change::{Oid, Touched};
use crate::diagnostic::Code;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How far ahead of the clock a signed time may be.
pub(super) const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Someone whose word may count.
pub(super) struct Witness {
    pub person: Arc<str>,
    pub fingerprint: Fingerprint,
    pub commit: Oid,
    pub role: Role,
    /// The policy in force at the approval's base.
    base_policy: Arc<Policy>,
    lapsed: Lapsed,
}

/// What accepted steps touched since a word was said.
#[derive(Debug, Clone, Copy, Default)]
struct Lapsed {
    field: bool,
    document: bool,
    closure: bool,
}

impl Witness {
    /// Whether a document of the change was touched since it was said.
    pub fn is_stale(&self) -> bool {
        self.lapsed.document
    }

    /// Whether the word counts for `rule`, where nothing else is said bound as `default`.
    pub fn counts(&self, policy: &Policy, rule: &Rule, default: Bind) -> bool {
        let lapsed = match rule.bind.unwrap_or(default) {
            Bind::Field => self.lapsed.field,
            Bind::Document => self.lapsed.document,
            Bind::Closure => self.lapsed.closure,
        };
        !lapsed && policy.may_approve(&self.person, rule) && self.base_policy.in_groups(&self.person, &rule.from)
    }
}

/// The approvers, in order of commit; why others are none goes to `reasons`.
pub(super) fn approvers(
    session: &mut Session<'_>,
    case: &Case<'_>,
    reach: &BTreeSet<Touched>,
    reasons: &mut Vec<Reason>,
) -> Result<Vec<Witness>, ChangeError> {
    let mut witnesses = Vec::new();
    for said in &case.words.approvals {
        match witness_of(session, case, said, reach)? {
            Ok(witness) => witnesses.push(witness),
            Err(why) => reasons.push(ignored(case.work.candidate, said.commit, &why)),
        }
    }
    witnesses.sort_by_key(|witness| witness.commit);
    Ok(witnesses)
}

/// The witness that a statement makes, or why it makes none.
pub(super) fn witness_of(
    session: &mut Session<'_>,
    case: &Case<'_>,
    said: &Said<'_>,
    reach: &BTreeSet<Touched>,
) -> Result<Result<Witness, String>, ChangeError> {
    let (place, base_policy) = match addressed(case, said) {
        Ok(base) => base,
        Err(why) => return Ok(Err(why)),
    };
    if is_withdrawn(session, case, said.commit, said.seconds)? {
        return Ok(Err("it was withdrawn".into()));
    }
    let person = match case.work.policy.signer(&said.signed, case.work.at) {
        Ok(person) => person,
        Err(why) => return Ok(Err(why.to_string())),
    };
    if base_policy.holder(&said.signed.key) != Some(&person) {
        let base = said.statement.base.short();
        return Ok(Err(format!("the policy at its base {base} does not know the key as {person}'s")));
    }
    Ok(Ok(Witness {
        person,
        fingerprint: said.signed.key.fingerprint(),
        commit: said.commit,
        role: Role::Approver,
        base_policy: base_policy.clone(),
        lapsed: lapsed_since(session, case, place, reach)?,
    }))
}

/// Whether a statement is for this repository and ref, timely, and on an accepted base: which, and
/// under which policy. Who signed it is not asked here.
pub(super) fn addressed<'c>(case: &'c Case<'_>, said: &Said<'_>) -> Result<(usize, &'c Arc<Policy>), String> {
    let statement = said.statement;
    if *statement.repo_id != *case.work.repo_id {
        return Err("it is for another repository".into());
    }
    if *statement.git_ref != *case.git_ref {
        return Err(format!("it is for {}", statement.git_ref));
    }
    let base = case
        .head
        .at(statement.base)
        .ok_or_else(|| format!("its base {} was never accepted", statement.base.short()))?;
    timely(said.seconds, case.work).map(|()| base)
}

fn timely(seconds: i64, work: Work<'_>) -> Result<(), String> {
    let age = age(seconds, work.at)?;
    if age > work.policy.approval_max_age {
        return Err(format!("it was signed {} h ago, longer than approvalMaxAge", age.as_hours()));
    }
    Ok(())
}

/// How old a signed time is; an error when it is ahead of the clock.
pub(super) fn age(seconds: i64, at: Timestamp) -> Result<SignedDuration, String> {
    let Ok(signed_at) = Timestamp::from_second(seconds) else { return Err("its time is out of range".into()) };
    let age = at.duration_since(signed_at);
    if age < -MAX_AHEAD {
        return Err(format!("it is signed for {signed_at}, ahead of the clock"));
    }
    Ok(age)
}

/// Whether a word was taken back: it neither stands on the withdrawal nor was signed after it.
fn is_withdrawn(session: &mut Session<'_>, case: &Case<'_>, commit: Oid, seconds: i64) -> Result<bool, ChangeError> {
    for (withdrawal, at) in &case.withdrawn {
        if seconds <= *at && !descends(session, case.work.ground, *withdrawal, commit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What steps accepted after `place` touched of what the change touches, or of what that resolves through.
fn lapsed_since(
    session: &mut Session<'_>,
    case: &Case<'_>,
    place: usize,
    reach: &BTreeSet<Touched>,
) -> Result<Lapsed, ChangeError> {
    let own = Touches::of(case.set);
    let mut lapsed = Lapsed::default();
    for pair in case.head.steps()[place..].windows(2) {
        let touches = session.touches(pair[0].commit, pair[1].commit)?;
        lapsed.field |= own.meet_in_a_field(&touches);
        lapsed.document |= own.meet(&touches);
        lapsed.closure |= lapsed.document || touches.meet_any(reach);
    }
    Ok(lapsed)
}

/// The author of the whole change, if one person is.
pub(super) fn author_witness(
    session: &mut Session<'_>,
    case: &Case<'_>,
    reach: &BTreeSet<Touched>,
    reasons: &mut Vec<Reason>,
) -> Result<Option<Witness>, ChangeError> {
    let found = match author(session, case.work)? {
        Ok(author) => author,
        Err(why) => {
            let hint = format!("each author: pintle approve {}", case.work.candidate.short());
            reasons.push(Reason::new(Code::AuthorIgnored, format!("no author's signature counts: {why}"), hint));
            return Ok(None);
        }
    };
    let seconds = session.commit(found.commit)?.committer.seconds;
    if is_withdrawn(session, case, found.commit, seconds)? {
        return Ok(None);
    }
    let Ok(signed) = session.seal(found.signed_by)? else { return Ok(None) };
    Ok(Some(Witness {
        person: found.person,
        fingerprint: signed.key.fingerprint(),
        commit: found.commit,
        role: Role::Author,
        base_policy: case.head.policy().clone(),
        // What was accepted, then taken back, is not said again by merging the old branch once
        // more, nor by updating it from main first.
        lapsed: lapsed_since(session, case, found.place, reach)?,
    }))
}
