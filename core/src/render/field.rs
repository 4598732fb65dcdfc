//! One field change for people: `~ spec.field  before → after` where that fits on a line, else the
//! lines that go and come. The sign says it; the colour only repeats it.

use super::scalar;
use super::style::{Paper, Style};
use super::text::{clipped, clipped_at_difference, columns, counted, visible};
use crate::change::{FieldChange, Value};
use similar::{Algorithm, ChangeTag, TextDiff};

/// Lines of one side that are compared line by line.
const MOST_COMPARED: usize = 2000;
/// Lines of one difference that are shown.
const MOST_SHOWN: usize = 40;
/// Where lines of a difference begin.
const INDENT: &str = "      ";

/// The path of a field as printed.
pub(super) fn path(field: &FieldChange) -> String {
    visible(&field.path.to_string())
}

/// `before → after`, or the one side there is; `None` when that needs lines.
pub(super) fn on_one_line(field: &FieldChange) -> Option<String> {
    let side = |value: &Option<Value>| value.as_ref().map(scalar::inline);
    match (side(&field.before), side(&field.after)) {
        (Some(before), Some(after)) => Some(format!("{} → {}", before?, after?)),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Some(String::new()),
    }
}

/// The sign and style of a field that came, went or changed.
pub(super) fn sign(field: &FieldChange) -> (char, Style) {
    match (&field.before, &field.after) {
        (None, _) => ('+', Style::Added),
        (_, None) => ('-', Style::Removed),
        _ => ('~', Style::Changed),
    }
}

/// The lines of `field`, the value from column `column` on.
pub(super) fn lines(field: &FieldChange, column: usize, paper: &Paper) -> Vec<String> {
    let (sign, style) = sign(field);
    let path = path(field);
    let sign = paper.paint(style, &sign.to_string());
    if let Some(values) = on_one_line(field) {
        let room = paper.columns().saturating_sub(4 + columns(&path) + columns(&values));
        let aligned = column.saturating_sub(columns(&path)).max(2);
        if room >= 2 {
            let gap = if aligned <= room { aligned } else { 2 };
            return vec![format!("  {sign} {path}{}{values}", " ".repeat(gap))];
        }
    }
    let mut lines = vec![format!("  {sign} {path}")];
    lines.extend(difference(field, paper));
    lines
}

fn difference(field: &FieldChange, paper: &Paper) -> Vec<String> {
    let side = |value: &Option<Value>| value.as_ref().map(scalar::lines).unwrap_or_default();
    let (old, new) = (side(&field.before), side(&field.after));
    let width = paper.columns().saturating_sub(INDENT.len() + 2);
    if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
        let lines = [
            ('-', Style::Removed, clipped_at_difference(old, new, width)),
            ('+', Style::Added, clipped_at_difference(new, old, width)),
        ];
        return lines.map(|(sign, style, text)| line(sign, style, &text, paper)).to_vec();
    }
    if old.len() > MOST_COMPARED || new.len() > MOST_COMPARED {
        return vec![format!("{INDENT}{} before, {} after", counted(old.len(), "line"), counted(new.len(), "line"))];
    }
    let lines = compared(&old, &new);
    let hidden = lines.len().saturating_sub(MOST_SHOWN);
    let mut shown: Vec<String> = lines
        .into_iter()
        .take(MOST_SHOWN)
        .map(|(sign, style, text)| line(sign, style, &clipped(&text, width), paper))
        .collect();
    if hidden > 0 {
        shown.push(format!("{INDENT}… and {} (pintle plan -o json)", counted(hidden, "more line")));
    }
    shown
}

fn compared(old: &[String], new: &[String]) -> Vec<(char, Style, String)> {
    let text = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>();
    let (old, new) = (text(old), text(new));
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(&old, &new);
    let hunks = diff.grouped_ops(1);
    let mut lines = Vec::new();
    for (at, hunk) in hunks.iter().enumerate() {
        if at > 0 {
            lines.push((' ', Style::Muted, "…".to_owned()));
        }
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', Style::Removed),
                ChangeTag::Insert => ('+', Style::Added),
                ChangeTag::Equal => (' ', Style::Muted),
            };
            lines.push((sign, style, change.value().trim_end_matches('\n').to_owned()));
        }
    }
    lines
}

fn line(sign: char, style: Style, text: &str, paper: &Paper) -> String {
    format!("{INDENT}{}", paper.paint(style, format!("{sign} {text}").trim_end()))
}
