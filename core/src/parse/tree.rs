//! YAML text → value trees with spans, from serde-saphyr's parser events.
//! Refused here: duplicate keys, tags, merge keys, anchors, tabs, hidden characters, oversize.

use super::yaml::value_of_plain;
use crate::change::{Value, Word};
use crate::diagnostic::Code;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as EventSpan, Tag};
use std::borrow::Cow;
use std::collections::HashSet;

/// The bounds of one document. Hostile input ends at the first it meets.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file.
    pub bytes: usize,
    /// Levels of maps and lists in each other.
    pub depth: usize,
    /// Values in one file.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64, nodes: 200_000 }
    }
}

/// A place in the text: line and column from 1, length in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Characters, at least 1.
    pub length: u32,
}

/// A value and where it stands; children are found by key or index.
#[derive(Debug, Clone)]
pub struct SpannedValue {
    /// The value itself.
    pub span: Span,
    /// For each key (or index) in order: where the key stands, and the value.
    pub children: Vec<(String, Span, SpannedValue)>,
}

/// What is wrong with the text of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The code.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// What.
    pub message: String,
}

impl YamlError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.code {
            Code::DuplicateKey => "remove one of them",
            Code::YamlTag => "remove the tag; quote the value if it must be text",
            Code::MergeKey | Code::Alias => "share values by a Profile",
            Code::Tab => "indent with spaces",
            Code::TooLarge => "split the file",
            Code::NotUtf8 => "save the file as UTF-8 and remove what cannot be seen",
            Code::InvalidName => "lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
            Code::BadEnvelope => "give apiVersion, kind, metadata.name and spec, or name the file in .pintle/ignore",
            _ => "nothing of the commit is applied until the file can be read",
        }
    }
}

/// Reads every document of `text`: its value and spans. All errors that the grammar lets us find
/// are returned together; a syntax error ends the file.
pub fn read_documents(text: &str, limits: Limits) -> (Vec<(Value, SpannedValue)>, Vec<YamlError>) {
    read_documents_to(text, limits, usize::MAX)
}

/// The same with the spans of `levels` levels: most documents are sound, and nobody asks where their values stand.
pub(super) fn read_documents_to(
    text: &str,
    limits: Limits,
    levels: usize,
) -> (Vec<(Value, SpannedValue)>, Vec<YamlError>) {
    let parser = Parser::new_from_str(text);
    let mut reader = Reader { parser, errors: Vec::new(), nodes: 0, limits, levels, hidden_told: false };
    if text.len() > limits.bytes {
        reader.fail(
            Code::TooLarge,
            Span { line: 1, column: 1, length: 1 },
            format!("the file is larger than {} bytes", limits.bytes),
        );
        return (Vec::new(), reader.errors);
    }
    reader.refuse_hidden(text);
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next() {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            other => match reader.node(other, span, 0) {
                Some(document) => documents.push(document),
                None => break,
            },
        }
    }
    (documents, reader.errors)
}

struct Reader<'a> {
    parser: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    errors: Vec<YamlError>,
    nodes: usize,
    limits: Limits,
    /// How deep spans are kept.
    levels: usize,
    hidden_told: bool,
}

impl<'a> Reader<'a> {
    fn fail(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.errors.push(YamlError { code, span, message: message.into() });
    }

