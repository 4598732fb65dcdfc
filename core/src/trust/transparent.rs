//! Whether a merge is transparent: it has one merge base and brings to each parent exactly what the
//! other side changed since. Asked by names of objects first, so that a thousand updates from main
//! cost no thousand comparisons of documents.

use super::ObjectKind;
use super::author::Work;
use super::commit::Commit;
use super::graph::merge_base;
use super::session::{ChangeError, Session};
use super::tree::{DIRECTORY, parse_tree};
use super::tree_fault::TreeFault;
use crate::change::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// Whether `oid`, which is `commit`, brings nothing of its own.
pub(super) fn is_transparent(
    session: &mut Session<'_>,
    work: Work<'_>,
    commit: &Commit,
    oid: Oid,
) -> Result<bool, ChangeError> {
    let [left, right] = commit.parents.as_slice() else { return Ok(false) };
    let Some(base) = merge_base(session, work.ground, *left, *right)? else { return Ok(false) };
    let mut tree = |oid| session.commit(oid).map(|commit| commit.tree);
    let trees = Four { base: tree(base)?, left: tree(*left)?, right: tree(*right)?, merge: commit.tree };
    let mut budget = session.limits.files;
    if let Some(answer) = by_names(session, trees, session.limits.depth, &mut budget)? {
        return Ok(answer);
    }
    let mut id = |old, new| match session.change(old, new) {
        Ok(change) => Ok(Some(change.id(work.repo_id))),
        Err(ChangeError::Tree(TreeFault::Read(fault))) => Err(ChangeError::Tree(TreeFault::Read(fault))),
        Err(ChangeError::Tree(_)) => Ok(None),
        Err(other) => Err(other),
    };
    let (from_left, from_right) = (id(*left, oid)?, id(*right, oid)?);
    let (by_right, by_left) = (id(base, *right)?, id(base, *left)?);
    Ok(from_left.is_some() && from_left == by_right && from_right.is_some() && from_right == by_left)
}

/// The four trees of a merge, or one entry of each.
#[derive(Clone, Copy)]
struct Four<T> {
    base: T,
    left: T,
    right: T,
    merge: T,
}

/// Whether every file of the merge is that of the side that changed it. `None` when one file changed
/// on both sides, which only its documents can tell, or when more than `budget` entries are in the way:
/// reading the documents says what is too much.
fn by_names(
    session: &mut Session<'_>,
    trees: Four<Oid>,
    depth: usize,
    budget: &mut usize,
) -> Result<Option<bool>, TreeFault> {
    let Four { base, left, right, merge } = trees;
    if let Some(answer) = settled(base, left, right, merge) {
        return Ok(Some(answer));
    }
    if depth == 0 {
        return Ok(None);
    }
    let mut sides = Vec::with_capacity(4);
    for tree in [base, left, right, merge] {
        sides.push(entries(session, tree)?);
    }
    let names: BTreeSet<&Box<str>> = sides.iter().flat_map(BTreeMap::keys).collect();
    let Some(left_over) = budget.checked_sub(names.len()) else { return Ok(None) };
    *budget = left_over;
    for name in names {
        let [base, left, right, merge] = [0, 1, 2, 3].map(|side: usize| sides[side].get(name).copied());
        match settled(base, left, right, merge) {
            Some(true) => continue,
            Some(false) => return Ok(Some(false)),
            None => {}
        }
        let folder = |entry: Option<(u32, Oid)>| entry.filter(|(mode, _)| *mode == DIRECTORY).map(|(_, oid)| oid);
        let (Some(base), Some(left), Some(right), Some(merge)) =
            (folder(base), folder(left), folder(right), folder(merge))
        else {
            return Ok(None);
        };
        match by_names(session, Four { base, left, right, merge }, depth - 1, budget)? {
            Some(true) => {}
            other => return Ok(other),
        }
    }
    Ok(Some(true))
}

/// What the names alone tell.
fn settled<T: PartialEq + Copy>(base: T, left: T, right: T, merge: T) -> Option<bool> {
    match (left == base, right == base) {
        (true, _) => Some(merge == right),
        (_, true) => Some(merge == left),
        _ if left == right => Some(merge == left),
        _ => None,
    }
}

type Entries = BTreeMap<Box<str>, (u32, Oid)>;

fn entries(session: &mut Session<'_>, tree: Oid) -> Result<Entries, TreeFault> {
    let raw = session.raw(tree, ObjectKind::Tree)?;
    let entries = parse_tree(&raw).map_err(|error| TreeFault::Tree { path: String::new(), error })?;
    Ok(entries.into_iter().map(|entry| (entry.name, (entry.mode, entry.oid))).collect())
}
