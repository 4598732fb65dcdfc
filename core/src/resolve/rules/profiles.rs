//! A profile's values are a part of the spec of the kind that it applies to, whether or not any
//! document uses it yet.

use super::super::index::Entry;
use super::super::layers::{Layer, merged};
use super::super::{Problem, references};
use super::known::Known;
use crate::change::{FieldPath, Map, Value};
use crate::diagnostic::Code;
use crate::model::{KindDef, Violation};
use crate::parse::Place;

/// Fields that the kind does not have, wrong types and values, dangling references. What is
/// missing may come from the documents, and so may what makes fields agree.
pub fn fit_their_kind(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for entry in known.index.of_kind("Profile") {
        let applies = entry.document.spec().get("appliesTo").and_then(Value::as_str);
        if let Some(kind) = applies.and_then(|name| known.catalog.kind(name)) {
            check(known, entry, kind, problems);
        }
    }
}

fn check(known: &Known<'_>, entry: &Entry, kind: &KindDef, problems: &mut Vec<Problem>) {
    let layers = [Layer { entry, root: &["spec", "values"] }];
    let body = envelope(kind.name, &entry.document.key.name, merged(&layers));
    let of_values = |one: &Violation| {
        matches!(one.code, Code::UnknownField | Code::WrongType | Code::InvalidValue)
            && one.path.0.first().is_some_and(|key| key == "spec")
    };
    for violation in kind.violations(&body).into_iter().filter(of_values) {
        let place = Place { document: entry.id(), path: in_profile(&violation.path), part: violation.part };
        problems.push(Problem::from_violation(violation, place));
    }
    references::check(&kind.shape, &body, &layers, &entry.id(), known.index, problems);
}

fn envelope(kind: &str, name: &str, spec: Value) -> Value {
    let metadata = Map::from_iter([("name".into(), Value::string(name))]);
    let entries = [
        ("apiVersion", Value::string("pintle/v1")),
        ("kind", Value::string(kind)),
        ("metadata", Value::Map(metadata)),
        ("spec", spec),
    ];
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn in_profile(path: &FieldPath) -> FieldPath {
    FieldPath(["spec", "values"].iter().map(|key| (*key).to_owned()).chain(path.0.iter().skip(1).cloned()).collect())
}
