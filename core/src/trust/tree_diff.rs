//! Where two trees differ, found by the names of their objects: equal folders are never opened, so
//! that the cost is that of the difference.

use super::ObjectKind;
use super::session::Session;
use super::snapshot::is_twin;
use super::tree::{DIRECTORY, TreeEntry, order, parse_tree};
use super::tree_fault::TreeFault;
use crate::change::Oid;
use std::cmp::Ordering;
use std::sync::Arc;

/// A file's mode and content.
pub(super) type Blob = (u32, Oid);

/// A path at which two trees hold another file, or one holds none: what stands there now.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    pub path: Arc<str>,
    pub new: Option<Blob>,
}

/// The files in which `new` differs from `old`, in order of path.
pub(super) fn changed_files(session: &mut Session<'_>, old: Oid, new: Oid) -> Result<Vec<Changed>, TreeFault> {
    let mut walk = Walk { out: Vec::new(), met: 0 };
    walk.folders(session, (Some(old), Some(new)), "", 0)?;
    walk.out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.out)
}

struct Walk {
    out: Vec<Changed>,
    met: usize,
}

impl Walk {
    fn folders(
        &mut self,
        session: &mut Session<'_>,
        (old, new): (Option<Oid>, Option<Oid>),
        prefix: &str,
        depth: usize,
    ) -> Result<(), TreeFault> {
        if old == new {
            return Ok(());
        }
        let mut side =
            |tree: Option<Oid>| tree.map_or_else(|| Ok(Vec::new().into()), |tree| entries(session, tree, prefix));
        let (old, new) = (side(old)?, side(new)?);
        let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => order(one, other),
            };
            let one = left.next_if(|_| order != Ordering::Greater);
            let other = right.next_if(|_| order != Ordering::Less);
            if one.map(blob) != other.map(blob) {
                self.entry(session, one, other, prefix, depth)?;
            }
        }
    }

    /// Two entries of one name that differ.
    fn entry(
        &mut self,
        session: &mut Session<'_>,
        one: Option<&TreeEntry>,
        other: Option<&TreeEntry>,
        prefix: &str,
        depth: usize,
    ) -> Result<(), TreeFault> {
        let name = one.or(other).map(|entry| &*entry.name).unwrap_or_default();
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        self.met += 1;
        let limits = session.limits;
        if let Some(what) = limits.passed_by(depth, self.met, &path) {
            return Err(TreeFault::TooLarge { path: path.chars().take(200).collect(), what });
        }
        if other.is_some() && is_twin(&path) {
            return Err(TreeFault::PolicyTwin { path });
        }
        let folder = |entry: Option<&TreeEntry>| entry.filter(|entry| entry.mode == DIRECTORY).map(|entry| entry.oid);
        let file = |entry: Option<&TreeEntry>| entry.filter(|entry| entry.mode != DIRECTORY).map(blob);
        let folders = (folder(one), folder(other));
        if folders != (None, None) {
            self.folders(session, folders, &path, depth + 1)?;
        }
        let (old, new) = (file(one), file(other));
        if old != new {
            self.out.push(Changed { path: path.into(), new });
        }
        Ok(())
    }
}

fn blob(entry: &TreeEntry) -> Blob {
    (entry.mode, entry.oid)
}

fn entries(session: &mut Session<'_>, tree: Oid, path: &str) -> Result<Arc<[TreeEntry]>, TreeFault> {
    if let Some(known) = session.known_entries(tree) {
        return Ok(known);
    }
    let raw = session.raw(tree, ObjectKind::Tree)?;
    let entries = parse_tree(&raw).map_err(|error| TreeFault::Tree { path: path.to_owned(), error })?;
    Ok(session.know_entries(tree, entries.into()))
}
