//! The text of a document, edited field by field: comments, order and style of everything else stay as
//! they are. Each edit is held against a reading of the result, and refused if it says anything else
//! than was asked for; what this cannot do is left to people.

use crate::change::{FieldPath, Value};
use crate::parse::{Limits, Span, SpannedValue, read_documents};
use crate::render::inline;

/// Why a field was not edited. The text is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text cannot be read, or has no such document.
    #[error("there is no such document in it")]
    NoDocument,
    /// A list or a scalar stands on the way.
    #[error("the path leads through something that is no map")]
    NoWay,
    /// The result would not say what was asked for.
    #[error("it is written in a way that cannot be edited without touching something else: edit it by hand")]
    TooClever,
}

/// `text` with `value`, or nothing, at `path` of its document `index`.
pub fn edit(text: &str, index: usize, path: &FieldPath, value: Option<&Value>) -> Result<String, EditError> {
    let (documents, errors) = read_documents(text, Limits::default());
    let (before, spans) = documents.get(index).filter(|_| errors.is_empty()).ok_or(EditError::NoDocument)?;
    let mut wanted = before.clone();
    if value.is_none() && before.at(&path.0).is_none() {
        return Ok(text.to_owned());
    }
    if !wanted.put(&path.0, value.cloned()) {
        return Err(EditError::NoWay);
    }
    let edited = Page { text }.edited(spans, before, path, value).ok_or(EditError::TooClever)?;
    let (after, errors) = read_documents(&edited, Limits::default());
    let same = |at: usize| if at == index { &wanted } else { &documents[at].0 };
    let sound = errors.is_empty() && after.len() == documents.len();
    let as_asked = sound && after.iter().enumerate().all(|(at, (value, _))| value == same(at));
    if as_asked { Ok(edited) } else { Err(EditError::TooClever) }
}

/// The text, and where things stand in it.
struct Page<'a> {
    text: &'a str,
}

/// The entry that a path leads to, or the map that it would be in.
struct Found<'s> {
    key: Option<Span>,
    value: &'s SpannedValue,
    flow: bool,
}

