//! Why a tree has no meaning, and so no change set.

use super::ReadError;
use super::tree::TreeError;
use crate::change::ObjectKey;

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
    #[error(".pintle/ignore: {message}")]
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
