//! One object that should move, and why.

use crate::change::{Digest, FieldChange, ObjectKey};
use crate::parse::SourceRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What happens to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new row.
    Create,
    /// The row is changed.
    Update,
    /// The row already says what is desired; only the base is recorded.
    Adopt,
    /// The tombstone is taken away, and the row changed.
    Restore,
    /// A tombstone; the row goes after the grace.
    Delete,
}

impl Action {
    /// The word for people and for the action digest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Restore => "restore",
            Self::Delete => "delete",
        }
    }
}

/// Why it should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The documents changed.
    Intent,
    /// The row was changed behind the repository's back.
    Drift,
    /// Both.
    Conflict,
    /// Neither: another Pintle would write another default.
    Software,
}

impl Cause {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
            Self::Software => "software",
        }
    }
}

/// One object that should move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Kind and name.
    pub key: ObjectKey,
    /// What happens.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The row; `None` for a create.
    pub uid: Option<Uuid>,
    /// The revision the row had when it was read.
    pub revision: Option<i64>,
    /// Live → desired, field by field.
    pub fields: Vec<FieldChange>,
    /// Base → live: what was done behind the repository's back.
    pub drift: Vec<FieldChange>,
    /// Digest of the live body; `None` for a create.
    pub before: Option<Digest>,
    /// Digest of the desired body; `None` for a delete.
    pub after: Option<Digest>,
    /// Digest of the document before defaults.
    pub written: Option<Digest>,
    /// The desired body as JSON; `None` for a delete.
    #[serde(skip)]
    pub body: Option<Arc<str>>,
    /// Where the document stands; for a delete, the file it stood in, with line 0.
    pub source: Option<SourceRef>,
    /// The partner it belongs to.
    pub partner: Option<Arc<str>>,
    /// What it refers to.
    #[serde(skip)]
    pub references: Arc<[ObjectKey]>,
    /// Whether the live row is protected from deletion.
    pub protected: bool,
}
