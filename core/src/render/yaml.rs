//! A value tree as YAML for people, quoted so that it reads back as the same value, by this reader
//! and by those that still take `no` for false.

use super::text::is_hidden;
use crate::change::{FieldPath, Value};
use crate::parse::value_of_plain;
use std::fmt::Write as _;

/// `value` as a block of YAML. `order` gives the keys that come first at the root; `note` may say
/// something behind a leaf.
pub fn yaml(value: &Value, order: &[&str], note: &dyn Fn(&FieldPath) -> Option<String>) -> String {
    let mut writer = Writer { lines: Vec::new(), note };
    writer.block(value, order, &mut FieldPath::default(), 0, "");
    writer.finish()
}

struct Writer<'a> {
    lines: Vec<(String, Option<String>)>,
    note: &'a dyn Fn(&FieldPath) -> Option<String>,
}

impl Writer<'_> {
    /// Writes a value whose first line begins with `lead` (a key or a dash) at `depth`.
    fn block(&mut self, value: &Value, order: &[&str], path: &mut FieldPath, depth: usize, lead: &str) {
        match value {
            Value::Map(map) if !map.is_empty() => {
                let first = order.iter().filter_map(|key| Some((*key, map.get(key)?)));
                let rest = map.iter().filter(|(key, _)| !order.contains(key));
                let entries: Vec<_> = first.chain(rest).collect();
                self.each(
                    lead,
                    depth,
                    entries.into_iter().map(|(key, inner)| (key.to_owned(), format!("{}:", scalar(key)), inner)),
                    path,
                );
            }
            Value::List(items) if !items.is_empty() => {
                self.each(
                    lead,
                    depth,
                    items.iter().enumerate().map(|(at, inner)| (at.to_string(), "-".to_owned(), inner)),
                    path,
                );
            }
            other => {
                let note = (self.note)(path);
                self.line(depth, &format!("{lead} {}", plain(other)), note);
            }
        }
    }

    fn each<'v>(
        &mut self,
        lead: &str,
        depth: usize,
        entries: impl Iterator<Item = (String, String, &'v Value)>,
        path: &mut FieldPath,
    ) {
        let inner = if lead.is_empty() { depth } else { depth + 1 };
        // The first entry of a map in a list stands behind its dash.
        let mut dash = lead == "-";
        if !dash && !lead.is_empty() {
            self.line(depth, lead, None);
        }
        for (key, label, value) in entries {
            path.0.push(key);
            let from = self.lines.len();
            self.block(value, &[], path, inner, &label);
            path.0.pop();
            if std::mem::take(&mut dash)
                && let Some((line, _)) = self.lines.get_mut(from)
            {
                line.replace_range(depth * 2..=depth * 2, "-");
            }
        }
    }

    fn line(&mut self, depth: usize, text: &str, note: Option<String>) {
        self.lines.push((format!("{}{}", "  ".repeat(depth), text.trim_start()), note));
    }

    /// The notes stand in one column, as far as the lines are not too long for that.
    fn finish(self) -> String {
        let width = |line: &str| line.chars().count();
        let column = self
            .lines
            .iter()
            .filter(|(_, note)| note.is_some())
            .map(|(line, _)| width(line))
            .filter(|width| *width <= 60)
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (line, note) in &self.lines {
            text.push_str(line);
            if let Some(note) = note {
                let _ = write!(text, "{}  # {note}", " ".repeat(column.saturating_sub(width(line))));
            }
            text.push('\n');
        }
        text
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.spelling().to_owned(),
        Value::String(text) => scalar(text),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

/// `value` on one line, as it stands behind a key or in a flow collection.
pub fn inline(value: &Value) -> String {
    match value {
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entry = |(key, value): (&str, &Value)| format!("{}: {}", inline_text(key), inline(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => inline_text(text),
        other => plain(other),
    }
}

/// Text in a flow collection, where a comma would end it.
fn inline_text(text: &str) -> String {
    if text.contains([',', '[', ']', '{', '}']) { quoted(text) } else { scalar(text) }
}

/// Text as a plain scalar where that cannot be misread, else in double quotes.
fn scalar(text: &str) -> String {
    let tame = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '_' | '-'
                    | '.'
                    | '/'
                    | '+'
                    | ' '
                    | '('
                    | ')'
                    | '@'
                    | ':'
                    | ','
                    | '='
                    | '%'
                    | '*'
                    | '~'
                    | '\''
                    | '"'
                    | ';'
                    | '$'
                    | '<'
                    | '>'
            )
    };
    let begins = text.chars().next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '('));
    let ends = !text.ends_with([' ', ':']);
    let read = matches!(value_of_plain(text), Value::String(_)) && !is_other_word(text);
    if begins && ends && read && text.chars().all(tame) && !text.contains(": ") {
        return text.to_owned();
    }
    quoted(text)
}

/// What other readers take for a boolean, a number or a date-like thing of base 60.
fn is_other_word(text: &str) -> bool {
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | ".inf" | ".nan"
    );
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, 'x' | 'o' | '_' | ':' | '.' | '+' | '-'));
    // `4.6.2` is a version and no number to anyone.
    word || (numeric && text.matches('.').count() < 2 && !text.contains('-'))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = if u32::from(c) > 0xffff {
                    write!(out, "\\U{:08x}", u32::from(c))
                } else {
                    write!(out, "\\u{:04x}", u32::from(c))
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Limits, read_documents};
    use proptest::prelude::*;

    fn read(text: &str) -> Value {
        let (mut documents, errors) = read_documents(text, Limits::default());
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        documents.pop().unwrap().0
    }

    #[test]
    fn a_document_reads_as_people_write_it() {
        let value = read(
            "kind: Instance\nspec: {domains: [a.example, b.example], rules: [{name: x, count: 1}, []], on: \"no\", none: null, empty: {}}",
        );
        insta::assert_snapshot!(yaml(&value, &["kind"], &|path| (path.0.last().map(String::as_str) == Some("count")).then(|| "a.yaml:2".into())), @r#"
        kind: Instance
        spec:
          domains:
            - a.example
            - b.example
          empty: {}
          none: null
          "on": "no"
          rules:
            - count: 1  # a.yaml:2
              name: x
            - []
        "#);
    }

    #[test]
    fn what_could_be_misread_is_quoted() {
        for text in [
            "", " a", "a ", "no", "1", "1e3", "0x1f", "1:30", "null", "~", "- a", "a: b", "a #b", "#", "&a", "*a",
            "!t", "|", ">", "%", "@a", "`", "{", "[", "a\nb", "<<", "?", "a:",
        ] {
            let written = yaml(&Value::string(text), &[], &|_| None);
            assert_eq!(read(&written), Value::string(text), "{written}");
            assert!(written.starts_with('"'), "{written}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|n| Value::Number(n.into())),
            "[ -~\n\tä€]{0,12}".prop_map(Value::string)
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                proptest::collection::vec(("[ -~]{1,6}".prop_map(String::into_boxed_str), inner), 0..4)
                    .prop_map(|all| Value::Map(all.into_iter().map(|(key, value)| (key.into(), value)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in values()) {
            prop_assert_eq!(read(&yaml(&value, &[], &|_| Some("a note".into()))), value);
        }
    }
}
