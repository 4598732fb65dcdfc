//! PlatformConfig: one document is many objects, a row for each key.

use super::object::{Object, object_body};
use super::{Problem, index::Entry};
use crate::change::{Digest, FieldPath, ObjectKey, Value};
use crate::diagnostic::Code;
use std::sync::Arc;

/// The objects of a document that stands for several.
pub fn expand(entry: &Entry, parts: Vec<(String, FieldPath, Value)>, references: &Arc<[ObjectKey]>) -> Vec<Object> {
    let kind = &entry.document.key.kind;
    parts
        .into_iter()
        .map(|(name, _, spec)| {
            let body = object_body(&entry.document, spec);
            let digest = Digest::of_value(&body);
            Object {
                key: ObjectKey::new(kind.clone(), name.as_str()),
                body: serde_json::to_string(&body).unwrap_or_default().into(),
                digest,
                written: digest,
                document: entry.id(),
                line: entry.document.line,
                references: references.clone(),
                partner: None,
                previous_name: None,
            }
        })
        .collect()
}

/// Keys that two documents of such a kind both give; `objects` are sorted by key.
pub fn given_twice(objects: &[Arc<Object>]) -> Vec<Problem> {
    let pairs = objects.windows(2).filter_map(|pair| match pair {
        [one, other] if one.key == other.key => Some((one, other)),
        _ => None,
    });
    pairs
        .map(|(first, second)| {
            let path = FieldPath(vec!["spec".into(), "settings".into(), second.key.name.to_string()]);
            let message = format!("`{}` is set by two documents", second.key.name);
            Problem::error(Code::AmbiguousSetting, &second.document, path, message)
                .with_hint(Some(format!("the other one is {}", first.source())))
        })
        .collect()
}
