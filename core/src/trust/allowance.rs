//! Limits of the guard that enough people lifted for one set of actions. Said by `Allow-Limit`, in an
//! empty commit on the branch or under the approvals ref, about a step that is not carried out yet.

use super::assent::assents;
use super::claims::Claims;
use super::question::Question;
use super::session::{ChangeError, Session};
use super::trailer::{Statement, Trailer, Word, trailer_of};
use super::verdict::AcceptedCommit;
use crate::change::{Digest, Oid};
use crate::gate::{Allowance, Extent};
use crate::model::guard::Override;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The limits that are lifted for actions of the steps after `since`, by the quorum of `lift`.
pub fn allowances(
    accepted: &AcceptedCommit,
    since: u64,
    lift: &Override,
    question: &Question<'_>,
    session: &mut Session<'_>,
) -> Result<Vec<Allowance>, ChangeError> {
    let head = accepted.head();
    let claims = Claims::read(question, session, &head, &mut Vec::new());
    let policy = head.policy().without(&question.revoked(session, &head, &claims, None)?);
    let steps: Vec<_> = head.steps().iter().filter(|step| step.seq > since).collect();
    let mut said: BTreeMap<Oid, Statement> = BTreeMap::new();
    for step in &steps {
        said.extend(claims.about(step.change_id).map(|(commit, one)| (commit, one.clone())));
        // What stands on the branch is accepted, and passed, as soon as it is there.
        if let Ok(Some(Ok(Trailer::Statement(one)))) = trailer_of(session, step.commit) {
            said.insert(step.commit, one);
        }
    }
    let denied = |one: &Statement| question.denied.contains(&one.change);
    let withdrawals: Vec<(Oid, Statement)> =
        said.iter().filter(|(_, one)| one.word == Word::Withdraw).map(|(commit, one)| (*commit, one.clone())).collect();
    said.retain(|_, one| {
        !denied(one) && one.word == Word::AllowLimit && steps.iter().any(|step| step.change_id == one.change)
    });
    let statements = said.iter().map(|(commit, one)| (*commit, one));
    let at = question.clock();
    let mut heard = assents(session, &head, question.binding(), &policy, at, statements)?;
    let back = withdrawals.iter().map(|(commit, one)| (*commit, one));
    let back = assents(session, &head, question.binding(), &policy, at, back)?;
    // Whoever took it back, it is their own word that is void.
    heard.retain(|one| !back.iter().any(|back| back.person == one.person && back.seconds >= one.seconds));
    let from: Vec<Arc<str>> = lift.from.0.iter().filter_map(|group| group.0.as_str().map(Arc::from)).collect();
    let mut people: BTreeMap<(Arc<str>, Digest), BTreeSet<Arc<str>>> = BTreeMap::new();
    for one in heard {
        let machine = policy.people.get(&one.person).is_none_or(|person| person.machine);
        let allowed = said.get(&one.commit).and_then(Statement::allows);
        if let (Some((limit, actions)), false, true) = (allowed, machine, policy.in_groups(&one.person, &from)) {
            people.entry((limit.into(), actions)).or_default().insert(one.person);
        }
    }
    let enough = people.into_iter().filter(|(_, people)| people.len() >= lift.approvals as usize);
    Ok(enough.map(|((limit, actions), _)| Allowance { limit, extent: Extent::Actions(actions) }).collect())
}
