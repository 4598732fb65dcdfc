//! Values as YAML a person could have written: on one line where that is short, else as lines.
//! Text that would read as something else is quoted; nothing hidden is printed as itself.

use super::text::{columns, escaped, is_hidden, visible};
use crate::change::Value;
use crate::parse::value_of_plain;

/// Lists and maps up to this long stand on one line.
const FLOW_COLUMNS: usize = 60;

/// `value` on one line, if it is a scalar of one line, or a short list or map.
pub(super) fn inline(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => None,
        Value::List(_) | Value::Map(_) => Some(flow(value)).filter(|text| columns(text) <= FLOW_COLUMNS),
        scalar => Some(flow(scalar)),
    }
}

/// `value` on one line, however long.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.spelling().to_owned(),
        Value::String(text) => string(text),
        Value::List(items) => format!("[{}]", joined(items.iter().map(flow))),
        Value::Map(map) => {
            format!("{{{}}}", joined(map.iter().map(|(key, item)| format!("{}: {}", string(key), flow(item)))))
        }
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// `text` plain where YAML would read it back as the same text, else quoted.
pub(super) fn string(text: &str) -> String {
    let plain = matches!(value_of_plain(text), Value::String(_))
        && !text.starts_with(['#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '{', '[', '?', ' '])
        && !text.starts_with("- ")
        && !text.ends_with([' ', ':'])
        && !text.chars().any(|c| is_hidden(c) || matches!(c, '→' | '…' | ',' | '[' | ']' | '{' | '}'))
        && !text.contains(": ")
        && !text.contains(" #")
        && text != "-";
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if is_hidden(c) => escaped(c),
            c => c.to_string(),
        })
        .collect();
    format!("\"{inner}\"")
}

/// `value` as lines of YAML; text as its own lines.
pub(super) fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text_lines(text),
        other => block(other),
    }
}

/// Lines of text. A missing last newline and a space at the end of a line are made visible.
fn text_lines(text: &str) -> Vec<String> {
    if !text.contains('\n') {
        return vec![string(text)];
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut lines: Vec<String> = body
        .split('\n')
        .map(|line| {
            let line = visible(line);
            line.strip_suffix(' ').map_or_else(|| line.clone(), |cut| format!("{cut}\\u{{20}}"))
        })
        .collect();
    if !text.ends_with('\n') {
        lines.push("(no newline at the end)".to_owned());
    }
    lines
}

fn block(value: &Value) -> Vec<String> {
    match value {
        Value::Map(map) if !map.is_empty() => {
            map.iter().flat_map(|(key, item)| entry(&format!("{}:", string(key)), "  ", item)).collect()
        }
        Value::List(items) if !items.is_empty() => items.iter().flat_map(|item| entry("-", "  ", item)).collect(),
        scalar => vec![flow(scalar)],
    }
}

fn entry(lead: &str, indent: &str, item: &Value) -> Vec<String> {
    if let Some(text) = inline(item) {
        return vec![format!("{lead} {text}")];
    }
    let (first, below) = match item {
        Value::String(text) => (format!("{lead} |"), text_lines(text)),
        other => (lead.to_owned(), block(other)),
    };
    std::iter::once(first).chain(below.into_iter().map(|line| format!("{indent}{line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_read_as_something_else_is_quoted() {
        for (text, shown) in [
            ("16Gi", "16Gi"),
            ("true", "\"true\""),
            ("4", "\"4\""),
            ("", "\"\""),
            ("#224466", "\"#224466\""),
            ("a: b", "\"a: b\""),
            ("8Gi → 16Gi", "\"8Gi → 16Gi\""),
            ("x\u{1b}[0m", "\"x\\u{1b}[0m\""),
            ("no", "no"),
            ("0 3 * * *", "0 3 * * *"),
        ] {
            assert_eq!(string(text), shown);
        }
    }
}
