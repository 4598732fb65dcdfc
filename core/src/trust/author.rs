//! Who wrote a change: the one author whose signature covers it whole, and the writers that an
//! independent approver must not be among. It says "I wrote it", never "ship it".

use super::graph::{Ground, descends, exclusive, merge_base, newest_steps};
use super::policy::Policy;
use super::session::{ChangeError, HistoryFault, Session};
use super::trailer::is_empty;
use super::transparent::is_transparent;
use crate::change::{ChangeId, Oid};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// The end of the work.
    pub commit: Oid,
    /// A commit of the work with the author's signature: the end, if that is one.
    pub signed_by: Oid,
    /// The place of the step that its oldest part was written on.
    pub place: usize,
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
    let mut author: Option<(Arc<str>, Oid)> = None;
    let newest = newest_steps(session, work.ground, end)?;
    let mut place = usize::MAX;
    let mut commits: Vec<Oid> = exclusive(session, work.ground, end, work.accepted)?.into_iter().collect();
    commits.sort_unstable();
    for oid in commits {
        let commit = session.commit(oid)?;
        if is_empty(session, &commit)? {
            continue;
        }
        if commit.parents.len() > 1 {
            if !is_transparent(session, work, &commit, oid)? {
                return Ok(Err(format!("the merge {} brings more than its sides", oid.short())));
            }
            continue;
        }
        place = place.min(newest.get(&oid).copied().flatten().unwrap_or(0));
        let signer = match session.seal(oid)? {
            Err(why) => return Ok(Err(format!("{}: {why}", oid.short()))),
            Ok(signed) => work.policy.signer(&signed, work.at),
        };
        match (signer, &author) {
            (Err(why), _) => return Ok(Err(format!("{}: {why}", oid.short()))),
            (Ok(signer), Some((other, _))) if signer != *other => {
                return Ok(Err(format!("{other} and {signer} both wrote it; each approves by trailer")));
            }
            (Ok(signer), before) => {
                let signed_by = before.as_ref().filter(|_| oid != end).map_or(oid, |(_, first)| *first);
                author = Some((signer, signed_by));
            }
        }
    }
    Ok(author
        .map(|(person, signed_by)| Author { person, commit: end, signed_by, place })
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
    for _ in 0..session.limits.stack {
        let commit = session.commit(at)?;
        if at == stop || !is_empty(session, &commit)? {
            break;
        }
        at = commit.parents[0];
    }
    Ok(at)
}

/// The signers of the commits that change content, and whether any such commit has no known signer.
#[derive(Debug, Clone, Default)]
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
            is_empty(session, &commit)? || (commit.parents.len() > 1 && is_transparent(session, work, &commit, oid)?);
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
