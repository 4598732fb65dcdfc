//! A change set: every entry in which two trees differ, as written, and the change id that names it.
//! It holds and encodes entries; reading trees and comparing them belongs to `trust`.

use super::{Digest, FieldPath, ObjectKey, Value, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The version of the change id that is made here.
pub const CHANGE_ID_VERSION: &str = "v1";
/// The version tag that stands before everything a change id covers.
const VERSION_TAG: &[u8] = b"pintle-change-v1";

/// A path's content that is no document: its git mode and the SHA-256 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// `0o100644` or `0o100755`.
    pub mode: u32,
    /// Of the blob's bytes.
    pub sha256: Digest,
}

/// One difference between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A field of a document. The empty path is the whole document: created or deleted.
    Field {
        /// The document.
        key: ObjectKey,
        /// Where.
        path: FieldPath,
        /// What stood there; `None` when nothing did.
        old: Option<Value>,
        /// What will stand there; `None` when nothing will.
        new: Option<Value>,
    },
    /// One element of a declared set, added or removed.
    Element {
        /// The document.
        key: ObjectKey,
        /// The set.
        path: FieldPath,
        /// The element.
        value: Value,
        /// Added, else removed.
        added: bool,
    },
    /// A document that stands in another file than before.
    Move {
        /// The document.
        key: ObjectKey,
        /// The file it left.
        old_file: Arc<str>,
        /// The file it stands in now.
        new_file: Arc<str>,
    },
    /// A document whose bytes differ and whose meaning does not.
    Text {
        /// The document.
        key: ObjectKey,
        /// Its slice of the file before.
        old: Digest,
        /// Its slice of the file now.
        new: Digest,
    },
    /// Any other path, and everything below `.pintle/`.
    File {
        /// The path.
        path: Arc<str>,
        /// What stood there.
        old: Option<FileContent>,
        /// What will stand there.
        new: Option<FileContent>,
    },
}

impl Entry {
    /// The document it concerns, if it concerns one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Field { key, .. } | Self::Element { key, .. } | Self::Move { key, .. } | Self::Text { key, .. } => {
                Some(key)
            }
            Self::File { .. } => None,
        }
    }

    /// Whether a whole document comes into being.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Field { path, old: None, .. } if path.0.is_empty())
    }

    /// Whether a whole document goes.
    pub fn deletes(&self) -> bool {
        matches!(self, Self::Field { path, new: None, .. } if path.0.is_empty())
    }

    /// What the entry concerns, so that two change sets can be asked whether they touch the same.
    pub fn touches(&self) -> Touched {
        match self {
            Self::File { path, .. } => Touched::Path(path.clone()),
            other => other.key().cloned().map_or_else(|| Touched::Path("".into()), Touched::Document),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        match self {
            Self::Field { key, path, old, new } => {
                document(b'F', key, path, &mut out);
                encode::optional(old.as_ref(), &mut out);
                encode::optional(new.as_ref(), &mut out);
            }
            Self::Element { key, path, value, added } => {
                document(b'E', key, path, &mut out);
                encode::value(value, &mut out);
                out.push(if *added { b'+' } else { b'-' });
            }
            Self::Move { key, old_file, new_file } => {
                document(b'M', key, &FieldPath::default(), &mut out);
                encode::bytes(old_file.as_bytes(), &mut out);
                encode::bytes(new_file.as_bytes(), &mut out);
            }
            Self::Text { key, old, new } => {
                document(b'T', key, &FieldPath::default(), &mut out);
                out.extend_from_slice(&old.0);
                out.extend_from_slice(&new.0);
            }
            Self::File { path, old, new } => {
                out.push(b'P');
                encode::bytes(path.as_bytes(), &mut out);
                content(old.as_ref(), &mut out);
                content(new.as_ref(), &mut out);
            }
        }
        out
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            entry @ Self::Field { key, .. } if entry.creates() => write!(f, "{key} created"),
            entry @ Self::Field { key, .. } if entry.deletes() => write!(f, "{key} deleted"),
            Self::Field { key, path, .. } | Self::Element { key, path, .. } => write!(f, "{key} {path}"),
            Self::Move { key, old_file, new_file } => write!(f, "{key} moved from {old_file} to {new_file}"),
            Self::Text { key, .. } => write!(f, "{key} text"),
            Self::File { path, .. } => f.write_str(path),
        }
    }
}

fn document(tag: u8, key: &ObjectKey, path: &FieldPath, out: &mut Vec<u8>) {
    out.push(tag);
    encode::bytes(key.kind.as_bytes(), out);
    encode::bytes(key.name.as_bytes(), out);
    encode::count(path.0.len(), out);
    path.0.iter().for_each(|part| encode::bytes(part.as_bytes(), out));
}

fn content(data: Option<&FileContent>, out: &mut Vec<u8>) {
    match data {
        None => out.push(b'-'),
        Some(data) => {
            out.push(b'+');
            out.extend_from_slice(&data.mode.to_be_bytes());
            out.extend_from_slice(&data.sha256.0);
        }
    }
}

/// What an entry concerns: a document wherever it stands, or a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Touched {
    /// A document.
    Document(ObjectKey),
    /// A path that is no document.
    Path(Arc<str>),
}

/// Every difference between two trees, in the order of its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSet {
    entries: Vec<Entry>,
    /// The files of the documents that come or go.
    places: BTreeMap<ObjectKey, Arc<str>>,
}

impl ChangeSet {
    /// The set of `entries`, sorted. `places` says in which file each document stands that comes or
    /// goes: rules are matched by path, so whoever puts it elsewhere brings another change.
    pub fn new(mut entries: Vec<Entry>, places: BTreeMap<ObjectKey, Arc<str>>) -> Self {
        entries.sort_by_cached_key(Entry::encoded);
        Self { entries, places }
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the two trees are the same, document by document and byte by byte.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The name of this change in the repository `repo_id`.
    pub fn id(&self, repo_id: &str) -> ChangeId {
        let mut out = Vec::with_capacity(64 + self.entries.len() * 128);
        encode::bytes(VERSION_TAG, &mut out);
        encode::bytes(repo_id.as_bytes(), &mut out);
        encode::count(self.entries.len(), &mut out);
        self.entries.iter().for_each(|entry| encode::bytes(&entry.encoded(), &mut out));
        for (key, file) in &self.places {
            document(b'W', key, &FieldPath::default(), &mut out);
            encode::bytes(file.as_bytes(), &mut out);
        }
        ChangeId(Digest::of(&out))
    }
}

/// The name of a change: two branches that mean the same have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeId(pub Digest);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for ChangeId {
    type Err = super::ParseDigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
