//! Field changes: where two values differ. Maps are compared key by key, lists as a whole.

use super::Value;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A path of keys from the root of a document body, such as `spec.update.pin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub Vec<String>);

impl FieldPath {
    /// The path that a dotted text names. For paths that people write; keys with dots need [`FieldPath`] itself.
    pub fn dotted(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// This path, one key deeper.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        let mut path = self.0.clone();
        path.push(key.to_owned());
        Self(path)
    }

    /// Whether one path is the other, or an ancestor or a descendant of it.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            match (key.contains(['.', ' ', '"', '[']), index) {
                (true, _) => write!(f, "[{key:?}]")?,
                (false, 0) => f.write_str(key)?,
                (false, _) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// One field that differs. Absent and null are not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where.
    pub path: FieldPath,
    /// What stood there; `None` when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What will stand there; `None` when nothing will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every field in which `after` differs from `before`, in order of path.
pub fn field_changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    walk(&FieldPath::default(), Some(before), Some(after), &mut changes);
    changes
}

fn walk(path: &FieldPath, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    if let (Some(Value::Map(old)), Some(Value::Map(new))) = (before, after) {
        let mut keys: Vec<&str> = old.keys().chain(new.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            walk(&path.child(key), old.get(key), new.get(key), out);
        }
        return;
    }
    out.push(FieldChange { path: path.clone(), before: before.cloned(), after: after.cloned() });
}
