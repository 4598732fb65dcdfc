//! One candidate judged: is it the next accepted commit, and if not, why and what lifts it?

use super::author::Work;
use super::claims::Claims;
use super::glass::break_glass;
use super::head::{Brought, Head};
use super::introduction::Introduction;
use super::policy::Policy;
use super::quorum::{Case, Judgement, judge};
use super::revocation::Revoked;
use super::session::{ChangeError, Session};
use super::succession::{policy_after, succession};
use super::tree_fault::TreeFault;
use super::verdict::{Acceptance, Held, Reason, RuleState};
use super::words::{Asked, Words};
use crate::change::{ChangeId, Digest, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::sync::Arc;

/// What helps when objects are missing or too much.
pub(super) const UNREADABLE: &str =
    "git fetch (git fetch --unshallow in a shallow clone), or raise the limit that it names: --max-…";

/// What became of a candidate.
pub(super) enum Outcome {
    Accepted(Box<Acceptance>, Brought),
    Held(Held),
    /// It changes nothing and moves nothing.
    Passed,
}

/// How a candidate's time is found.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// This very moment.
    Moment(Timestamp),
    /// The latest signed time among its approvals, within these bounds.
    Signed(Timestamp, Timestamp),
}

/// What every candidate of one verdict is judged with.
pub(super) struct Bench<'a> {
    pub introduction: &'a Introduction,
    pub denied: &'a [ChangeId],
    /// Keys that count for nothing although the policy does not say so.
    pub revoked: Revoked,
}

/// One candidate and its place.
#[derive(Clone, Copy)]
pub(super) struct Try<'a> {
    pub head: &'a Head,
    pub candidate: Oid,
    pub claims: &'a Claims,
    pub at: At,
    /// It need not descend from the head: an operator lets its history be considered.
    pub rewrite: bool,
}

/// Judges a candidate.
pub(super) fn step(session: &mut Session<'_>, bench: &Bench<'_>, one: Try<'_>) -> Outcome {
    let outcome = stand(session, bench, one).and_then(|judged| conclude(session, one, judged));
    match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            let candidate = one.candidate;
            let (code, hint) = match &error {
                ChangeError::Tree(TreeFault::Read(_)) | ChangeError::History(_) => {
                    (Code::HistoryUnreadable, UNREADABLE.to_owned())
                }
                ChangeError::Tree(fault) if fault.is_a_shape() => {
                    (Code::ForbiddenShape, "commit without it, or: pintle unblock".to_owned())
                }
                ChangeError::Tree(_) => (Code::NoChangeSet, "repair it, or: pintle unblock".to_owned()),
            };
            Outcome::Held(held(session, candidate, None, Vec::new(), vec![Reason::new(code, error.to_string(), hint)]))
        }
    }
}

/// How a candidate's change stands by its approvals, and what else stands in the way.
pub(super) struct Judged {
    pub change: ChangeId,
    pub judgement: Judgement,
    policy: Result<Option<Arc<Policy>>, Reason>,
    brought: Brought,
    proofs: Vec<Oid>,
    /// What the approvals that count insist on.
    actions: Vec<Digest>,
    at: Timestamp,
    empty: bool,
}

/// What becomes of a candidate that was judged.
pub(super) fn conclude(session: &mut Session<'_>, one: Try<'_>, judged: Judged) -> Result<Outcome, ChangeError> {
    let Judged { change, judgement, policy, brought, proofs, actions, at, empty } = judged;
    if empty {
        return empty_step(session, one, change, at);
    }
    match policy {
        Ok(policy) if judgement.met => {
            let step =
                Acceptance { actions, ..accepted(one, change, judgement, policy.as_deref(), &brought, proofs, at) };
            Ok(Outcome::Accepted(Box::new(step), Brought { policy, ..brought }))
        }
        Ok(_) => Ok(Outcome::Held(held(session, one.candidate, Some(change), judgement.rules, judgement.reasons))),
        Err(reason) => {
            let mut reasons = judgement.reasons;
            reasons.insert(0, reason);
            Ok(Outcome::Held(held(session, one.candidate, Some(change), judgement.rules, reasons)))
        }
    }
}

