//! The object that a document stands for: what will be a row.

use crate::change::{Digest, Map, ObjectKey, Value, Word};
use crate::parse::{Document, DocumentId, SourceRef};
use std::sync::Arc;

/// A desired object. The body is kept as JSON text: small, and what is stored.
#[derive(Debug, Clone)]
pub struct Object {
    /// Kind and name.
    pub key: ObjectKey,
    /// `{"annotations": …, "labels": …, "spec": …}`, merged, defaults filled, numbers normalised.
    pub body: Arc<str>,
    /// Digest of the body.
    pub digest: Digest,
    /// Digest of the body before defaults: tells a changed document from a changed Pintle.
    pub written: Digest,
    /// The document it comes from.
    pub document: DocumentId,
    /// The line of that document.
    pub line: u32,
    /// What it refers to, sorted.
    pub references: Arc<[ObjectKey]>,
    /// The partner it belongs to.
    pub partner: Option<Arc<str>>,
    /// The name it had before.
    pub previous_name: Option<Arc<str>>,
}

impl Object {
    /// The body as a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// File and line.
    pub fn source(&self) -> SourceRef {
        SourceRef { file: self.document.file.clone(), line: self.line }
    }
}

/// The body of an object: labels, annotations and the given spec, with normalised numbers.
pub fn object_body(document: &Document, spec: Value) -> Value {
    let [annotations, labels] = texts(document).map(|map| map.cloned().unwrap_or_else(Value::map));
    let entries: [(Word, Value); 3] =
        [("annotations".into(), annotations), ("labels".into(), labels), ("spec".into(), spec)];
    Value::Map(entries.into_iter().collect::<Map>()).normalised()
}

/// The digest of that body.
pub fn digest_of_body(document: &Document, spec: &Value) -> Digest {
    let nothing = Value::map();
    let [annotations, labels] = texts(document).map(|map| map.unwrap_or(&nothing));
    Digest::of_normalised(&[("annotations", annotations), ("labels", labels), ("spec", spec)])
}

/// Annotations and labels, where they are maps.
fn texts(document: &Document) -> [Option<&Value>; 2] {
    ["annotations", "labels"].map(|key| document.body.at(&["metadata", key]).filter(|map| map.as_map().is_some()))
}
