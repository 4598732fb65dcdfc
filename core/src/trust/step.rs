//! One candidate judged: is it the next accepted commit, and if not, why and what lifts it?

use super::approval::Approval;
use super::author::Work;
use super::head::Head;
use super::introduction::{Introduction, policy_bytes};
use super::policy::Policy;
use super::policy_file::read_policy;
use super::quorum::{Case, Claim, Judgement, judge};
use super::session::{ChangeError, Session};
use super::snapshot::TreeFault;
use super::succession::succession;
use super::verdict::{Acceptance, Held, Reason, RuleState};
use crate::change::{ChangeId, ChangeSet, Oid};
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::sync::Arc;

/// What became of a candidate.
pub(super) enum Outcome {
    Accepted(Acceptance, Option<Arc<Policy>>),
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
}

/// Judges the commit `candidate` after `head` with `claims` for evidence.
pub(super) fn step(
    session: &mut Session<'_>,
    bench: &Bench<'_>,
    head: &Head,
    candidate: Oid,
    claims: &[&Claim],
    at: At,
) -> Outcome {
    match attempt(session, bench, head, candidate, claims, at) {
        Ok(outcome) => outcome,
        Err(error) => {
            let (code, hint) = match &error {
                ChangeError::Tree(TreeFault::Read(_)) | ChangeError::History(_) => {
                    (Code::HistoryUnreadable, "fetch again: pintle verify --fetch".to_owned())
                }
                ChangeError::Tree(_) => {
                    (Code::NoChangeSet, format!("repair it, or: pintle unblock {}", candidate.short()))
                }
            };
            Outcome::Held(held(session, candidate, None, Vec::new(), vec![Reason::new(code, error.to_string(), hint)]))
        }
    }
}

fn attempt(
    session: &mut Session<'_>,
    bench: &Bench<'_>,
    head: &Head,
    candidate: Oid,
    claims: &[&Claim],
    at: At,
) -> Result<Outcome, ChangeError> {
    let set = session.change(head.commit(), candidate)?;
    let id = set.id(&bench.introduction.repo_id);
    let claims: Vec<(Oid, &Approval)> = claims
        .iter()
        .filter_map(|(oid, claim)| Some((*oid, claim.as_ref().ok().filter(|approval| approval.change == id)?)))
        .collect();
    let at = moment(session, candidate, &claims, at)?;
    if set.is_empty() {
        return empty_step(session, head, candidate, id, at);
    }
    let work = Work {
        repo_id: &bench.introduction.repo_id,
        accepted: head.commit(),
        ground: head.ground(),
        candidate,
        change: id,
        policy: head.policy(),
        at,
    };
    let case = Case { head, git_ref: &bench.introduction.git_ref, work, set: &set, claims };
    let mut judgement = judge(session, &case)?;
    let policy = policy_after(session, head, candidate, at)?;
    if bench.denied.contains(&id) {
        judgement.reasons.push(Reason::new(
            Code::ApprovalIgnored,
            "the change was denied on this host",
            format!("take {id} from this host's deny list"),
        ));
        judgement.met = false;
    }
    if let Ok(Some(new)) = &policy {
        let missing = succession(session, &case, new)?;
        judgement.met &= missing.is_empty();
        judgement.reasons.extend(missing);
    }
    match policy {
        Ok(policy) if judgement.met => {
            Ok(Outcome::Accepted(accepted(&case, &set, judgement, policy.as_deref()), policy))
        }
        Ok(_) => Ok(Outcome::Held(held(session, candidate, Some(id), judgement.rules, judgement.reasons))),
        Err(reason) => {
            judgement.reasons.insert(0, reason);
            Ok(Outcome::Held(held(session, candidate, Some(id), judgement.rules, judgement.reasons)))
        }
    }
}

