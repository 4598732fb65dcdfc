//! One blob as a document file: its documents, each with the digest of its slice of the bytes.

use crate::change::Digest;
use crate::parse::{Document, parse_file};
use std::sync::Arc;

/// One blob as a document file: its documents, each with the digest of its slice.
#[derive(Debug)]
pub(super) struct DocumentFile {
    pub documents: Vec<(Arc<Document>, Digest)>,
    pub bytes: usize,
    /// The first of its errors.
    pub error: Option<String>,
}

impl DocumentFile {
    pub fn read(bytes: &[u8]) -> Self {
        let parsed = parse_file(bytes);
        let error = parsed.errors.first().map(|error| format!("line {}: {}", error.span.line, error.message));
        let slices = slices(bytes, &parsed.documents);
        Self { documents: parsed.documents.into_iter().zip(slices).collect(), bytes: bytes.len(), error }
    }
}

/// Cuts a file at the markers between its documents. Every byte belongs to one slice.
fn slices(bytes: &[u8], documents: &[Arc<Document>]) -> Vec<Digest> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let mut starts = vec![0];
    for document in documents.iter().skip(1) {
        let own = (document.line.saturating_sub(1) as usize).min(lines.len());
        let marker = (0..=own.min(lines.len().saturating_sub(1))).rev().find(|at| lines[*at].starts_with(b"---"));
        let floor = starts.last().copied().unwrap_or(0);
        starts.push(marker.unwrap_or(own).max(floor));
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let digests = starts.iter().zip(ends).map(|(from, to)| Digest::of(&lines[*from..to].concat()));
    digests.take(documents.len()).collect()
}
