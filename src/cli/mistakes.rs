//! What is wrong with documents, printed in each form.

use super::{Exit, Format, Out};
use crate::reconcile::all_diagnostics;
use crate::source::LoadedTree;
use pintle_core::diagnostic::{Diagnostic, Severity, has_errors};
use pintle_core::render::{diagnostics_human, diagnostics_markdown};
use pintle_core::resolve::Resolved;

/// Prints what is wrong, if something is an error.
pub(super) fn mistakes(loaded: &LoadedTree, resolved: &Resolved, out: &Out) -> Option<Exit> {
    let diagnostics = all_diagnostics(loaded, resolved);
    if !has_errors(&diagnostics) {
        return None;
    }
    let checked = loaded.checked();
    match out.format {
        Format::Json => out.json(&serde_json::json!({"formatVersion": "1.0", "diagnostics": diagnostics})),
        Format::Markdown => out.text(&diagnostics_markdown(&diagnostics, &loaded.texts, checked)),
        Format::Human => out.text(&diagnostics_human(&diagnostics, &loaded.texts, checked, &out.paper())),
    }
    Some(exit(&diagnostics))
}

/// How a command ends that met `diagnostics`.
pub(super) fn exit(diagnostics: &[Diagnostic]) -> Exit {
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error);
    if has_errors(diagnostics) { Exit::of_mistakes(errors.map(|one| one.code.as_str())) } else { Exit::Success }
}
