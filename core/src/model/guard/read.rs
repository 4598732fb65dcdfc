//! The text of `.pintle/guard.yaml` → settings, or every diagnostic at once.

use super::Guard;
use crate::change::{FieldPath, Value};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::model::kind::compile;
use crate::model::schema::flat_schema;
use crate::model::violation::violations;
use crate::model::{Shape, Violation};
use crate::parse::{Limits, Span, YamlError, locate, read_documents};
use std::sync::LazyLock;

/// The compiled schema of the file.
struct Compiled {
    schema: serde_json::Value,
    shape: Shape,
    validator: jsonschema::Validator,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://pintle.dev/schemas/guard.schema.json",
        "title": "Guard",
    });
    if let (Some(whole), serde_json::Value::Object(flat)) = (schema.as_object_mut(), flat_schema::<Guard>()) {
        whole.extend(flat.into_iter().filter(|(key, _)| key != "$schema"));
    }
    Compiled { shape: Shape::of(&schema), validator: compile(&schema), schema }
});

impl Guard {
    /// Where the file stands in a repository.
    pub const PATH: &'static str = ".pintle/guard.yaml";

    /// The published JSON Schema of the file.
    pub fn schema() -> &'static serde_json::Value {
        &COMPILED.schema
    }

    /// The compiled shape of the file; its references are to be resolved in the same commit.
    pub fn shape() -> &'static Shape {
        &COMPILED.shape
    }

    /// Reads the file. With errors the settings are the defaults, and must not be used to admit anything.
    pub fn parse(text: &str) -> (Self, Vec<Diagnostic>) {
        let (mut documents, errors) = read_documents(text, Limits::default());
        if !errors.is_empty() {
            return (Self::default(), errors.into_iter().map(of_yaml).collect());
        }
        if documents.len() > 1 {
            return (
                Self::default(),
                vec![
                    Diagnostic::error(
                        Code::GuardFile,
                        Location::file(Self::PATH),
                        "the file holds more than one document",
                    )
                    .with_hint("keep one"),
                ],
            );
        }
        match documents.pop() {
            None | Some((Value::Null, _)) => (Self::default(), Vec::new()),
            Some((value, _)) => read(&value, text),
        }
    }
}

fn read(value: &Value, text: &str) -> (Guard, Vec<Diagnostic>) {
    let json = serde_json::Value::from(value);
    let mut found = violations(&COMPILED.validator, &json, &COMPILED.shape);
    if found.is_empty() {
        found = check(value);
    }
    if !found.is_empty() {
        let mut diagnostics: Vec<_> = found.into_iter().map(|one| of_violation(one, text)).collect();
        diagnostics.sort_by(|a, b| a.location.cmp(&b.location));
        return (Guard::default(), diagnostics);
    }
    match serde_json::from_value(json) {
        Ok(guard) => (guard, Vec::new()),
        Err(error) => {
            (Guard::default(), vec![Diagnostic::error(Code::GuardFile, Location::file(Guard::PATH), error.to_string())])
        }
    }
}

/// What no schema can express: a limit says how much.
fn check(value: &Value) -> Vec<Violation> {
    let limits = value.get("limits").and_then(Value::as_list).unwrap_or_default();
    let given = |limit: &Value, key: &str| limit.get(key).is_some_and(|value| *value != Value::Null);
    let mut found = Vec::new();
    for (index, limit) in limits.iter().enumerate() {
        let path = FieldPath(vec!["limits".into(), index.to_string()]);
        if !given(limit, "count") && !given(limit, "percent") {
            found.push(inconsistent(
                path,
                "a limit needs a `count` or a `percent`",
                "add `count: 5`; where both are given, both hold",
            ));
        } else if given(limit, "minimum") && !given(limit, "percent") {
            found.push(inconsistent(
                path.child("minimum"),
                "`minimum` is a floor for `percent`",
                "add `percent`, or remove `minimum`",
            ));
        }
    }
    found
}

fn inconsistent(path: FieldPath, message: &str, hint: &str) -> Violation {
    Violation { hint: Some(hint.to_owned()), ..Violation::new(Code::Inconsistent, path, message) }
}

fn of_yaml(error: YamlError) -> Diagnostic {
    Diagnostic::error(error.code, location(error.span), error.message)
}

fn of_violation(violation: Violation, text: &str) -> Diagnostic {
    let span = locate(text, 0, &violation.path, violation.part);
    Diagnostic {
        label: violation.label,
        hint: violation.hint,
        ..Diagnostic::error(violation.code, location(span), violation.message)
    }
}

fn location(span: Span) -> Location {
    Location { line: span.line, column: span.column, length: span.length, ..Location::file(Guard::PATH) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::guard::{LimitedAction, Mode};

    fn complaints(text: &str) -> Vec<String> {
        let (_, found) = Guard::parse(text);
        found
            .iter()
            .map(|one| {
                format!("{} {}: {} ({})", one.location, one.code, one.message, one.hint.as_deref().unwrap_or("-"))
            })
            .collect()
    }

    #[test]
    fn the_sections_that_are_given_replace_their_defaults() {
        let (guard, found) = Guard::parse(
            "limits:\n- {action: create, count: 3}\nmodes: [{match: {kind: Tenant}, mode: no-delete}]\nmoving: {global: 4}\n",
        );
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(
            (guard.limits.len(), guard.limits[0].action, guard.limits[0].count),
            (1, LimitedAction::Create, Some(3))
        );
        assert_eq!(guard.modes[0].mode, Mode::NoDelete);
        assert_eq!((guard.moving.global, guard.moving.per_partner), (4, 2));
        assert_eq!(guard.grace.delete.as_ms(), 86_400_000);
    }

    #[test]
    fn no_file_means_the_defaults() {
        let (guard, found) = Guard::parse("# nothing yet\n");
        assert!(found.is_empty());
        assert_eq!(guard.limits.len(), Guard::default().limits.len());
    }

    #[test]
    fn every_mistake_is_told_where_it_stands() {
        let text =
            "limits:\n  - {match: {kind: Instance}, action: updat, count: 5}\ngrace: {delete: a day}\nmovin: {}\n";
        assert_eq!(
            complaints(text),
            [
                ".pintle/guard.yaml:2:39 PIN0110: `updat` is not allowed here (did you mean `update`?)",
                ".pintle/guard.yaml:3:17 PIN0110: `a day` is not a duration such as `60s`, `10m`, `24h`, `7d` (-)",
                ".pintle/guard.yaml:4:1 PIN0107: unknown field `movin` (did you mean `moving`?)",
            ]
        );
    }

    #[test]
    fn a_limit_says_how_much() {
        assert_eq!(
            complaints("limits:\n  - {action: delete}\n"),
            [
                ".pintle/guard.yaml:2:5 PIN0206: a limit needs a `count` or a `percent` (add `count: 5`; where both are given, both hold)"
            ]
        );
    }
}
