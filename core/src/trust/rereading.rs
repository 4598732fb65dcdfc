//! Another Pintle that reads the accepted tree differently. No commit brings that change, so it has an
//! id of its own, and the people for the policy itself say yes to it before anything is applied.

use super::assent::{Assent, assents};
use super::claims::Claims;
use super::question::Question;
use super::session::{ChangeError, Session};
use super::step::missing;
use super::trailer::Word;
use super::verdict::{AcceptedCommit, Held, Reason, RuleState};
use crate::change::{ChangeId, Digest, Oid, encode};
use crate::diagnostic::Code;
use std::collections::BTreeSet;
use std::sync::Arc;

const TAG: &[u8] = b"pintle rereading v1";

/// One tree, read by two versions of Pintle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rereading {
    /// The commit whose tree it is.
    pub commit: Oid,
    /// What it meant to the Pintle that applied it ([`Session::reading`]).
    pub before: Digest,
    /// What it means to this one.
    pub now: Digest,
}

impl Rereading {
    /// The name of this change in the repository `repo_id`.
    pub fn id(&self, repo_id: &str) -> ChangeId {
        let mut out = Vec::new();
        for part in [TAG, repo_id.as_bytes(), &self.commit.0, &self.before.0, &self.now.0] {
            encode::bytes(part, &mut out);
        }
        ChangeId(Digest::of(&out))
    }
}

/// What is missing for the tree to count as read by this Pintle; `None` when every rule for the policy
/// itself is met by approvals under the approvals ref.
pub fn reread(
    accepted: &AcceptedCommit,
    reading: &Rereading,
    question: &Question<'_>,
    session: &mut Session<'_>,
) -> Result<Option<Held>, ChangeError> {
    let head = accepted.head();
    let change = reading.id(&question.introduction.repo_id);
    let claims = Claims::read(question, session, &head, &mut Vec::new());
    let revoked = question.revoked(session, &head, &claims, None)?;
    let policy = head.policy().without(&revoked);
    let at = question.clock();
    let said = |word| move |(_, said): &(Oid, &super::trailer::Statement)| said.word == word && said.change == change;
    let mut heard = |word| {
        let statements = claims.about(change).filter(said(word));
        assents(session, &head, question.binding(), &policy, at, statements)
    };
    let taken_back = heard(Word::Withdraw)?.into_iter().filter(|one| policy.is_root(&one.person));
    let since = taken_back.map(|one| one.seconds).max();
    let people: BTreeSet<Arc<str>> = heard(Word::Approve)?
        .into_iter()
        .filter(|Assent { seconds, .. }| since.is_none_or(|since| *seconds > since))
        .map(|one| one.person)
        .collect();
    let rules: Vec<RuleState> = (policy.root_rules())
        .map(|rule| {
            let have: Vec<_> = people.iter().filter(|person| policy.may_approve(person, rule)).cloned().collect();
            let missing_of = policy.able(rule, at).into_iter().filter(|one| !have.contains(one)).collect();
            // Nobody of them wrote this change.
            let (name, from, have_independent) = (rule.name.clone(), rule.from.clone(), have.len() as u32);
            let (needed, independent) = (rule.approvals, rule.independent);
            RuleState { name, needed, have, from, independent, have_independent, missing_of }
        })
        .collect();
    let denied = question.denied.contains(&change);
    if !denied && !rules.is_empty() && rules.iter().all(RuleState::met) {
        return Ok(None);
    }
    let command = format!("pintle approve {} --reading {} --push", reading.commit.short(), reading.before);
    let told = format!("this Pintle reads the accepted {} differently than the one before", reading.commit.short());
    let mut reasons = vec![Reason::new(Code::ReadDifferently, told, command.clone()).about(reading.commit)];
    if denied {
        let hint = format!("on that host: pintle trust deny --undo change {change}");
        reasons.push(Reason::new(Code::ApprovalIgnored, "the change was denied on this host", hint));
    }
    reasons.extend(rules.iter().filter(|rule| !rule.met()).map(|rule| missing(&command, rule)));
    let subject = session.commit(reading.commit)?.subject().to_owned();
    Ok(Some(Held { commit: reading.commit, subject, change_id: Some(change), rules, reasons, waiting: 1 }))
}
