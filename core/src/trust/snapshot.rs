//! One tree as trust sees it: every path, every document as written, under its own ignore rules.
//! A tree with a document that does not parse, or two of one identity, has no snapshot.

use super::session::Session;
use super::tree::{DIRECTORY, PLAIN, parse_tree};
use super::tree_diff::{Changed, changed_files};
use super::tree_fault::TreeFault;
use super::{ObjectKind, ReadError};
use crate::change::{Digest, ObjectKey, Oid};
use crate::parse::{Document, IGNORE_PATH, IgnoreRules, is_document_path};
use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the trust policy stands.
pub const POLICY_PATH: &str = ".pintle/trust.yaml";
const VERSION: &str = "Version";

/// A file of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    pub mode: u32,
    pub blob: Oid,
    /// Holds documents and nothing that they do not say: its path is no entry of its own.
    pub documents_only: bool,
}

/// A document and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub document: Arc<Document>,
    pub file: Arc<str>,
    pub slice: Digest,
}

/// The versions of each component: number and identity.
type Releases = BTreeMap<Box<str>, Vec<(Box<str>, ObjectKey)>>;

/// A tree, read. Its maps share what they can with those of the tree that it was derived from.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub files: OrdMap<Arc<str>, Leaf>,
    pub documents: OrdMap<ObjectKey, Placed>,
    /// The documents of each file that holds some.
    keys: OrdMap<Arc<str>, Arc<[ObjectKey]>>,
    /// Versions by component: number and identity.
    releases: Arc<Releases>,
    /// Bytes of all document files.
    bytes: usize,
}

impl Snapshot {
    /// The versions of a component: the one with `number`, or all.
    pub fn releases(&self, component: &str, number: Option<&str>) -> Vec<ObjectKey> {
        let all = self.releases.get(component).into_iter().flatten();
        all.filter(|(have, _)| number.is_none_or(|number| **have == *number)).map(|(_, key)| key.clone()).collect()
    }

    /// The identities of the documents that stand in the file at `path`.
    pub fn documents_in(&self, path: &str) -> impl Iterator<Item = ObjectKey> {
        self.keys.get(path).cloned().into_iter().flat_map(|keys| keys.to_vec())
    }

    /// Whether both hide the same paths.
    pub fn ignores_as(&self, other: &Self) -> bool {
        let rules = |tree: &Self| tree.files.get(IGNORE_PATH).map(|leaf| leaf.blob);
        rules(self) == rules(other)
    }

    /// The blob of the trust policy.
    pub fn policy(&self) -> Option<Oid> {
        self.files.get(POLICY_PATH).map(|leaf| leaf.blob)
    }
}

/// Reads the tree `root`.
pub(super) fn read(session: &mut Session<'_>, root: Oid) -> Result<Snapshot, TreeFault> {
    let mut walked = Walked::default();
    walk(session, root, "", 0, &mut walked)?;
    let mut snapshot = Snapshot { files: walked.files.into_iter().collect(), ..Snapshot::default() };
    let ignore = ignore_rules(session, &snapshot)?;
    let wanted = |path: &&Arc<str>| is_document_path(path) && !ignore.hides(path);
    let paths: Vec<Arc<str>> = snapshot.files.keys().filter(wanted).cloned().collect();
    for path in paths {
        place(session, &path, &mut snapshot)?;
    }
    snapshot.release();
    Ok(snapshot)
}

/// The tree `root` from `near`, which is the tree `old`: only what differs is read. `None` when that
/// is not possible or anything is wrong: reading the whole tree says what.
pub(super) fn derive(session: &mut Session<'_>, near: &Snapshot, old: Oid, root: Oid) -> Option<Snapshot> {
    let changed = changed_files(session, old, root).ok()?;
    if changed.iter().any(|one| &*one.path == IGNORE_PATH) || changed.len() > near.files.len() / 2 {
        return None;
    }
    let ignore = ignore_rules(session, near).ok()?;
    let mut snapshot = Snapshot {
        files: near.files.clone(),
        documents: near.documents.clone(),
        keys: near.keys.clone(),
        releases: near.releases.clone(),
        bytes: near.bytes,
    };
    let mut versions = false;
    for one in &changed {
        versions |= snapshot.take_away(session, &one.path).ok()?;
    }
    for Changed { path, new, .. } in &changed {
        let Some((mode, blob)) = *new else { continue };
        if path.len() > session.limits.path_bytes || snapshot.files.len() >= session.limits.files {
            return None;
        }
        snapshot.files.insert(path.clone(), Leaf { mode, blob, documents_only: false });
        if is_document_path(path) && !ignore.hides(path) {
            place(session, path, &mut snapshot).ok()?;
            versions |= snapshot.documents_in(path).any(|key| &*key.kind == VERSION);
        }
    }
    if versions {
        snapshot.release();
    }
    Some(snapshot)
}

