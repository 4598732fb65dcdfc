//! What is said about one change by people whose keys are known: approvals, withdrawals, broken
//! glass. Junk that anyone can push is passed over before it costs anything.

use super::claims::Claims;
use super::head::Head;
use super::introduction::Introduction;
use super::policy::Policy;
use super::session::{ChangeError, Session};
use super::sshsig::Signed;
use super::trailer::{Statement, Word};
use super::verdict::Reason;
use crate::change::{ChangeId, Oid};
use crate::diagnostic::Code;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A statement by someone whose key is known.
#[derive(Clone)]
pub(super) struct Said<'c> {
    pub commit: Oid,
    pub statement: &'c Statement,
    pub signed: Arc<Signed>,
    /// When, by its own word.
    pub seconds: i64,
}

/// Everything that is said of one change, by word.
#[derive(Default)]
pub(super) struct Words<'c> {
    pub approvals: Vec<Said<'c>>,
    pub withdrawals: Vec<Said<'c>>,
    pub glass: Vec<Said<'c>>,
    /// What was passed over.
    pub ignored: Vec<Reason>,
}

/// Which change is asked about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub introduction: &'a Introduction,
    pub head: &'a Head,
    pub candidate: Oid,
    pub change: ChangeId,
    /// Policies whose keys are known: the accepted one, and the one that the change brings.
    pub policies: [Option<&'a Policy>; 2],
}

impl<'c> Words<'c> {
    /// Sorts what `claims` say of the change.
    pub fn of(session: &mut Session<'_>, asked: Asked<'_>, claims: &'c Claims) -> Result<Self, ChangeError> {
        let mut words = Self::default();
        let mut from_base = BTreeMap::new();
        let mut heard = 0;
        for (commit, statement) in claims.about(asked.change) {
            if matches!(statement.word, Word::Ratify | Word::AllowLimit) || !may_mean(asked, statement) {
                continue;
            }
            let signed = match session.seal(commit)? {
                Ok(signed) => signed,
                Err(why) => {
                    words.ignore(session, asked, commit, statement, &why.to_string());
                    continue;
                }
            };
            if !asked.policies.iter().flatten().any(|policy| policy.holder(&signed.key).is_some()) {
                let why = format!("its key {} belongs to nobody in the policy", signed.key.fingerprint());
                words.ignore(session, asked, commit, statement, &why);
                continue;
            }
            // No number of other words keeps a withdrawal from being heard.
            heard += usize::from(statement.word != Word::Withdraw);
            let beyond = heard > session.limits.claims && statement.word != Word::Withdraw;
            if beyond || !means(session, asked, statement, &mut from_base)? {
                continue;
            }
            let seconds = session.commit(commit)?.committer.seconds;
            words.take(Said { commit, statement, signed, seconds });
        }
        Ok(words)
    }

    fn take(&mut self, said: Said<'c>) {
        match said.statement.word {
            Word::Approve => self.approvals.push(said),
            Word::Withdraw => self.withdrawals.push(said),
            Word::BreakGlass => self.glass.push(said),
            Word::Ratify | Word::AllowLimit => {}
        }
    }

    fn ignore(&mut self, session: &Session<'_>, asked: Asked<'_>, commit: Oid, statement: &Statement, why: &str) {
        if statement.change == asked.change && self.ignored.len() < session.limits.reasons {
            self.ignored.push(ignored(asked.candidate, commit, why));
        }
    }
}

/// That what `commit` says does not count for `candidate`.
pub(super) fn ignored(candidate: Oid, commit: Oid, why: &str) -> Reason {
    let hint = format!("pintle approve {}", candidate.short());
    Reason::new(Code::ApprovalIgnored, format!("the approval {} does not count: {why}", commit.short()), hint)
        .about(commit)
}

/// Whether a statement can be about the change, as far as its line tells.
fn may_mean(asked: Asked<'_>, statement: &Statement) -> bool {
    let here = *statement.repo_id == *asked.introduction.repo_id && *statement.git_ref == *asked.introduction.git_ref;
    statement.change == asked.change || (here && is_from_before(asked, statement))
}

/// Whether it was said of an accepted commit before the last.
fn is_from_before(asked: Asked<'_>, statement: &Statement) -> bool {
    statement.base != asked.head.commit() && asked.head.at(statement.base).is_some()
}

/// Whether a statement is about the change: by its id, or by that of the whole way from its own base.
/// Who approved the way from there to this very tree approved what is left of it, if a part of it
/// came first. (That nothing of the rest was touched meanwhile is asked like for every approval.)
fn means(
    session: &mut Session<'_>,
    asked: Asked<'_>,
    statement: &Statement,
    from_base: &mut BTreeMap<Oid, Option<ChangeId>>,
) -> Result<bool, ChangeError> {
    if statement.change == asked.change {
        return Ok(true);
    }
    if !is_from_before(asked, statement) {
        return Ok(false);
    }
    let way = match from_base.get(&statement.base) {
        Some(known) => *known,
        None => {
            let way = match session.change(statement.base, asked.candidate) {
                Ok(set) => Some(set.id(&asked.introduction.repo_id)),
                Err(ChangeError::Tree(_)) => None,
                Err(other) => return Err(other),
            };
            from_base.insert(statement.base, way);
            way
        }
    };
    Ok(way == Some(statement.change))
}
