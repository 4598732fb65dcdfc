//! Field changes as RFC 6902 (JSON Patch).

use crate::change::{FieldChange, FieldPath};
use serde_json::{Value, json};

/// The patch that turns before into after.
pub fn json_patch(changes: &[FieldChange]) -> Value {
    changes.iter().map(operation).collect()
}

fn operation(change: &FieldChange) -> Value {
    let path = pointer(&change.path);
    match (&change.before, &change.after) {
        (None, Some(after)) => json!({"op": "add", "path": path, "value": after}),
        (_, None) => json!({"op": "remove", "path": path}),
        (Some(_), Some(after)) => json!({"op": "replace", "path": path, "value": after}),
    }
}

/// RFC 6901.
fn pointer(path: &FieldPath) -> String {
    path.0.iter().fold(String::new(), |pointer, key| pointer + "/" + &key.replace('~', "~0").replace('/', "~1"))
}
