//! How trust reads git objects: raw bytes by name, nothing else.
//! No I/O here. The shell's reader checks that an object's content hashes to its name and is of the
//! kind asked for; it ignores grafts, shallow files, alternates and `refs/replace`.

use super::limits::ObjectLimits;
use crate::change::Oid;
use std::sync::Arc;

/// Which kind of object is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A file's content.
    Blob,
}

impl ObjectLimits {
    /// The most bytes that are read of one such object; the reader refuses larger ones.
    pub fn of(&self, kind: ObjectKind) -> usize {
        match kind {
            ObjectKind::Commit => self.commit,
            ObjectKind::Tree => self.tree,
            ObjectKind::Blob => self.blob,
        }
    }
}

impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
        })
    }
}

/// An object that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The object database does not hold it.
    #[error("{kind} {oid} is missing")]
    Missing {
        /// Its name.
        oid: Oid,
        /// Its kind.
        kind: ObjectKind,
    },
    /// It is larger than [`ObjectLimits`] allow.
    #[error("{kind} {oid} is larger than the daemon's settings allow (--max-{kind}-bytes)")]
    TooLarge {
        /// Its name.
        oid: Oid,
        /// Its kind.
        kind: ObjectKind,
    },
    /// Its content does not hash to its name, or it is of another kind.
    #[error("{kind} {oid} is corrupt")]
    Corrupt {
        /// Its name.
        oid: Oid,
        /// Its kind.
        kind: ObjectKind,
    },
    /// The object database could not be read.
    #[error("{kind} {oid} cannot be read: {reason}")]
    Failed {
        /// Its name.
        oid: Oid,
        /// Its kind.
        kind: ObjectKind,
        /// What the reader said.
        reason: String,
    },
}

/// An object database.
pub trait ObjectStore {
    /// The raw bytes of an object, without git's `kind size NUL` header. The implementation vouches
    /// that they hash to `oid`, are of `kind`, and are no longer than its [`ObjectLimits`].
    fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError>;
}
