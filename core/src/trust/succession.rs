//! A change of the trust policy needs more than the old policy's quorum: if root changes, the new
//! root's quorum as well; and every added key signs an approval of that change, so that a key nobody
//! holds, or somebody else's, cannot be written in.

use super::author::Work;
use super::head::Head;
use super::introduction::policy_bytes;
use super::keys::Fingerprint;
use super::policy::{Policy, Rule};
use super::policy_file::read_policy;
use super::quorum::Case;
use super::revocation::Revoked;
use super::session::{ChangeError, Session};
use super::sshsig::Signed;
use super::verdict::Reason;
use super::witness::addressed;
use crate::change::Oid;
use crate::diagnostic::Code;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is missing for `new` to follow the policy of the case.
pub(super) fn succession(case: &Case<'_>, new: &Policy, revoked: &Revoked) -> Vec<Reason> {
    let signers = signers(case);
    let proven: BTreeSet<Fingerprint> = signers.iter().map(|signed| signed.key.fingerprint()).collect();
    let (before, after) = (fingerprints(case.work.policy), fingerprints(new));
    let mut reasons = Vec::new();
    for added in after.difference(&before).filter(|added| !proven.contains(added)) {
        let message = format!("the added key {added} has not signed an approval of this change");
        reasons.push(Reason::new(
            Code::PolicyRefused,
            message,
            format!("with that key: pintle approve {}", case.work.candidate.short()),
        ));
    }
    if root_of(case.work.policy) != root_of(new) {
        let view = new.without(revoked);
        reasons.extend(view.root_rules().filter_map(|rule| unmet(case.work, &view, rule, &signers)));
    }
    reasons
}

fn fingerprints(policy: &Policy) -> BTreeSet<Fingerprint> {
    policy.people.values().flat_map(|person| &person.keys).map(|key| key.key.fingerprint()).collect()
}

/// A person and their keys.
type Member = (Arc<str>, Vec<Fingerprint>);

/// Who root is, by rule: how many of whom, with which keys.
fn root_of(policy: &Policy) -> BTreeSet<(Arc<str>, u32, Vec<Member>)> {
    let keys = |name: &Arc<str>| policy.people[name].keys.iter().map(|key| key.key.fingerprint()).collect();
    let members = |rule: &Rule| {
        policy
            .people
            .keys()
            .filter(|name| policy.may_approve(name, rule))
            .map(|name| (name.clone(), keys(name)))
            .collect()
    };
    policy.root_rules().map(|rule| (rule.name.clone(), rule.approvals, members(rule))).collect()
}

fn unmet(work: Work<'_>, new: &Policy, rule: &Rule, signers: &[Arc<Signed>]) -> Option<Reason> {
    let people: BTreeSet<Arc<str>> = signers
        .iter()
        .filter_map(|signed| new.signer(signed, work.at).ok())
        .filter(|name| new.may_approve(name, rule))
        .collect();
    if people.len() >= rule.approvals as usize {
        return None;
    }
    let message = format!(
        "root changes: the new rule {} needs {} approvals by trailer and has {}",
        rule.name,
        rule.approvals,
        people.len()
    );
    let missing: Vec<Arc<str>> = new.able(rule, work.at).into_iter().filter(|name| !people.contains(name)).collect();
    Some(Reason::new(
        Code::ApprovalsMissing,
        message,
        format!("{}: pintle approve {}", missing.join(" or "), work.candidate.short()),
    ))
}

/// Whoever signed a timely approval of this very change, known to either policy.
fn signers(case: &Case<'_>) -> Vec<Arc<Signed>> {
    let timely = case.words.approvals.iter().filter(|said| addressed(case, said).is_ok());
    timely.map(|said| said.signed.clone()).collect()
}

/// The new policy that the candidate brings, if it brings one; the reason if that cannot be used.
pub(super) fn policy_after(
    session: &mut Session<'_>,
    head: &Head,
    candidate: Oid,
    at: Timestamp,
) -> Result<Result<Option<Arc<Policy>>, Reason>, ChangeError> {
    let (old_tree, new_tree) = (session.commit(head.commit())?.tree, session.commit(candidate)?.tree);
    if session.snapshot(old_tree)?.policy() == session.snapshot(new_tree)?.policy() {
        return Ok(Ok(None));
    }
    let new = policy_bytes(session, new_tree)?;
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
