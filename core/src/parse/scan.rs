//! One file → its documents, or everything that is wrong with it. Knows no path, so that the
//! result can be cached by blob id.

use super::document::Document;
use super::tree::{Limits, Span, SpannedValue, YamlError, read_documents_to};
use crate::change::{ObjectKey, Value};
use crate::diagnostic::Code;
use std::sync::Arc;

/// What one blob holds.
#[derive(Debug, Clone, Default)]
pub struct ParsedFile {
    /// The documents whose envelope is sound.
    pub documents: Vec<Arc<Document>>,
    /// Everything wrong with the text or an envelope.
    pub errors: Vec<YamlError>,
}

/// A blob at its path.
#[derive(Debug, Clone)]
pub struct File {
    /// Path in the repository.
    pub path: Arc<str>,
    /// What it holds.
    pub parsed: Arc<ParsedFile>,
}

/// Every document file of one tree, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct ParsedTree {
    /// The files.
    pub files: Vec<File>,
}

/// A file that says something else than in the tree before.
#[derive(Debug, Clone)]
pub struct FileEdit {
    /// Path in the repository.
    pub path: Arc<str>,
    /// What it held.
    pub before: Arc<ParsedFile>,
    /// What it holds.
    pub after: Arc<ParsedFile>,
}

/// Parses and sorts the files of a tree.
pub fn parse_tree<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> ParsedTree {
    let mut files: Vec<File> = files
        .into_iter()
        .map(|(path, bytes)| File { path: path.into(), parsed: Arc::new(parse_file(bytes)) })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    ParsedTree { files }
}

/// Levels whose places an envelope's errors name: a document's fields, and those of `metadata`.
const ENVELOPE: usize = 2;

/// Reads one file.
pub fn parse_file(bytes: &[u8]) -> ParsedFile {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let error = YamlError { code: Code::NotUtf8, span: Span::default(), message: "the file is not UTF-8".into() };
        return ParsedFile { documents: Vec::new(), errors: vec![error] };
    };
    let (trees, mut errors) = read_documents_to(text, Limits::default(), ENVELOPE);
    let mut documents = Vec::with_capacity(trees.len());
    for (index, (value, spans)) in trees.into_iter().enumerate() {
        if value == Value::Null {
            continue;
        }
        match envelope(value, &spans, index as u32) {
            Ok(document) => documents.push(Arc::new(document)),
            Err(mut wrong) => errors.append(&mut wrong),
        }
    }
    ParsedFile { documents, errors }
}

fn envelope(value: Value, spans: &SpannedValue, index: u32) -> Result<Document, Vec<YamlError>> {
    let mut errors = Vec::new();
    let mut fail =
        |code, path: &[&str], message: String| errors.push(YamlError { code, span: span_at(spans, path), message });
    if value.as_map().is_none() {
        fail(Code::BadEnvelope, &[], format!("expected a document, found a {}", value.type_name()));
        return Err(errors);
    }
    if value.get("apiVersion").and_then(Value::as_str) != Some("pintle/v1") {
        fail(Code::BadEnvelope, &["apiVersion"], "expected `apiVersion: pintle/v1`".into());
    }
    let kind = value.get("kind").and_then(Value::as_str);
    if kind.is_none() {
        fail(Code::BadEnvelope, &["kind"], "expected `kind:` with the name of a kind".into());
    }
    let name = value.at(&["metadata", "name"]).and_then(Value::as_str);
    match name {
        None => fail(Code::BadEnvelope, &["metadata", "name"], "expected `metadata.name` as text".into()),
        Some(name) if !is_dns_label(name) => {
            fail(
                Code::InvalidName,
                &["metadata", "name"],
                format!("`{name}` is not a DNS label of at most 63 characters"),
            );
        }
        Some(_) => {}
    }
    if value.get("spec").and_then(Value::as_map).is_none() {
        fail(Code::BadEnvelope, &["spec"], "expected `spec:` with a map".into());
    }
    let (Some(kind), Some(name), true) = (kind, name, errors.is_empty()) else { return Err(errors) };
    let key = ObjectKey::new(kind, name);
    let previous_name = value.at(&["metadata", "previousName"]).and_then(Value::as_str).map(Into::into);
    let line = spans.children.first().map_or(spans.span.line, |(_, key, _)| key.line);
    Ok(Document { key, previous_name, body: value, line, index })
}

/// Lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit.
fn is_dns_label(name: &str) -> bool {
    let inner = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    inner && (1..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-')
}

/// The span of the nearest thing on `path` that exists.
fn span_at(spans: &SpannedValue, path: &[&str]) -> Span {
    let mut here = spans;
    let mut span = spans.children.first().map_or(spans.span, |(_, key, _)| *key);
    for key in path {
        let Some((_, _, child)) = here.children.iter().find(|(have, ..)| have == key) else { return span };
        span = child.span;
        here = child;
    }
    span
}
