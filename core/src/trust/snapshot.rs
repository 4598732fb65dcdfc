//! One tree as trust sees it: every path, every document as written, under its own ignore rules.
//! A tree with a document that does not parse, or two of one identity, has no snapshot.

use super::session::Session;
use super::tree::{DIRECTORY, PLAIN, TreeError, parse_tree};
use super::{ObjectKind, ReadError};
use crate::change::{Digest, ObjectKey, Oid};
use crate::parse::{Document, IgnoreRules, is_document_path, parse_file};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Where the trust policy stands.
pub const POLICY_PATH: &str = ".pintle/trust.yaml";
const IGNORE_PATH: &str = ".pintle/ignore";

/// Why a tree has no meaning, and so no change set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// An object cannot be had.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A tree object breaks the grammar.
    #[error("{path}: {error}")]
    Tree {
        /// The directory; empty for the root.
        path: String,
        /// What is wrong.
        error: TreeError,
    },
    /// More than the daemon's settings allow of one tree.
    #[error("{path}: the tree has more than {what}")]
    TooLarge {
        /// Where it was noticed.
        path: String,
        /// Which limit.
        what: String,
    },
    /// A case variant of the policy's path.
    #[error("{path}: would be read as the trust policy on some file systems")]
    PolicyTwin {
        /// The path.
        path: String,
    },
    /// `.pintle/ignore` cannot be read.
    #[error("{IGNORE_PATH}: {message}")]
    Ignore {
        /// What is wrong.
        message: String,
    },
    /// A document file does not parse.
    #[error("{path}: {message}")]
    Document {
        /// The file.
        path: String,
        /// The first of its errors.
        message: String,
    },
    /// Two documents of one identity.
    #[error("{key} stands in {first} and in {second}")]
    DuplicateIdentity {
        /// The identity.
        key: ObjectKey,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
}

impl TreeFault {
    /// Whether the tree is of a shape that never counts, whatever its documents say.
    pub fn is_a_shape(&self) -> bool {
        matches!(self, Self::Tree { .. } | Self::TooLarge { .. } | Self::PolicyTwin { .. })
    }
}

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

/// A tree, read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub files: BTreeMap<Arc<str>, Leaf>,
    pub documents: BTreeMap<ObjectKey, Placed>,
    /// Versions by component: number and identity.
    releases: BTreeMap<Box<str>, Vec<(Box<str>, ObjectKey)>>,
}

impl Snapshot {
    /// The versions of a component: the one with `number`, or all.
    pub fn releases(&self, component: &str, number: Option<&str>) -> Vec<ObjectKey> {
        let all = self.releases.get(component).into_iter().flatten();
        all.filter(|(have, _)| number.is_none_or(|number| **have == *number)).map(|(_, key)| key.clone()).collect()
    }

    /// The blob of the trust policy.
    pub fn policy(&self) -> Option<Oid> {
        self.files.get(POLICY_PATH).map(|leaf| leaf.blob)
    }
}

/// One blob as a document file: its documents, each with the digest of its slice.
#[derive(Debug)]
pub(super) struct DocumentFile {
    documents: Vec<(Arc<Document>, Digest)>,
    bytes: usize,
    error: Option<String>,
}

impl DocumentFile {
    pub fn read(bytes: &[u8]) -> Self {
        let parsed = parse_file(bytes);
        let error = parsed.errors.first().map(|error| format!("line {}: {}", error.span.line, error.message));
        let slices = slices(bytes, &parsed.documents);
        Self { documents: parsed.documents.into_iter().zip(slices).collect(), bytes: bytes.len(), error }
    }
}