impl Snapshot {
    /// Takes a file and its documents away; whether one of them was a version.
    fn take_away(&mut self, session: &mut Session<'_>, path: &Arc<str>) -> Result<bool, ReadError> {
        let Some(leaf) = self.files.remove(path) else { return Ok(false) };
        let Some(keys) = self.keys.remove(path) else { return Ok(false) };
        self.bytes -= session.document_file(leaf.blob)?.bytes;
        for key in keys.iter() {
            self.documents.remove(key);
        }
        Ok(keys.iter().any(|key| &*key.kind == VERSION))
    }

    /// Finds the versions again.
    fn release(&mut self) {
        let mut releases = Releases::new();
        let all = self.documents.range(ObjectKey::new(VERSION, "")..).take_while(|(key, _)| &*key.kind == VERSION);
        for (key, placed) in all {
            let spec = placed.document.spec();
            let text = |name: &str| spec.get(name).and_then(crate::change::Value::as_str);
            if let (Some(component), Some(number)) = (text("component"), text("version")) {
                releases.entry(component.into()).or_default().push((number.into(), key.clone()));
            }
        }
        self.releases = Arc::new(releases);
    }
}

/// The files of a tree, and how many files and folders were met.
#[derive(Default)]
struct Walked {
    files: BTreeMap<Arc<str>, Leaf>,
    met: usize,
}

fn walk(
    session: &mut Session<'_>,
    tree: Oid,
    prefix: &str,
    depth: usize,
    walked: &mut Walked,
) -> Result<(), TreeFault> {
    let limits = session.limits;
    let raw = session.raw(tree, ObjectKind::Tree)?;
    let entries = parse_tree(&raw).map_err(|error| TreeFault::Tree { path: prefix.to_owned(), error })?;
    for entry in entries {
        let path = if prefix.is_empty() { entry.name.to_string() } else { format!("{prefix}/{}", entry.name) };
        walked.met += 1;
        if let Some(what) = limits.passed_by(depth, walked.met, &path) {
            return Err(TreeFault::TooLarge { path: path.chars().take(200).collect(), what });
        }
        if is_twin(&path) {
            return Err(TreeFault::PolicyTwin { path });
        }
        if entry.mode == DIRECTORY {
            walk(session, entry.oid, &path, depth + 1, walked)?;
        } else {
            walked.files.insert(path.into(), Leaf { mode: entry.mode, blob: entry.oid, documents_only: false });
        }
    }
    Ok(())
}

/// Whether some file systems would read the path as that of the policy.
pub(super) fn is_twin(path: &str) -> bool {
    path != POLICY_PATH && path.len() <= 4 * POLICY_PATH.len() && path.to_lowercase() == POLICY_PATH
}

fn ignore_rules(session: &mut Session<'_>, snapshot: &Snapshot) -> Result<IgnoreRules, TreeFault> {
    let Some(leaf) = snapshot.files.get(IGNORE_PATH) else { return Ok(IgnoreRules::none()) };
    let raw = session.raw(leaf.blob, ObjectKind::Blob)?;
    let text = std::str::from_utf8(&raw).map_err(|_| TreeFault::Ignore { message: "it is not UTF-8".into() })?;
    IgnoreRules::parse(text).map_err(|message| TreeFault::Ignore { message })
}

fn place(session: &mut Session<'_>, path: &Arc<str>, snapshot: &mut Snapshot) -> Result<(), TreeFault> {
    let Some(leaf) = snapshot.files.get(path).copied() else { return Ok(()) };
    let file = session.document_file(leaf.blob)?;
    snapshot.bytes += file.bytes;
    if snapshot.bytes > session.limits.document_bytes {
        let what = format!("{} bytes of documents (--max-document-bytes)", session.limits.document_bytes);
        return Err(TreeFault::TooLarge { path: path.to_string(), what });
    }
    if let Some(message) = &file.error {
        return Err(TreeFault::Document { path: path.to_string(), message: message.clone() });
    }
    let documents_only = !file.documents.is_empty() && leaf.mode == PLAIN;
    snapshot.files.insert(path.clone(), Leaf { documents_only, ..leaf });
    for (document, slice) in &file.documents {
        if let Some(taken) = snapshot.documents.get(&document.key) {
            let (first, second) = (taken.file.to_string(), path.to_string());
            return Err(TreeFault::DuplicateIdentity { key: document.key.clone(), first, second });
        }
        let placed = Placed { document: document.clone(), file: path.clone(), slice: *slice };
        snapshot.documents.insert(document.key.clone(), placed);
    }
    snapshot.keys.insert(path.clone(), file.documents.iter().map(|(document, _)| document.key.clone()).collect());
    Ok(())
}
