//! Limits of the guard that enough people lifted for one set of actions. Said by `Allow-Limit`, in an
//! empty commit on the branch or under the approvals ref, about a step that is not carried out yet, or a change that is to
//! come.

use super::assent::{Assent, assents};
use super::claims::Claims;
use super::head::Head;
use super::policy::Policy;
use super::question::Question;
use super::session::{ChangeError, Session};
use super::trailer::{Statement, Trailer, Word, trailer_of};
use super::verdict::AcceptedCommit;
use crate::change::{ChangeId, Digest, Oid};
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
    let mut said = Said::default();
    for step in head.steps().iter().filter(|step| step.seq > since) {
        said.hear(&claims, step.change_id);
        // What stands on the branch is accepted, and passed, as soon as it is there.
        if let Ok(Some(Ok(Trailer::Statement(one)))) = trailer_of(session, step.commit) {
            said.words.insert(step.commit, one);
        }
    }
    said.lifted(&head, &claims, lift, (question, head.policy()), session)
}

/// The limits that would be lifted for actions of `change` if it came next: what stands under the approvals ref says so.
/// Words on its own branch do not: a merge leaves them behind. Who speaks is known to the policy `after` the change as well:
/// by that one they are counted once it came.
pub fn allowances_of(
    accepted: &AcceptedCommit,
    (change, after): (ChangeId, &Policy),
    lift: &Override,
    question: &Question<'_>,
    session: &mut Session<'_>,
) -> Result<Vec<Allowance>, ChangeError> {
    let head = accepted.head();
    let claims = Claims::of_evidence(session, &[], &head, Some(question))?;
    let mut said = Said::default();
    said.hear(&claims, change);
    let mut lifted = said.clone().lifted(&head, &claims, lift, (question, after), session)?;
    let before = said.lifted(&head, &claims, lift, (question, head.policy()), session)?;
    lifted.retain(|one| before.contains(one));
    Ok(lifted)
}

/// What was said about some changes, and which these are.
#[derive(Default, Clone)]
struct Said {
    changes: BTreeSet<ChangeId>,
    words: BTreeMap<Oid, Statement>,
}

impl Said {
    fn hear(&mut self, claims: &Claims, change: ChangeId) {
        self.changes.insert(change);
        self.words.extend(claims.about(change).map(|(commit, one)| (commit, one.clone())));
    }

    /// What enough people whom `policy` knows lifted and did not take back.
    fn lifted(
        self,
        head: &Head,
        claims: &Claims,
        lift: &Override,
        (question, policy): (&Question<'_>, &Policy),
        session: &mut Session<'_>,
    ) -> Result<Vec<Allowance>, ChangeError> {
        let Self { changes, mut words } = self;
        let policy = policy.without(&question.revoked(session, head, claims, None)?);
        let withdrawn = |one: &Statement| one.word == Word::Withdraw;
        let withdrawals: Vec<(Oid, Statement)> =
            words.iter().filter(|(_, one)| withdrawn(one)).map(|(commit, one)| (*commit, one.clone())).collect();
        words.retain(|_, one| {
            !question.denied.contains(&one.change) && one.word == Word::AllowLimit && changes.contains(&one.change)
        });
        let statements = words.iter().map(|(commit, one)| (*commit, one));
        let at = question.clock();
        let mut heard = assents(session, head, question.binding(), &policy, at, statements)?;
        let back = withdrawals.iter().map(|(commit, one)| (*commit, one));
        let back = assents(session, head, question.binding(), &policy, at, back)?;
        // Whoever took it back, it is their own word that is void.
        heard.retain(|one| !back.iter().any(|back| back.person == one.person && back.seconds >= one.seconds));
        Ok(quorums(&heard, &words, &policy, lift))
    }
}

/// The limits, with their actions, for which enough people spoke whom `lift` names.
fn quorums(heard: &[Assent], words: &BTreeMap<Oid, Statement>, policy: &Policy, lift: &Override) -> Vec<Allowance> {
    let from: Vec<Arc<str>> = lift.from.0.iter().filter_map(|group| group.0.as_str().map(Arc::from)).collect();
    let mut people: BTreeMap<(Arc<str>, Digest), BTreeSet<Arc<str>>> = BTreeMap::new();
    for one in heard {
        let machine = policy.people.get(&one.person).is_none_or(|person| person.machine);
        let allowed = words.get(&one.commit).and_then(Statement::allows);
        if let (Some((limit, actions)), false, true) = (allowed, machine, policy.in_groups(&one.person, &from)) {
            people.entry((limit.into(), actions)).or_default().insert(one.person.clone());
        }
    }
    let enough = people.into_iter().filter(|(_, people)| people.len() >= lift.approvals as usize);
    enough.map(|((limit, actions), _)| Allowance { limit, extent: Extent::Actions(actions) }).collect()
}
