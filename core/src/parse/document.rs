//! A document as written: its envelope checked, its `spec` still a tree.

use crate::change::{ObjectKey, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which document of which file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentId {
    /// Path in the repository.
    pub file: Arc<str>,
    /// Index in the file, from 0.
    pub index: u32,
}

/// Where a document, or a value of it, was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Path in the repository.
    pub file: Arc<str>,
    /// Line of the document's first key, from 1; 0 for a document that is gone.
    pub line: u32,
}

impl std::fmt::Display for SourceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A document as written. `body` holds `metadata` and `spec`, nothing merged and nothing filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Kind and name.
    pub key: ObjectKey,
    /// The name it had before, for a rename.
    pub previous_name: Option<Arc<str>>,
    /// `{metadata: {...}, spec: {...}}` as written.
    pub body: Value,
    /// Line of its first key.
    pub line: u32,
    /// Index in its file.
    pub index: u32,
}

impl Document {
    /// The `spec`, or null.
    pub fn spec(&self) -> &Value {
        self.body.get("spec").unwrap_or(&Value::Null)
    }

    /// The label `key`.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.body.at(&["metadata", "labels", key])?.as_str()
    }
}