    /// Hidden characters anywhere, comments included: there they fool a reviewer just as well.
    fn refuse_hidden(&mut self, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, content) in text.split('\n').enumerate() {
            let content = content.strip_suffix('\r').unwrap_or(content);
            if let Some((column, hidden)) = content.chars().enumerate().find(|(_, c)| is_hidden(*c)) {
                let span = Span { line: line as u32 + 1, column: column as u32 + 1, length: 1 };
                self.fail(Code::NotUtf8, span, hidden_message(hidden));
            }
        }
        self.hidden_told = !self.errors.is_empty();
    }

    /// The next event; `None` at the end or after a syntax error.
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next_event()? {
            Ok((event, span)) => Some((event, span_of(&span))),
            Err(error) => {
                let mark = error.marker();
                let span = Span { line: mark.line().max(1) as u32, column: mark.col() as u32 + 1, length: 1 };
                let info = error.info();
                let code = match info {
                    _ if info.contains("tabs") => Code::Tab,
                    _ if info.contains("anchor") => Code::Alias,
                    _ => Code::YamlSyntax,
                };
                self.fail(code, span, info);
                None
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Option<(Value, SpannedValue)> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes || depth > self.limits.depth {
            let message = format!("more than {} levels or {} values", self.limits.depth, self.limits.nodes);
            self.fail(Code::TooLarge, span, message);
            return None;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), span);
                let value = self.scalar(&text, style, span);
                Some((value, SpannedValue { span, children: Vec::new() }))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), span);
                self.list(span, depth)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), span);
                self.map(span, depth)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.fail(Code::Alias, span, "aliases are not allowed");
                Some((Value::Null, SpannedValue { span, children: Vec::new() }))
            }
            _ => {
                self.fail(Code::YamlSyntax, span, "expected a value");
                None
            }
        }
    }

    fn refuse_properties(&mut self, anchor: usize, tag: Option<&Cow<'_, Tag>>, span: Span) {
        if anchor != 0 {
            self.fail(Code::Alias, span, "anchors are not allowed");
        }
        if tag.is_some() {
            self.fail(Code::YamlTag, span, "tags are not allowed");
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Value {
        let escaped = style == ScalarStyle::DoubleQuoted && !self.hidden_told;
        if let Some(hidden) = text.chars().find(|c| escaped && is_hidden(*c)) {
            self.fail(Code::NotUtf8, span, hidden_message(hidden));
        }
        match style {
            ScalarStyle::Plain => value_of_plain(text),
            _ => Value::string(text),
        }
    }

    fn list(&mut self, span: Span, depth: usize) -> Option<(Value, SpannedValue)> {
        let (mut items, mut children) = (Vec::new(), Vec::new());
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                items.shrink_to_fit();
                return Some((Value::List(items), SpannedValue { span, children }));
            }
            let (value, spanned) = self.node(event, at, depth + 1)?;
            if depth < self.levels {
                children.push((items.len().to_string(), at, spanned));
            }
            items.push(value);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Option<(Value, SpannedValue)> {
        let (mut entries, mut children, mut seen) = (Vec::new(), Vec::new(), Seen::default());
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some((Value::Map(entries.into_iter().collect()), SpannedValue { span, children }));
            }
            let key = self.key(event, at)?;
            let (event, value_at) = self.next()?;
            let (value, spanned) = self.node(event, value_at, depth + 1)?;
            if seen.is_new(&key, &entries) {
                if depth < self.levels {
                    children.push((key.to_string(), at, spanned));
                }
                entries.push((key, value));
            } else {
                self.fail(Code::DuplicateKey, at, format!("`{key}` is given twice"));
            }
        }
    }

    fn key(&mut self, event: Event<'a>, span: Span) -> Option<Word> {
        let Event::Scalar(text, style, anchor, tag) = event else {
            self.fail(Code::YamlSyntax, span, "a key must be text");
            return None;
        };
        self.refuse_properties(anchor, tag.as_ref(), span);
        self.scalar(&text, style, span);
        if text == "<<" && style == ScalarStyle::Plain {
            self.fail(Code::MergeKey, span, "merge keys are not allowed");
        }
        Some(Word::from(&*text))
    }
}

/// The keys of one map. Most have few: looking at each is quicker than a table.
#[derive(Default)]
struct Seen(HashSet<Box<str>>);

impl Seen {
    const FEW: usize = 16;

    /// Whether `key` is none of the keys of `entries`, all of which were asked about before they were added.
    fn is_new(&mut self, key: &str, entries: &[(Word, Value)]) -> bool {
        if entries.len() < Self::FEW {
            return entries.iter().all(|(have, _)| **have != *key);
        }
        if self.0.is_empty() {
            self.0.extend(entries.iter().map(|(have, _)| (**have).into()));
        }
        self.0.insert(key.into())
    }
}

fn hidden_message(hidden: char) -> String {
    format!("the hidden character U+{:04X}", hidden as u32)
}

fn span_of(span: &EventSpan) -> Span {
    let length = if span.end.line() == span.start.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Span { line: span.start.line() as u32, column: span.start.col() as u32 + 1, length: length.max(1) as u32 }
}

/// Terminal controls and bidirectional overrides: what makes a reviewer read another text than the
/// machine (CVE-2021-42574).
fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}