/// Cuts a file at the markers between its documents. Every byte belongs to one slice.
fn slices(bytes: &[u8], documents: &[Arc<Document>]) -> Vec<Digest> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let mut starts = vec![0];
    for document in documents.iter().skip(1) {
        let own = (document.line.saturating_sub(1) as usize).min(lines.len());
        let marker = (0..=own.min(lines.len().saturating_sub(1))).rev().find(|at| lines[*at].starts_with(b"---"));
        let floor = starts.last().copied().unwrap_or(0);
        starts.push(marker.unwrap_or(own).max(floor));
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let digests = starts.iter().zip(ends).map(|(from, to)| Digest::of(&lines[*from..to].concat()));
    digests.take(documents.len()).collect()
}

/// Reads the tree `root`.
pub(super) fn read(session: &mut Session<'_>, root: Oid) -> Result<Snapshot, TreeFault> {
    let mut walked = Walked::default();
    walk(session, root, "", 0, &mut walked)?;
    let files = walked.files;
    let ignore = ignore_rules(session, &files)?;
    let mut snapshot = Snapshot { files, ..Snapshot::default() };
    let mut room = session.limits.document_bytes;
    let paths: Vec<Arc<str>> =
        snapshot.files.keys().filter(|path| is_document_path(path) && !ignore.hides(path)).cloned().collect();
    for path in paths {
        place(session, &path, &mut snapshot, &mut room)?;
    }
    for (key, placed) in &snapshot.documents {
        let spec = placed.document.spec();
        let text = |name: &str| spec.get(name).and_then(crate::change::Value::as_str);
        if let ("Version", Some(component), Some(number)) = (&*key.kind, text("component"), text("version")) {
            snapshot.releases.entry(component.into()).or_default().push((number.into(), key.clone()));
        }
    }
    Ok(snapshot)
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
        let over = [
            (depth >= limits.depth, format!("{} folders in each other", limits.depth)),
            (walked.met > limits.files, format!("{} files and folders", limits.files)),
            (path.len() > limits.path_bytes, format!("{} bytes in a path", limits.path_bytes)),
        ];
        if let Some((_, what)) = over.into_iter().find(|(over, _)| *over) {
            return Err(TreeFault::TooLarge { path: path.chars().take(200).collect(), what });
        }
        if path != POLICY_PATH && path.to_lowercase() == POLICY_PATH {
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

fn ignore_rules(session: &mut Session<'_>, files: &BTreeMap<Arc<str>, Leaf>) -> Result<IgnoreRules, TreeFault> {
    let Some(leaf) = files.get(IGNORE_PATH) else { return Ok(IgnoreRules::none()) };
    let raw = session.raw(leaf.blob, ObjectKind::Blob)?;
    let text = std::str::from_utf8(&raw).map_err(|_| TreeFault::Ignore { message: "it is not UTF-8".into() })?;
    IgnoreRules::parse(text).map_err(|message| TreeFault::Ignore { message })
}

fn place(
    session: &mut Session<'_>,
    path: &Arc<str>,
    snapshot: &mut Snapshot,
    room: &mut usize,
) -> Result<(), TreeFault> {
    let Some(leaf) = snapshot.files.get_mut(path) else { return Ok(()) };
    let file = session.document_file(leaf.blob)?;
    *room = room.checked_sub(file.bytes).ok_or_else(|| TreeFault::TooLarge {
        path: path.to_string(),
        what: format!("{} bytes of documents", session.limits.document_bytes),
    })?;
    if let Some(message) = &file.error {
        return Err(TreeFault::Document { path: path.to_string(), message: message.clone() });
    }
    leaf.documents_only = !file.documents.is_empty() && leaf.mode == PLAIN;
    for (document, slice) in &file.documents {
        match snapshot.documents.entry(document.key.clone()) {
            Entry::Vacant(free) => {
                free.insert(Placed { document: document.clone(), file: path.clone(), slice: *slice });
            }
            Entry::Occupied(taken) => {
                let (first, second) = (taken.get().file.to_string(), path.to_string());
                return Err(TreeFault::DuplicateIdentity { key: document.key.clone(), first, second });
            }
        }
    }
    Ok(())
}