fn moment(
    session: &mut Session<'_>,
    candidate: Oid,
    claims: &[(Oid, &Approval)],
    at: At,
) -> Result<Timestamp, ChangeError> {
    let (least, most) = match at {
        At::Moment(moment) => return Ok(moment),
        At::Signed(least, most) => (least, most),
    };
    let mut latest = None;
    for (oid, _) in claims {
        latest = latest.max(Some(session.commit(*oid)?.committer.seconds));
    }
    let seconds = latest.unwrap_or(session.commit(candidate)?.committer.seconds);
    Ok(Timestamp::from_second(seconds).unwrap_or(most).min(most).max(least))
}

/// What is equal moves along commits of one parent only: a merge is never nothing.
fn empty_step(
    session: &mut Session<'_>,
    head: &Head,
    candidate: Oid,
    id: ChangeId,
    at: Timestamp,
) -> Result<Outcome, ChangeError> {
    if session.commit(candidate)?.parents.len() != 1 {
        return Ok(Outcome::Passed);
    }
    let (seq, policy_version) = (head.last().seq + 1, head.policy().version);
    let step = Acceptance {
        commit: candidate,
        seq,
        change_id: id,
        policy_version,
        accepted_at: at,
        counted: Vec::new(),
        evidence: Vec::new(),
    };
    Ok(Outcome::Accepted(step, None))
}

fn accepted(case: &Case<'_>, set: &ChangeSet, judgement: Judgement, policy: Option<&Policy>) -> Acceptance {
    debug_assert!(!set.is_empty());
    // A key may have proved itself by an approval that counts for no rule: keep those too.
    let proofs = case.claims.iter().map(|(oid, _)| *oid).filter(|_| policy.is_some());
    let mut evidence: Vec<Oid> = judgement.counted.iter().map(|one| one.commit).chain(proofs).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Acceptance {
        commit: case.work.candidate,
        seq: case.head.last().seq + 1,
        change_id: case.work.change,
        policy_version: policy.map_or(case.head.policy().version, |policy| policy.version),
        accepted_at: case.work.at,
        counted: judgement.counted,
        evidence,
    }
}

/// The new policy that the candidate brings, if it brings one; the reason if that cannot be used.
fn policy_after(
    session: &mut Session<'_>,
    head: &Head,
    candidate: Oid,
    at: Timestamp,
) -> Result<Result<Option<Arc<Policy>>, Reason>, ChangeError> {
    let (old_tree, new_tree) = (session.commit(head.commit())?.tree, session.commit(candidate)?.tree);
    let (old, new) = (policy_bytes(session, old_tree)?, policy_bytes(session, new_tree)?);
    if old == new {
        return Ok(Ok(None));
    }
    let refuse = |message: String| {
        Reason::new(Code::PolicyRefused, message, "repair .pintle/trust.yaml and commit again: pintle trust check")
    };
    let Some(bytes) = new else { return Ok(Err(refuse("the change removes .pintle/trust.yaml".into()))) };
    let policy = match read_policy(&bytes, at) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(Err(Reason { diagnostics, ..refuse("the new trust policy is invalid".into()) })),
    };
    let wanted = head.policy().version + 1;
    if policy.version != wanted {
        return Ok(Err(refuse(format!("the new trust policy has version {}; it must have {wanted}", policy.version))));
    }
    if policy.repo_id != head.policy().repo_id {
        return Ok(Err(refuse(format!("the new trust policy is for another repository, {}", policy.repo_id))));
    }
    Ok(Ok(Some(Arc::new(policy))))
}

fn held(
    session: &mut Session<'_>,
    commit: Oid,
    change_id: Option<ChangeId>,
    rules: Vec<RuleState>,
    mut reasons: Vec<Reason>,
) -> Held {
    let missing: Vec<Reason> = rules.iter().filter(|rule| !rule.met()).map(|rule| missing(commit, rule)).collect();
    reasons.splice(0..0, missing);
    let subject = session.commit(commit).map(|commit| commit.subject().to_owned()).unwrap_or_default();
    Held { commit, subject, change_id, rules, reasons, waiting: 1 }
}

fn missing(commit: Oid, rule: &RuleState) -> Reason {
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
    Reason::new(Code::ApprovalsMissing, message, format!("{who}: pintle approve {}", commit.short()))
}
