//! References resolve in the same commit. A dangling one is told at its own line, with the nearest name.

use super::Problem;
use super::index::Index;
use super::layers::{Layer, place_of};
use crate::change::{FieldPath, ObjectKey, Value};
use crate::diagnostic::{Code, Severity, nearest};
use crate::model::Shape;
use crate::parse::{DocumentId, Part};

/// Every object that `body` refers to, sorted; dangling ones go to `problems`.
pub fn check(
    shape: &Shape,
    body: &Value,
    layers: &[Layer<'_>],
    id: &DocumentId,
    index: &Index,
    problems: &mut Vec<Problem>,
) -> Vec<ObjectKey> {
    let mut found = Vec::new();
    let mut dangling = Vec::new();
    shape.references(body, &mut |path, kind, name| {
        let key = ObjectKey::new(kind, name);
        match index.get(&key) {
            Some(_) => found.push(key),
            None => dangling.push((path.clone(), key)),
        }
    });
    problems.extend(dangling.into_iter().map(|(path, key)| report(&path, &key, layers, id, index)));
    found.sort();
    found.dedup();
    found
}

fn report(path: &FieldPath, key: &ObjectKey, layers: &[Layer<'_>], id: &DocumentId, index: &Index) -> Problem {
    let names: Vec<&str> = index.of_kind(&key.kind).map(|entry| &*entry.document.key.name).collect();
    let hint = match nearest(&key.name, names.iter().copied()) {
        Some(name) => index
            .get(&ObjectKey::new(key.kind.clone(), name))
            .map(|entry| format!("there is a {} `{name}` ({}:{})", key.kind, entry.file, entry.document.line)),
        None if names.is_empty() => Some(format!("there is no {} at all", key.kind)),
        None => Some(format!("`pintle get {}` lists them", key.kind.to_lowercase())),
    };
    Problem {
        severity: Severity::Error,
        code: Code::DanglingReference,
        place: place_of(layers, id.clone(), path, Part::Value),
        message: format!("{} `{}` does not exist", in_words(&key.kind), key.name),
        label: None,
        hint,
    }
}

/// A kind in a sentence: `MaintenanceWindow` is "maintenance window".
fn in_words(kind: &str) -> String {
    let mut words = String::with_capacity(kind.len() + 1);
    for letter in kind.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
