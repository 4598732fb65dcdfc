//! PlatformConfig: one document is many objects, a row for each key.

use super::object::{Object, object_body};
use super::{Problem, index::Entry};
use crate::change::{Digest, FieldPath, ObjectKey, Value};
use crate::diagnostic::Code;
use std::collections::HashMap;
use std::sync::Arc;

/// The objects of a document that stands for several.
pub fn expand(entry: &Entry, parts: Vec<(String, FieldPath, Value)>, references: &Arc<[ObjectKey]>) -> Vec<Object> {
    let kind = &entry.document.key.kind;
    parts.into_iter().map(|(name, _, spec)| {
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
    }).collect()
}

/// Keys that two documents of such a kind both give.
pub fn given_twice(objects: &[Object]) -> Vec<Problem> {
    let mut first: HashMap<&ObjectKey, &Object> = HashMap::new();
    let mut problems = Vec::new();
    for object in objects {
        if let Some(other) = first.insert(&object.key, object).filter(|other| other.document != object.document) {
            let path = FieldPath(vec!["spec".into(), "settings".into(), object.key.name.to_string()]);
            let message = format!("`{}` is set by two documents", object.key.name);
            problems.push(Problem::error(Code::AmbiguousSetting, &object.document, path, message).with_hint(Some(format!("the other one is {}", other.source()))));
        }
    }
    problems
}
