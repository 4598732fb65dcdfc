//! Whether a change has the approvals that the accepted policy asks for: which words count, for
//! whom, for which rule, and why the others do not.

use super::approval::{Approval, NoApproval};
use super::author::{Work, Writers, author, writers};
use super::closure::closure;
use super::head::Head;
use super::keys::Fingerprint;
use super::policy::{Bind, Policy, Rule};
use super::rules::{Sides, needs};
use super::session::{ChangeError, Session};
use super::verdict::{Counted, Reason, Role, RuleState};
use crate::change::{ChangeSet, Entry, Oid, Touched};
use crate::diagnostic::Code;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far ahead of the clock a signed time may be.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// Kinds that many documents resolve through: an approval of them binds the closure.
const SHARED_KINDS: &[&str] = &["Channel", "Version", "Rollout"];

/// A commit that uses the word `Approve`: what it says, or why that is nothing.
pub(super) type Claim = (Oid, Result<Approval, NoApproval>);

/// What the change is judged with.
pub(super) struct Case<'a> {
    pub head: &'a Head,
    pub git_ref: &'a str,
    pub work: Work<'a>,
    pub set: &'a ChangeSet,
    /// The commits that claim to approve this very change.
    pub claims: Vec<(Oid, &'a Approval)>,
}

/// How the change stands.
pub(super) struct Judgement {
    pub rules: Vec<RuleState>,
    pub counted: Vec<Counted>,
    pub reasons: Vec<Reason>,
    pub met: bool,
}

/// Someone whose word may count.
struct Witness {
    person: Arc<str>,
    fingerprint: Fingerprint,
    commit: Oid,
    role: Role,
    /// The policy in force at the approval's base.
    base_policy: Arc<Policy>,
    /// What was touched since the base.
    document_touched: bool,
    closure_touched: bool,
}

/// Judges a change under the accepted policy.
pub(super) fn judge(session: &mut Session<'_>, case: &Case<'_>) -> Result<Judgement, ChangeError> {
    let old_tree = session.commit(case.work.accepted)?.tree;
    let new_tree = session.commit(case.work.candidate)?.tree;
    let (old, new) = (session.snapshot(old_tree)?, session.snapshot(new_tree)?);
    let sides = Sides { old: &old, new: &new };
    let needs = needs(session.catalog, case.work.policy, case.set, sides);
    let mut reasons = Vec::new();
    if !needs.unmatched.is_empty() {
        let shown: Vec<&str> = needs.unmatched.iter().take(5).map(String::as_str).collect();
        let hint = "add a rule to .pintle/trust.yaml, such as {name: rest, match: {otherwise: true}, …}";
        reasons.push(Reason::new(
            Code::NoRule,
            format!("no rule of the trust policy matches {}", shown.join(", ")),
            hint,
        ));
    }
    let reach = closure(session.catalog, sides, case.set.entries().iter().filter_map(Entry::key));
    let mut witnesses = approvers(session, case, &reach, &mut reasons)?;
    witnesses.extend(author_witness(session, case, &mut reasons)?);
    let writers = writers(session, case.work)?;
    let default_bind = default_bind(case.set);
    let mut counted = BTreeMap::new();
    let rules: Vec<RuleState> = needs
        .rules
        .iter()
        .map(|rule| state(case.work, rule, default_bind, &witnesses, &writers, &mut counted))
        .collect();
    let met = needs.unmatched.is_empty() && !rules.is_empty() && rules.iter().all(RuleState::met);
    Ok(Judgement { rules, counted: counted.into_values().collect(), reasons, met })
}

fn default_bind(set: &ChangeSet) -> Bind {
    let shared = |entry: &Entry| entry.deletes() || entry.key().is_some_and(|key| SHARED_KINDS.contains(&&*key.kind));
    if set.entries().iter().any(shared) { Bind::Closure } else { Bind::Document }
}

fn approvers(
    session: &mut Session<'_>,
    case: &Case<'_>,
    reach: &BTreeSet<Touched>,
    reasons: &mut Vec<Reason>,
) -> Result<Vec<Witness>, ChangeError> {
    let mut witnesses = Vec::new();
    for (oid, approval) in &case.claims {
        match approver(session, case, *oid, approval, reach)? {
            Ok(witness) => witnesses.push(witness),
            Err(why) => reasons.push(ignored(case, *oid, &why)),
        }
    }
    Ok(witnesses)
}

fn ignored(case: &Case<'_>, oid: Oid, why: &str) -> Reason {
    let hint = format!("pintle approve {}", case.work.candidate.short());
    Reason::new(Code::ApprovalIgnored, format!("the approval {} does not count: {why}", oid.short()), hint).about(oid)
}

