//! Who wrote a change: the one author whose signature covers it whole, and the writers that an
//! independent approver must not be among. It says "I wrote it", never "ship it".

use super::approval::is_empty;
use super::commit::Commit;
use super::graph::{Ground, descends, exclusive, merge_base};
use super::policy::Policy;
use super::session::{ChangeError, HistoryFault, Session};
use crate::change::{ChangeId, Oid};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most trailing approvals that are skipped below a candidate.
const MAX_TRAILING: usize = 256;

/// A change that is judged, and against what.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub repo_id: &'a str,
    pub accepted: Oid,
    pub candidate: Oid,
    pub change: ChangeId,
    pub ground: &'a Ground,
    pub policy: &'a Policy,
    pub at: Timestamp,
}

/// The author of a whole change, by which commit.
pub(super) struct Author {
    pub person: Arc<str>,
    pub commit: Oid,
}

/// The one person who signed the whole change, or why there is none.
pub(super) fn author(session: &mut Session<'_>, work: Work<'_>) -> Result<Result<Author, String>, ChangeError> {
    let Some(end) = end_of_work(session, work)? else {
        return Ok(Err("it is a merge of more than two commits".into()));
    };
    let base = merge_base(session, work.ground, work.accepted, end)?;
    let Some(base) = base else { return Ok(Err("it has no single merge base with the accepted commit".into())) };
    if session.change(base, end)?.id(work.repo_id) != work.change {
        return Ok(Err(format!("{} brings another change than the merge", end.short())));
    }
    let mut person: Option<Arc<str>> = None;
    let mut commits: Vec<Oid> = exclusive(session, work.ground, end, work.accepted)?.into_iter().collect();
    commits.sort_unstable();
    for oid in commits {
        let commit = session.commit(oid)?;
        if is_empty(session, &commit)? {
            continue;
        }
        if commit.parents.len() > 1 {
            if !is_transparent(session, work, oid, &commit)? {
                return Ok(Err(format!("the merge {} brings more than its sides", oid.short())));
            }
            continue;
        }
        let signer = match session.seal(oid)? {
            Err(why) => return Ok(Err(format!("{}: {why}", oid.short()))),
            Ok(signed) => work.policy.signer(&signed, work.at),
        };
        match (signer, &person) {
            (Err(why), _) => return Ok(Err(format!("{}: {why}", oid.short()))),
            (Ok(signer), Some(other)) if signer != *other => {
                return Ok(Err(format!("{other} and {signer} both wrote it; each approves by trailer")));
            }
            (Ok(signer), _) => person = Some(signer),
        }
    }
    Ok(person
        .map(|person| Author { person, commit: end })
        .ok_or_else(|| "nobody signed a commit that changes anything".into()))
}

/// The candidate below its trailing approvals; of a merge, the side that it brings in.
fn end_of_work(session: &mut Session<'_>, work: Work<'_>) -> Result<Option<Oid>, HistoryFault> {
    let top = below_approvals(session, work.candidate, work.accepted)?;
    let commit = session.commit(top)?;
    match commit.parents.as_slice() {
        [] | [_] => Ok(Some(top)),
        [first, second] => {
            let side = if descends(session, work.ground, work.accepted, *first)? { *second } else { *first };
            Ok(Some(below_approvals(session, side, work.accepted)?))
        }
        _ => Ok(None),
    }
}

fn below_approvals(session: &mut Session<'_>, from: Oid, stop: Oid) -> Result<Oid, HistoryFault> {
    let mut at = from;
    for _ in 0..MAX_TRAILING {
        let commit = session.commit(at)?;
        if at == stop || !is_empty(session, &commit)? {
            break;
        }
        at = commit.parents[0];
    }
    Ok(at)
}

/// Whether a merge has one merge base and brings to each parent exactly what the other side changed.
fn is_transparent(session: &mut Session<'_>, work: Work<'_>, oid: Oid, commit: &Commit) -> Result<bool, ChangeError> {
    let [left, right] = commit.parents.as_slice() else { return Ok(false) };
    let Some(base) = merge_base(session, work.ground, *left, *right)? else { return Ok(false) };
    let mut id = |old, new| match session.change(old, new) {
        Ok(change) => Ok(Some(change.id(work.repo_id))),
        Err(ChangeError::Tree(_)) => Ok(None),
        Err(other) => Err(other),
    };
    let (from_left, from_right) = (id(*left, oid)?, id(*right, oid)?);
    let (by_right, by_left) = (id(base, *right)?, id(base, *left)?);
    Ok(from_left.is_some() && from_left == by_right && from_right.is_some() && from_right == by_left)
}

/// The signers of the commits that change content, and whether any such commit has no known signer.
pub(super) struct Writers {
    pub people: BTreeSet<Arc<str>>,
    pub unknown: bool,
}

/// Who wrote what lies between the accepted commit and the candidate.
pub(super) fn writers(session: &mut Session<'_>, work: Work<'_>) -> Result<Writers, ChangeError> {
    let mut writers = Writers { people: BTreeSet::new(), unknown: false };
    for oid in exclusive(session, work.ground, work.candidate, work.accepted)? {
        let commit = session.commit(oid)?;
        let quiet =
            is_empty(session, &commit)? || (commit.parents.len() > 1 && is_transparent(session, work, oid, &commit)?);
        if quiet {
            continue;
        }
        match session.seal(oid)?.ok().and_then(|signed| work.policy.holder(&signed.key).cloned()) {
            Some(person) => {
                writers.people.insert(person);
            }
            None => writers.unknown = true,
        }
    }
    Ok(writers)
}
