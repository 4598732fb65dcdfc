//! Documents in short: `Kind/name [metadata]: {spec}`, one a line, each in a file of its own, and
//! what is told about them.

use pintle_core::diagnostic::Severity;
use pintle_core::model::Catalog;
use pintle_core::parse::{ParsedTree, parse_tree};
use pintle_core::resolve::{Resolved, Sources, diagnose, resolve};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Files by path.
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Sources for Files {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        std::str::from_utf8(self.0.get(file)?).ok().map(Into::into)
    }
}

impl Files {
    /// Files as they are: each begins at a line `=== path`.
    pub fn verbatim(text: &str) -> Self {
        let parts = text.split("=== ").filter(|part| !part.trim().is_empty());
        Self(
            parts
                .map(|part| {
                    part.split_once('\n')
                        .map(|(path, body)| (path.trim().to_owned(), body.as_bytes().to_vec()))
                        .unwrap()
                })
                .collect(),
        )
    }

    /// Documents in short; the spec stands in line 4 of its file.
    pub fn short(text: &str) -> Self {
        Self(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(one).collect())
    }

    /// One file.
    pub fn one(bytes: &[u8]) -> Self {
        Self(BTreeMap::from([("a.yaml".to_owned(), bytes.to_vec())]))
    }

    pub fn tree(&self) -> ParsedTree {
        parse_tree(self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
    }

    pub fn resolved(&self) -> Resolved {
        self.resolved_after(None)
    }

    pub fn resolved_after(&self, previous: Option<&Resolved>) -> Resolved {
        resolve(&self.tree(), Catalog::standard(), previous, "2026-11-20T12:00:00Z".parse().unwrap())
    }

    /// Everything that is told, one line a diagnostic.
    pub fn told(&self) -> String {
        self.told_of(&self.resolved())
    }

    pub fn told_of(&self, resolved: &Resolved) -> String {
        let mut told = String::new();
        for one in diagnose(&self.tree(), &resolved.problems, self) {
            let warning = if one.severity == Severity::Warning { " warning" } else { "" };
            let hint = one.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            writeln!(told, "{} {}{warning}: {}{hint}", one.location, one.code, one.message).unwrap();
        }
        if told.is_empty() { "nothing is wrong\n".into() } else { told }
    }
}

fn one(line: &str) -> (String, Vec<u8>) {
    let (head, spec) =
        line.split_once(": ").filter(|(head, _)| !head.contains('[')).or_else(|| line.split_once("]: ")).unwrap();
    let (key, metadata) = head.split_once(" [").unwrap_or((head, ""));
    let (kind, name) = key.split_once('/').unwrap();
    let comma = if metadata.is_empty() { "" } else { ", " };
    let text =
        format!("apiVersion: pintle/v1\nkind: {kind}\nmetadata: {{name: {name}{comma}{metadata}}}\nspec: {spec}\n");
    (format!("{}/{name}.yaml", kind.to_lowercase()), text.into_bytes())
}

/// What is told about documents in short, below them.
pub fn golden(text: &str) -> String {
    let input: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}\n────\n{}", input.join("\n"), Files::short(text).told())
}

/// What is told about files as they are, below them.
pub fn golden_files(text: &str) -> String {
    format!("{}\n────\n{}", text.trim(), Files::verbatim(text).told())
}
