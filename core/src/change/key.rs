//! The identity of an object: its kind and name. Which file it stands in is not part of it.

use super::Word;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Kind and name. `Display` is what people paste into the next command: `Instance/acme-prod`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The kind, as in `kind: Instance`.
    pub kind: Word,
    /// The name, unique within the kind.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of `kind` and `name`.
    pub fn new(kind: impl Into<Word>, name: impl Into<Arc<str>>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }

    /// Reads `Kind/name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self::new(kind, name))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}
