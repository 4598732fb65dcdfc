//! Draws diagnostics over their source lines, as rustc does, with rustc's own renderer.

use super::{Diagnostic, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Drawing {
    /// Colours for a terminal.
    pub colour: bool,
    /// Columns available.
    pub width: usize,
}

/// Draws `one` over `source`, the text of the file it stands in (when it can be had).
pub fn draw(one: &Diagnostic, source: Option<&str>, drawing: Drawing) -> String {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(one.message.as_str())
        .id(one.code.as_str())
        .elements(Vec::<annotate_snippets::Element<'_>>::new());
    match (one.location.line, source) {
        (line, Some(source)) if line > 0 => {
            let span = byte_span(source, line, one.location.column, one.location.length);
            let mark = AnnotationKind::Primary.span(span).label(one.label.as_deref());
            group = group.element(Snippet::source(source).path(&*one.location.file).annotation(mark));
        }
        _ => group = group.element(annotate_snippets::Origin::path(one.location.file.to_string())),
    }
    if let Some(hint) = &one.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if drawing.colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(drawing.width).render(&[group])
}

fn byte_span(source: &str, line: u32, column: u32, length: u32) -> std::ops::Range<usize> {
    let start_of_line: usize = source.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let rest = source.get(start_of_line..).unwrap_or_default();
    let text = rest.split('\n').next().unwrap_or_default();
    let at = |characters: usize| text.char_indices().nth(characters).map_or(text.len(), |(byte, _)| byte);
    let from = at(column.saturating_sub(1) as usize);
    let to = at((column.saturating_sub(1) + length.max(1)) as usize).max(from);
    start_of_line + from..start_of_line + to
}
