//! Secrets never stand in Git. A value that looks like a private key or a well-known token is refused.

use crate::change::{FieldPath, Value};

/// Prefixes of tokens whose issuers publish them for scanners, and the shortest length they have.
const TOKENS: &[(&str, usize, &str)] = &[
    ("ghp_", 40, "a GitHub token"),
    ("github_pat_", 60, "a GitHub token"),
    ("glpat-", 26, "a GitLab token"),
    ("AKIA", 20, "an AWS access key"),
    ("xoxb-", 40, "a Slack token"),
    ("xoxp-", 40, "a Slack token"),
    ("sk_live_", 24, "a Stripe key"),
    ("npm_", 40, "an npm token"),
    ("AGE-SECRET-KEY-", 60, "an age key"),
];

/// Every value below `value` that looks like a secret: its path, and what it looks like.
pub fn find(value: &Value) -> Vec<(FieldPath, &'static str)> {
    let mut found = Vec::new();
    walk(value, None, &mut found);
    found
}

/// A step on the way from the root: nearly all are forgotten, so that none is written out before something is found.
#[derive(Clone, Copy)]
struct Step<'a> {
    before: Option<&'a Step<'a>>,
    key: Key<'a>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Field(&'a str),
    Place(usize),
}

fn walk(value: &Value, at: Option<&Step<'_>>, found: &mut Vec<(FieldPath, &'static str)>) {
    match value {
        Value::String(text) => found.extend(looks_like(text).map(|what| (path(at), what))),
        Value::List(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, item)| walk(item, Some(&Step { before: at, key: Key::Place(place) }), found)),
        Value::Map(map) => {
            map.iter().for_each(|(key, item)| walk(item, Some(&Step { before: at, key: Key::Field(key) }), found));
        }
        _ => {}
    }
}

fn path(at: Option<&Step<'_>>) -> FieldPath {
    let mut path: Vec<String> = std::iter::successors(at, |step| step.before)
        .map(|step| match step.key {
            Key::Field(key) => key.to_owned(),
            Key::Place(place) => place.to_string(),
        })
        .collect();
    path.reverse();
    FieldPath(path)
}

fn looks_like(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    TOKENS
        .iter()
        .find(|(prefix, length, _)| text.len() >= *length && text.starts_with(prefix) && text.chars().all(token))
        .map(|(_, _, what)| *what)
}
