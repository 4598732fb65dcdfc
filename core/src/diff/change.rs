//! One object that should move, and why.

use crate::change::{Digest, FieldChange, ObjectKey, Value};
use crate::model::guard::Subject;
use crate::parse::SourceRef;
use jiff::Timestamp;
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
    /// The row itself goes, after its grace.
    Remove,
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
            Self::Remove => "remove",
        }
    }

    /// Whether the object is there no more, or is on its way out.
    pub fn ends(self) -> bool {
        matches!(self, Self::Delete | Self::Remove)
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
    /// What the document declares, where some drifted fields are left as they are: the base to record.
    #[serde(skip)]
    pub declared: Option<Declared>,
    /// Whether it would overwrite what somebody else wrote into a row that Pintle never applied anything to.
    #[serde(skip)]
    pub overwrites: bool,
    /// Whether it is drift that is told and left alone.
    #[serde(skip)]
    pub reported: bool,
    /// When the row was tombstoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstoned_at: Option<Timestamp>,
    /// The labels of the row, as JSON.
    #[serde(skip)]
    pub labels: Option<Arc<str>>,
    /// The partner that the row belongs to.
    #[serde(skip)]
    pub partner_before: Option<Arc<str>>,
    /// What the row refers to and will refer to no more.
    #[serde(skip)]
    pub leaves: Arc<[ObjectKey]>,
}

/// What a document declares, where that is not what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its digest.
    pub digest: Digest,
    /// Its body as JSON.
    pub body: Arc<str>,
}

impl Change {
    /// The object as the guard sees it.
    pub fn subject(&self) -> Subject<'_> {
        let body = self.declared.as_ref().map(|declared| &*declared.body).or(self.body.as_deref());
        Subject::new(&self.key, self.labels.as_deref(), body)
    }

    /// Whether it ends what it is about: a deletion, or a termination by its own document.
    pub fn is_destructive(&self) -> bool {
        let terminates = |field: &FieldChange| {
            field.path.0 == ["spec", "lifecycle"] && field.after.as_ref().and_then(Value::as_str) == Some("terminated")
        };
        self.action.ends() || (self.uid.is_some() && self.fields.iter().any(terminates))
    }

    /// The fields that it puts right, where it heals; of very many, none: then it may be any.
    pub fn healed(&self) -> Vec<String> {
        const MANY: usize = 64;
        let drift = if self.cause == Cause::Drift && self.drift.len() <= MANY { self.drift.as_slice() } else { &[] };
        drift.iter().map(|field| field.path.to_string().replace('\n', " ")).collect()
    }

    /// Whether it moves others along: those that follow a channel whose target it changes.
    pub fn moves_followers(&self) -> bool {
        let target = |field: &FieldChange| matches!(field.path.0.as_slice(), [spec, key, ..] if spec == "spec" && ["target", "track", "mode"].contains(&key.as_str()));
        &*self.key.kind == "Channel"
            && matches!(self.action, Action::Update | Action::Restore)
            && self.fields.iter().any(target)
    }

    /// The digest of what is declared once it is done; `None` when the object goes.
    pub fn target(&self) -> Option<Digest> {
        self.declared.as_ref().map(|declared| declared.digest).or(self.after)
    }
}