impl Page<'_> {
    fn edited(&self, spans: &SpannedValue, body: &Value, path: &FieldPath, value: Option<&Value>) -> Option<String> {
        let mut way = vec![Found { key: None, value: spans, flow: self.is_flow(spans) }];
        for key in &path.0 {
            let Some((_, at, child)) = way.last()?.value.children.iter().find(|(have, ..)| have == key) else { break };
            let flow = way.last()?.flow || self.is_flow(child);
            way.push(Found { key: Some(*at), value: child, flow });
        }
        let depth = way.len() - 1;
        let (here, parent) = (way.last()?, depth.checked_sub(1).map(|at| &way[at]));
        match value {
            Some(value) if depth == path.0.len() => self.replaced(here, parent?, value),
            Some(value) => {
                let (key, below) = path.0[depth..].split_first()?;
                let mut inner = value.clone();
                for key in below.iter().rev() {
                    let mut map = Value::map();
                    map.put(&[key], Some(inner));
                    inner = map;
                }
                match body.at(&path.0[..depth]) {
                    Some(Value::Map(map)) if !map.is_empty() || here.flow => self.added(here, key, &inner),
                    Some(Value::Map(_) | Value::Null) => {
                        let mut map = Value::map();
                        map.put(&[key], Some(inner));
                        self.replaced(here, parent?, &map)
                    }
                    _ => None,
                }
            }
            None if parent?.value.children.len() == 1 && depth > 1 => {
                let above = way.get(depth.checked_sub(2)?)?;
                self.replaced(parent?, above, &Value::map())
            }
            None => self.removed(here, parent?),
        }
    }

    /// Another value behind the key.
    fn replaced(&self, found: &Found<'_>, parent: &Found<'_>, value: &Value) -> Option<String> {
        let key = found.key?;
        if parent.flow || self.is_flow(found.value) || self.is_on_line(found) {
            let (from, to) = self.extent(found.value.span, parent.flow)?;
            return Some(self.spliced(from, to, &inline(value)));
        }
        // A block below its key: one line takes its place, and a comment behind the key stays there.
        let line = self.line(key.line)?;
        let colon = self.after_key(key)?;
        let tail = self.text.get(colon..line.1)?;
        let comment = tail.find(" #").map_or("", |at| &tail[at..]);
        let comment = if tail.trim_start().starts_with('#') { tail } else { comment };
        let end = self.block_end(key)?;
        Some(self.spliced(colon, end, &format!(" {}{}", inline(value), comment.trim_end())))
    }

    /// One entry more in a map.
    fn added(&self, found: &Found<'_>, key: &str, value: &Value) -> Option<String> {
        let entry = format!("{}: {}", inline(&Value::string(key)), inline(value));
        if self.is_flow(found.value) {
            let (_, end) = self.extent(found.value.span, true)?;
            let close = end.checked_sub(1)?;
            let inside = self.text.get(..close)?.trim_end();
            let comma = if inside.ends_with('{') { "" } else { ", " };
            return Some(self.spliced(inside.len(), inside.len(), &format!("{comma}{entry}")));
        }
        let (_, last, _) = found.value.children.last()?;
        let end = self.block_end(*last)?;
        let newline = if self.text[..end].ends_with('\n') { "" } else { "\n" };
        let indent = " ".repeat(last.column as usize - 1);
        let close = if newline.is_empty() { "\n" } else { "" };
        Some(self.spliced(end, end, &format!("{newline}{indent}{entry}{close}")))
    }

    /// One entry less.
    fn removed(&self, found: &Found<'_>, parent: &Found<'_>) -> Option<String> {
        let key = found.key?;
        let start = self.offset(key.line, key.column)?;
        if parent.flow {
            let (_, end) = self.extent(found.value.span, true)?;
            let rest = self.text.get(end..)?;
            let after = rest.trim_start();
            if let Some(after) = after.strip_prefix(',') {
                let to = self.text.len() - after.trim_start_matches([' ']).len();
                return Some(self.spliced(start, to, ""));
            }
            let before = self.text.get(..start)?.trim_end().trim_end_matches(',').len();
            return Some(self.spliced(before, end, ""));
        }
        let line = self.line(key.line)?;
        if !self.text.get(line.0..start)?.trim().is_empty() {
            return None;
        }
        let mut end = self.block_end(key)?;
        end += usize::from(self.text[end..].starts_with('\n'));
        Some(self.spliced(line.0, end, ""))
    }

    fn spliced(&self, from: usize, to: usize, with: &str) -> String {
        format!("{}{with}{}", &self.text[..from], &self.text[to..])
    }

    fn is_flow(&self, value: &SpannedValue) -> bool {
        let at = self.offset(value.span.line, value.span.column);
        at.and_then(|at| self.text[at..].chars().next()).is_some_and(|first| matches!(first, '{' | '['))
    }

    /// Whether a scalar stands behind its key, on one line.
    fn is_on_line(&self, found: &Found<'_>) -> bool {
        let first =
            self.offset(found.value.span.line, found.value.span.column).and_then(|at| self.text[at..].chars().next());
        let block = matches!(first, Some('|' | '>'));
        found.value.children.is_empty()
            && !block
            && found.key.is_some_and(|key| key.line == found.value.span.line)
            && found.value.span.length > 0
            && first != Some('\n')
            && first.is_some()
    }

    /// From where to where a flow collection or a scalar on one line stands.
    fn extent(&self, span: Span, in_flow: bool) -> Option<(usize, usize)> {
        let from = self.offset(span.line, span.column)?;
        let rest = self.text.get(from..)?;
        let length = match rest.chars().next()? {
            '{' | '[' => closed(rest)?,
            '"' | '\'' => quoted_end(rest)?,
            _ => {
                let line = rest.split('\n').next()?;
                let comment = line.find(" #").unwrap_or(line.len());
                let stop = if in_flow { line.find([',', '}', ']']).unwrap_or(line.len()) } else { line.len() };
                line[..comment.min(stop)].trim_end().len()
            }
        };
        Some((from, from + length))
    }

    /// The end of the entry whose key stands in a block map: before the newline of its last line.
    fn block_end(&self, key: Span) -> Option<usize> {
        let indent = key.column as usize - 1;
        let mut end = self.line(key.line)?.1;
        for number in key.line + 1.. {
            let Some((from, to)) = self.line(number) else { break };
            let line = &self.text[from..to];
            let content = line.trim_start_matches(' ');
            if content.is_empty() || content == "\r" {
                continue;
            }
            let deeper = line.len() - content.len() > indent;
            let item = line.len() - content.len() == indent && content.starts_with("- ");
            if !deeper && content.starts_with('#') {
                continue;
            }
            if !(deeper || item) || content.starts_with("---") || content.starts_with("...") {
                break;
            }
            end = to;
        }
        Some(end)
    }

    fn after_key(&self, key: Span) -> Option<usize> {
        let from = self.offset(key.line, key.column)?;
        let rest = &self.text[from..];
        let name = match rest.chars().next()? {
            '"' | '\'' => quoted_end(rest)?,
            _ => rest.find(':')?,
        };
        let colon = from + name + self.text[from + name..].find(':')?;
        Some(colon + 1)
    }

    /// Where a line stands, without its newline.
    fn line(&self, number: u32) -> Option<(usize, usize)> {
        let mut from = 0;
        for (at, line) in self.text.split_inclusive('\n').enumerate() {
            if at + 1 == number as usize {
                return Some((from, from + line.trim_end_matches('\n').len()));
            }
            from += line.len();
        }
        None
    }

    fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let (from, to) = self.line(line)?;
        let text = &self.text[from..to];
        let within = text.char_indices().nth(column as usize - 1).map_or(text.len(), |(at, _)| at);
        Some(from + within)
    }
}

/// The length of a flow collection that `text` begins with.
fn closed(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            // A quote inside a word is a letter.
            '"' | '\'' if text[..at].ends_with([' ', '{', '[', ',', ':', '\n']) => {
                at += quoted_end(&text[at..])?;
                continue;
            }
            '#' if text[..at].ends_with([' ', '\n']) => {
                at += text[at..].find('\n')?;
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// The length of a quoted scalar that `text` begins with.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            // Two single quotes stand for one.
            c if c == quote && quote == '\'' && text[at + 1..].starts_with('\'') => escaped = true,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}
