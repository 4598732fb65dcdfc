//! Many diagnostics: each drawn over its source line, then one line that says how many, where, and
//! that nothing was changed.

use super::COMMENT_LIMIT;
use super::markdown_text::{Page, fenced};
use super::style::{Paper, Style};
use super::text::{counted, grouped, visible};
use crate::diagnostic::{Diagnostic, Drawing, Severity, draw};
use crate::resolve::Sources;
use std::collections::BTreeSet;

/// Diagnostics that are drawn; the others get a line each.
const DRAWN: usize = 100;

/// What was checked, for the closing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// How many documents the tree holds.
    pub documents: usize,
}

/// Every diagnostic, and the closing line. Empty when there is none.
pub fn diagnostics_human(diagnostics: &[Diagnostic], sources: &dyn Sources, checked: Checked, paper: &Paper) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let drawing = Drawing { colour: paper.colour, width: paper.columns() };
    let mut text = String::new();
    for one in diagnostics.iter().take(DRAWN) {
        text.push_str(&drawn(one, sources, drawing));
        text.push_str("\n\n");
    }
    diagnostics.iter().skip(DRAWN).for_each(|one| text.push_str(&on_one_line(one)));
    if diagnostics.len() > DRAWN {
        text.push('\n');
    }
    text + &paper.paint(Style::Bold, &closing(diagnostics, sources, checked)) + "\n"
}

/// The same as a comment of at most [`COMMENT_LIMIT`] characters.
pub fn diagnostics_markdown(diagnostics: &[Diagnostic], sources: &dyn Sources, checked: Checked) -> String {
    let mut page = Page::new(COMMENT_LIMIT);
    if diagnostics.is_empty() {
        page.push(&format!("### Pintle: {} checked, nothing is wrong\n", counted(checked.documents, "document")), 0);
        return page.finish();
    }
    page.push(&format!("### Pintle: {}\n", numbers(diagnostics, sources, checked)), 0);
    let drawing = Drawing { colour: false, width: 100 };
    let mut shown = 0;
    for one in diagnostics.iter().take(DRAWN) {
        let block = fenced("text", &drawn(one, sources, drawing));
        if !page.push(&block, 512) {
            break;
        }
        shown += 1;
    }
    if shown < diagnostics.len() {
        page.push(
            &format!("\n{} did not fit: `pintle validate` shows all.\n", grouped(diagnostics.len() - shown)),
            256,
        );
    }
    page.push(&format!("\n{}\n", consequence(diagnostics)), 0);
    page.finish()
}

/// One diagnostic over its source. Its words may quote a document, so they are made visible first.
fn drawn(one: &Diagnostic, sources: &dyn Sources, drawing: Drawing) -> String {
    let mut safe = one.clone();
    safe.message = visible(&one.message);
    safe.label = one.label.as_deref().map(visible);
    safe.hint = one.hint.as_deref().map(visible);
    safe.location.file = visible(&one.location.file).into();
    draw(&safe, sources.text(&one.location.file).as_deref(), drawing)
}

fn on_one_line(one: &Diagnostic) -> String {
    let word = if one.severity == Severity::Error { "error" } else { "warning" };
    format!("{}: {word}[{}]: {}\n", visible(&one.location.to_string()), one.code, visible(&one.message))
}

/// `2 errors in 1 of 143 documents. Nothing was changed. (pintle explain PIN0203)`
fn closing(diagnostics: &[Diagnostic], sources: &dyn Sources, checked: Checked) -> String {
    format!("{}. {}", numbers(diagnostics, sources, checked), consequence(diagnostics).replace('`', ""))
}

fn numbers(diagnostics: &[Diagnostic], sources: &dyn Sources, checked: Checked) -> String {
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
    let warnings = diagnostics.len() - errors;
    let parts = [(errors, "error"), (warnings, "warning")].into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, noun)| counted(number, noun)).collect();
    let documents: BTreeSet<(&str, usize)> =
        diagnostics.iter().map(|one| (&*one.location.file, document_of(one, sources))).collect();
    let total = checked.documents.max(documents.len());
    format!("{} in {} of {}", parts.join(" and "), grouped(documents.len()), counted(total, "document"))
}

/// Which document of its file a diagnostic stands in: how many separators stand above it.
fn document_of(one: &Diagnostic, sources: &dyn Sources) -> usize {
    let Some(text) = sources.text(&one.location.file) else { return 0 };
    let above = text
        .lines()
        .take(one.location.line as usize)
        .skip_while(|line| line.trim().is_empty() || line.starts_with('#'));
    above.skip(1).filter(|line| line.starts_with("---")).count()
}

fn consequence(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().rev().find(|one| one.severity == Severity::Error);
    match (errors, diagnostics.last()) {
        (Some(error), _) => format!("Nothing was changed. (`pintle explain {}`)", error.code),
        (None, Some(warning)) => format!("(`pintle explain {}`)", warning.code),
        (None, None) => String::new(),
    }
}