fn approver(
    session: &mut Session<'_>,
    case: &Case<'_>,
    oid: Oid,
    approval: &Approval,
    reach: &BTreeSet<Touched>,
) -> Result<Result<Witness, String>, ChangeError> {
    let work = case.work;
    let (place, base_policy) = match addressed(session, case, oid, approval)? {
        Ok(base) => base,
        Err(why) => return Ok(Err(why)),
    };
    let signed = match session.seal(oid)? {
        Ok(signed) => signed,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let person = match work.policy.signer(&signed, work.at) {
        Ok(person) => person,
        Err(why) => return Ok(Err(why.to_string())),
    };
    if base_policy.holder(&signed.key) != Some(&person) {
        return Ok(Err(format!(
            "the policy at its base {} does not know the key as {person}'s",
            approval.base.short()
        )));
    }
    let (document_touched, closure_touched) = touched_since(session, case, place, reach)?;
    let fingerprint = signed.key.fingerprint();
    Ok(Ok(Witness {
        person,
        fingerprint,
        commit: oid,
        role: Role::Approver,
        base_policy: base_policy.clone(),
        document_touched,
        closure_touched,
    }))
}

/// Whether an approval is for this repository and ref, timely, and on an accepted base: which, and
/// under which policy. Who signed it is not asked here.
pub(super) fn addressed<'c>(
    session: &mut Session<'_>,
    case: &'c Case<'_>,
    oid: Oid,
    approval: &Approval,
) -> Result<Result<(usize, &'c Arc<Policy>), String>, ChangeError> {
    if *approval.repo_id != *case.work.repo_id {
        return Ok(Err("it is for another repository".into()));
    }
    if *approval.git_ref != *case.git_ref {
        return Ok(Err(format!("it is for {}", approval.git_ref)));
    }
    let seconds = session.commit(oid)?.committer.seconds;
    let base =
        case.head.at(approval.base).ok_or_else(|| format!("its base {} was never accepted", approval.base.short()));
    Ok(base.and_then(|base| timely(seconds, case.work).map(|()| base)))
}

fn timely(seconds: i64, work: Work<'_>) -> Result<(), String> {
    let Ok(signed_at) = Timestamp::from_second(seconds) else { return Err("its time is out of range".into()) };
    let age = work.at.duration_since(signed_at);
    if age > work.policy.approval_max_age {
        return Err(format!("it was signed on {signed_at}, longer ago than approvalMaxAge"));
    }
    if age < -MAX_AHEAD {
        return Err(format!("it is signed for {signed_at}, ahead of the clock"));
    }
    Ok(())
}

/// Whether a step accepted after the base touched what the change touches, or what that resolves through.
fn touched_since(
    session: &mut Session<'_>,
    case: &Case<'_>,
    place: usize,
    reach: &BTreeSet<Touched>,
) -> Result<(bool, bool), ChangeError> {
    let own: BTreeSet<Touched> = case.set.entries().iter().map(Entry::touches).collect();
    let (mut document, mut wide) = (false, false);
    for pair in case.head.steps()[place..].windows(2) {
        let touched = session.touched(pair[0].commit, pair[1].commit)?;
        document |= own.iter().any(|one| touched.contains(one));
        wide |= reach.iter().any(|one| touched.contains(one));
    }
    Ok((document, document || wide))
}

fn author_witness(
    session: &mut Session<'_>,
    case: &Case<'_>,
    reasons: &mut Vec<Reason>,
) -> Result<Option<Witness>, ChangeError> {
    match author(session, case.work)? {
        Ok(author) => {
            let Ok(signed) = session.seal(author.commit)? else { return Ok(None) };
            let fingerprint = signed.key.fingerprint();
            let base_policy = case.head.policy().clone();
            let (document_touched, closure_touched) = (false, false);
            Ok(Some(Witness {
                person: author.person,
                fingerprint,
                commit: author.commit,
                role: Role::Author,
                base_policy,
                document_touched,
                closure_touched,
            }))
        }
        Err(why) => {
            let hint = format!("each author: pintle approve {}", case.work.candidate.short());
            reasons.push(Reason::new(Code::AuthorIgnored, format!("no author's signature counts: {why}"), hint));
            Ok(None)
        }
    }
}

fn counts(work: Work<'_>, rule: &Rule, default_bind: Bind, witness: &Witness) -> bool {
    let lapsed = match rule.bind.unwrap_or(default_bind) {
        Bind::Closure => witness.closure_touched,
        // Until fields are tracked, a rule that binds fields binds whole documents: never less.
        Bind::Document | Bind::Field => witness.document_touched,
    };
    !lapsed
        && work.policy.may_approve(&witness.person, rule)
        && witness.base_policy.in_groups(&witness.person, &rule.from)
}

fn state(
    work: Work<'_>,
    rule: &Rule,
    default_bind: Bind,
    witnesses: &[Witness],
    writers: &Writers,
    counted: &mut BTreeMap<(Arc<str>, Role), Counted>,
) -> RuleState {
    let fitting: Vec<&Witness> = witnesses.iter().filter(|witness| counts(work, rule, default_bind, witness)).collect();
    let approved = fitting.iter().any(|witness| witness.role == Role::Approver);
    let heard = fitting.iter().filter(|witness| witness.role == Role::Approver || approved || rule.implicit);
    let mut have: BTreeSet<Arc<str>> = BTreeSet::new();
    for witness in heard {
        have.insert(witness.person.clone());
        let entry = counted.entry((witness.person.clone(), witness.role)).or_insert_with(|| Counted {
            person: witness.person.clone(),
            fingerprint: witness.fingerprint,
            commit: witness.commit,
            role: witness.role,
            rules: Vec::new(),
        });
        if !entry.rules.contains(&rule.name) {
            entry.rules.push(rule.name.clone());
        }
    }
    let strangers = have.iter().filter(|person| !writers.people.contains(*person)).count() as u32;
    let missing_of = work.policy.able(rule, work.at).into_iter().filter(|person| !have.contains(person)).collect();
    RuleState {
        name: rule.name.clone(),
        needed: rule.approvals,
        have: have.into_iter().collect(),
        from: rule.from.clone(),
        independent: rule.independent,
        have_independent: strangers.saturating_sub(u32::from(writers.unknown)),
        missing_of,
    }
}