/// Judges the change of a candidate, whatever becomes of it.
pub(super) fn stand(session: &mut Session<'_>, bench: &Bench<'_>, one: Try<'_>) -> Result<Judged, ChangeError> {
    let Try { head, candidate, .. } = one;
    let set = session.change(head.commit(), candidate)?;
    let change = set.id(&bench.introduction.repo_id);
    let at = moment(session, candidate, &Words::default(), one.at)?;
    if set.is_empty() {
        let (policy, brought) = (Ok(None), Brought::default());
        let (judgement, proofs, actions) = (Judgement::nothing(), Vec::new(), Vec::new());
        return Ok(Judged { change, judgement, policy, brought, proofs, actions, at, empty: true });
    }
    let brought_policy = policy_after(session, head, candidate, at)?;
    let new = brought_policy.as_ref().ok().and_then(|policy| policy.as_deref());
    let fewer = (!bench.revoked.is_empty()).then(|| head.policy().without(&bench.revoked));
    let policy: &Policy = fewer.as_ref().unwrap_or(head.policy());
    let asked = Asked { introduction: bench.introduction, head, candidate, change, policies: [Some(policy), new] };
    let words = Words::of(session, asked, one.claims)?;
    let at = moment(session, candidate, &words, one.at)?;
    let work = Work {
        repo_id: &bench.introduction.repo_id,
        accepted: head.commit(),
        ground: head.ground(),
        candidate,
        change,
        policy,
        at,
    };
    let mut case = Case { head, git_ref: &bench.introduction.git_ref, work, set: &set, words, withdrawn: Vec::new() };
    let mut judgement = judge(session, &mut case)?;
    let mut brought = Brought::default();
    if !judgement.met {
        brought.glass = break_glass(session, &case, &mut judgement)?;
        judgement.met = brought.glass.is_some();
    }
    if bench.denied.contains(&change) {
        let hint = format!("on that host: pintle trust deny --undo change {change}");
        judgement.reasons.push(Reason::new(Code::ApprovalIgnored, "the change was denied on this host", hint));
        judgement.met = false;
    }
    if let Some(new) = new {
        let missing = succession(&case, new, &bench.revoked);
        judgement.met &= missing.is_empty();
        judgement.reasons.extend(missing);
    }
    judgement.reasons.truncate(session.limits.reasons);
    // A key may have proved itself by an approval that counts for no rule: keep those too.
    let proofs = case.words.approvals.iter().map(|said| said.commit).filter(|_| new.is_some()).collect();
    let actions = insisted(&case.words, &judgement);
    Ok(Judged { change, judgement, policy: brought_policy, brought, proofs, actions, at, empty: false })
}

/// The actions that the approvals which count insist on.
fn insisted(words: &Words<'_>, judgement: &Judgement) -> Vec<Digest> {
    let counts = |oid: Oid| judgement.counted.iter().any(|one| one.commit == oid);
    let insisting = words.approvals.iter().filter(|said| counts(said.commit));
    let mut actions: Vec<Digest> = insisting.filter_map(|said| said.statement.actions).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn moment(session: &mut Session<'_>, candidate: Oid, words: &Words<'_>, at: At) -> Result<Timestamp, ChangeError> {
    let (least, most) = match at {
        At::Moment(moment) => return Ok(moment),
        At::Signed(least, most) => (least, most),
    };
    let latest = words.approvals.iter().chain(&words.glass).map(|said| said.seconds).max();
    let seconds = latest.unwrap_or(session.commit(candidate)?.committer.seconds);
    Ok(Timestamp::from_second(seconds).unwrap_or(most).min(most).max(least))
}

/// What is equal moves along commits of one parent only: a merge is never nothing.
fn empty_step(session: &mut Session<'_>, one: Try<'_>, id: ChangeId, at: Timestamp) -> Result<Outcome, ChangeError> {
    if !one.rewrite && session.commit(one.candidate)?.parents.len() != 1 {
        return Ok(Outcome::Passed);
    }
    let step = record(one, id, one.head.policy().version, at);
    Ok(Outcome::Accepted(Box::new(step), Brought::default()))
}

fn record(one: Try<'_>, change_id: ChangeId, policy_version: u64, accepted_at: Timestamp) -> Acceptance {
    Acceptance {
        commit: one.candidate,
        seq: one.head.last().seq + 1,
        change_id,
        policy_version,
        accepted_at,
        counted: Vec::new(),
        evidence: Vec::new(),
        broken_glass: None,
        ratifies: Vec::new(),
        actions: Vec::new(),
        rewrite: one.rewrite,
    }
}

fn accepted(
    one: Try<'_>,
    change: ChangeId,
    judgement: Judgement,
    policy: Option<&Policy>,
    brought: &Brought,
    proofs: Vec<Oid>,
    at: Timestamp,
) -> Acceptance {
    let version = policy.map_or(one.head.policy().version, |policy| policy.version);
    let mut evidence: Vec<Oid> = judgement.counted.iter().map(|one| one.commit).chain(proofs).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let broken_glass = brought.glass.as_ref().map(|glass| glass.reason.clone());
    Acceptance { counted: judgement.counted, evidence, broken_glass, ..record(one, change, version, at) }
}

fn held(
    session: &mut Session<'_>,
    commit: Oid,
    change_id: Option<ChangeId>,
    rules: Vec<RuleState>,
    mut reasons: Vec<Reason>,
) -> Held {
    let command = format!("pintle approve {}", commit.short());
    let missing: Vec<Reason> = rules.iter().filter(|rule| !rule.met()).map(|rule| missing(&command, rule)).collect();
    reasons.splice(0..0, missing);
    let subject = session.commit(commit).map(|commit| commit.subject().to_owned()).unwrap_or_default();
    Held { commit, subject, change_id, rules, reasons, waiting: 1 }
}

/// That a rule is not met, and the command of those who could.
pub(super) fn missing(command: &str, rule: &RuleState) -> Reason {
    let independent = match rule.independent.saturating_sub(rule.have_independent) {
        0 => String::new(),
        more => format!(", {more} more of whom did not write the change"),
    };
    let message = format!(
        "rule {}: needs {} of {}, has {}{independent}",
        rule.name,
        rule.needed,
        rule.from.join(", "),
        rule.have.len()
    );
    let who = rule.missing_of.join(" or ");
    Reason::new(Code::ApprovalsMissing, message, format!("{who}: {command}"))
}
