//! Where a document names a kind, there is one.

use super::super::Problem;
use super::known::Known;
use crate::change::Value;
use crate::diagnostic::{Code, nearest};

/// `appliesTo` of a Profile and `match.kind` of a Guardrail name kinds that Pintle knows.
pub fn named_kinds_exist(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let places: [(&str, &[&str]); 2] = [("Profile", &["appliesTo"]), ("Guardrail", &["match", "kind"])];
    for (kind, path) in places {
        for entry in known.index.of_kind(kind) {
            let Some(name) = entry.document.spec().at(path).and_then(Value::as_str) else { continue };
            if known.catalog.kind(name).is_none() {
                let near = nearest(name, known.catalog.iter().map(|kind| kind.name))
                    .map(|name| format!("did you mean `{name}`?"));
                let hint = near.or_else(|| Some("`pintle explain` lists the kinds".into()));
                problems.push(
                    known.error(entry, Code::UnknownKind, path, format!("there is no kind `{name}`")).with_hint(hint),
                );
            }
        }
    }
}
