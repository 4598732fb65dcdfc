//! Problems before their lines are known, and how they become diagnostics: each file that has
//! something to report is read once more with spans.

use crate::change::FieldPath;
use crate::diagnostic::{Code, Diagnostic, Location, Severity};
use crate::model::Violation;
use crate::parse::{DocumentId, ParsedTree, Part, Place, Spans};
use std::collections::HashMap;
use std::sync::Arc;

/// Something wrong with a document, at a place whose line is not yet known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The code.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// One sentence.
    pub message: String,
    /// What was expected there.
    pub label: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// An error at the value at `path` of `document`.
    pub fn error(code: Code, document: &DocumentId, path: FieldPath, message: impl Into<String>) -> Self {
        let place = Place { document: document.clone(), path, part: Part::Value };
        Self { severity: Severity::Error, code, place, message: message.into(), label: None, hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// A kind's violation, told where its value was given.
    pub fn from_violation(violation: Violation, place: Place) -> Self {
        let Violation { code, message, label, hint, .. } = violation;
        Self { severity: Severity::Error, code, place, message, label, hint }
    }
}

/// The text of the files of a tree.
pub trait Sources {
    /// The text of `file`, if it can be read as UTF-8.
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// Every diagnostic of a tree, in order of file and line: what its files say of themselves, and
/// what `problems` say of their documents.
pub fn diagnose(tree: &ParsedTree, problems: &[Problem], sources: &dyn Sources) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = tree
        .files
        .iter()
        .flat_map(|file| {
            file.parsed.errors.iter().map(|error| {
                let location = Location {
                    file: file.path.clone(),
                    line: error.span.line,
                    column: error.span.column,
                    length: error.span.length,
                };
                Diagnostic::error(error.code, location, error.message.clone()).with_hint(error.hint())
            })
        })
        .collect();
    let mut spans = HashMap::new();
    all.extend(problems.iter().map(|problem| placed(problem, sources, &mut spans)));
    all.sort_by(|a, b| (&a.location, a.code, &a.message, &a.hint).cmp(&(&b.location, b.code, &b.message, &b.hint)));
    all.dedup();
    all
}

type ReadSpans = HashMap<Arc<str>, Option<Spans>>;

fn placed(problem: &Problem, sources: &dyn Sources, read: &mut ReadSpans) -> Diagnostic {
    let DocumentId { file, index } = &problem.place.document;
    let spans = read.entry(file.clone()).or_insert_with(|| sources.text(file).map(|text| Spans::of(&text)));
    let location = match spans {
        None => Location::file(file.clone()),
        Some(spans) => {
            let span = spans.locate(*index, &problem.place.path, problem.place.part);
            Location { file: file.clone(), line: span.line, column: span.column, length: span.length }
        }
    };
    Diagnostic {
        severity: problem.severity,
        code: problem.code,
        message: problem.message.clone(),
        location,
        label: problem.label.clone(),
        hint: problem.hint.clone(),
    }
}
