//! Where a value stands: the file is read again with spans, and only when there is something to say.

use super::document::DocumentId;
use super::tree::{Limits, Span, SpannedValue, read_documents};
use crate::change::FieldPath;

/// A place in a document, before its line is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document.
    pub document: DocumentId,
    /// The path from the document's root.
    pub path: FieldPath,
    /// The key or the value at that path.
    pub part: Part,
}

/// Which part of an entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key: for unknown fields.
    Key,
    /// The value.
    Value,
}

/// The span of `path` in document `index` of `text`; of its nearest existing ancestor otherwise.
pub fn locate(text: &str, index: u32, path: &FieldPath, part: Part) -> Span {
    Spans::of(text).locate(index, path, part)
}

/// The spans of one file, read once for everything that is to be told of it.
#[derive(Debug)]
pub struct Spans(Vec<SpannedValue>);

impl Spans {
    /// Reads `text`.
    pub fn of(text: &str) -> Self {
        Self(read_documents(text, Limits::default()).0.into_iter().map(|(_, spans)| spans).collect())
    }

    /// As [`locate`].
    pub fn locate(&self, index: u32, path: &FieldPath, part: Part) -> Span {
        self.0.get(index as usize).map_or(Span { line: 1, column: 1, length: 1 }, |spans| span_at(spans, path, part))
    }
}

fn span_at(spans: &SpannedValue, path: &FieldPath, part: Part) -> Span {
    let mut here = spans;
    let mut span = spans.children.first().map_or(spans.span, |(_, key, _)| *key);
    for (depth, key) in path.0.iter().enumerate() {
        let Some((_, key_span, child)) = here.children.iter().find(|(have, ..)| have == key) else { return span };
        let last = depth + 1 == path.0.len();
        let collection = !child.children.is_empty();
        span = if collection || (last && part == Part::Key) { *key_span } else { child.span };
        here = child;
    }
    span
}
