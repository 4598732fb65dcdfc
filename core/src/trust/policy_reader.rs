//! Typed access to the tree of a policy file that collects every problem with its place.

use super::snapshot::POLICY_PATH;
use crate::change::{FieldPath, Value};
use crate::diagnostic::{Code, Diagnostic, Location, nearest};
use crate::parse::{Part, Spans};
use jiff::SignedDuration;
use std::sync::Arc;

/// Problems that are told of one file: whoever mends fifty asks again.
const MAX_PROBLEMS: usize = 50;

/// A value and the path to it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub value: &'a Value,
    pub path: FieldPath,
}

impl<'a> Node<'a> {
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        Some(Node { value: self.value.get(key)?, path: self.path.child(key) })
    }

    /// Keys and values of a map, or nothing.
    pub fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let node = |(key, value): (&'a str, &'a Value)| (key, Node { value, path: self.path.child(key) });
        self.value.as_map().map(|map| map.iter().map(node).collect()).unwrap_or_default()
    }

    /// Items of a list; a single value is a list of one.
    pub fn items(&self) -> Vec<Node<'a>> {
        let Some(items) = self.value.as_list() else { return vec![self.clone()] };
        items.iter().enumerate().map(|(at, value)| Node { value, path: self.path.child(&at.to_string()) }).collect()
    }
}

/// Collects what is wrong.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Where everything stands: read with the first problem.
    spans: Option<Spans>,
    pub problems: Vec<Diagnostic>,
    /// The last problem beyond the most that are told.
    dropped: Option<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, spans: None, problems: Vec::new(), dropped: None }
    }

    /// Tells a problem, for the caller to add a hint to.
    pub fn fail(&mut self, path: &FieldPath, part: Part, message: impl Into<String>) -> &mut Diagnostic {
        if self.problems.len() >= MAX_PROBLEMS {
            let nowhere = Location::file(POLICY_PATH);
            return self.dropped.insert(Diagnostic::error(Code::TrustPolicy, nowhere, message));
        }
        let text = self.text;
        let span = self.spans.get_or_insert_with(|| Spans::of(text)).locate(0, path, part);
        let location = Location { file: POLICY_PATH.into(), line: span.line, column: span.column, length: span.length };
        let at = self.problems.len();
        self.problems.push(Diagnostic::error(Code::TrustPolicy, location, message));
        &mut self.problems[at]
    }

    pub fn wrong(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.fail(&node.path, Part::Value, message);
    }

    /// Expects a map with no other fields than `known`.
    pub fn fields(&mut self, node: &Node<'_>, known: &[&str]) {
        if node.value.as_map().is_none() {
            self.wrong(node, format!("expected a map, found a {}", node.value.type_name()));
        }
        for (key, _) in node.entries() {
            if !known.contains(&key) {
                let hint = nearest(key, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
                self.fail(&node.path.child(key), Part::Key, format!("unknown field `{key}`")).hint = hint;
            }
        }
    }

    pub fn required(&mut self, node: &Node<'a>, key: &str) -> Option<Node<'a>> {
        let found = node.get(key);
        if found.is_none() {
            self.fail(&node.path, Part::Key, format!("missing field `{key}`"));
        }
        found
    }

    pub fn text(&mut self, node: &Node<'_>) -> Option<Arc<str>> {
        let text = node.value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(node, format!("expected text, found a {}", node.value.type_name()));
        }
        text.map(Into::into)
    }

    pub fn texts(&mut self, node: Option<Node<'_>>) -> Vec<Arc<str>> {
        node.map(|node| node.items().iter().filter_map(|item| self.text(item)).collect()).unwrap_or_default()
    }

    pub fn flag(&mut self, node: Option<Node<'_>>, default: bool) -> bool {
        let Some(node) = node else { return default };
        node.value.as_bool().unwrap_or_else(|| {
            self.wrong(&node, "expected `true` or `false`");
            default
        })
    }

    /// A whole number of at least `least`.
    pub fn count(&mut self, node: &Node<'_>, least: u64) -> u64 {
        let number = match node.value {
            Value::Number(number) => number.spelling().parse().ok().filter(|number| *number >= least),
            _ => None,
        };
        number.unwrap_or_else(|| {
            self.wrong(node, format!("expected a whole number of at least {least}"));
            least
        })
    }

    /// A duration such as `14d`.
    pub fn duration(&mut self, node: &Node<'_>) -> SignedDuration {
        node.value.as_str().and_then(duration).filter(|span| !span.is_zero()).unwrap_or_else(|| {
            self.wrong(node, "expected a duration such as `24h` or `14d`");
            SignedDuration::ZERO
        })
    }
}

/// `24h`, `14d`, `1h30m`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (mut total, mut digits) = (0_i64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total <= 10 * 365 * 86_400).then(|| SignedDuration::from_secs(total))
}
