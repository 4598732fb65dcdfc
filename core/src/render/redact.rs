//! What may be shown of a value. A `secretRef` is shown as `(secret NAME)`; whatever stands, on either
//! side, where a secret is declared, and whatever looks like one, is `(hidden)`. Rows are written by
//! others: a password typed over a `secretRef` must not come out in a pull request comment.

use crate::change::{FieldChange, FieldPath, Value, Word};
use crate::diff::Change;
use std::collections::BTreeSet;

const HIDDEN: &str = "(hidden)";
/// In a path of keys: every item of a list.
const EACH: &str = "*";

/// Live → desired of `change`, as it may be shown.
pub(super) fn fields(change: &Change) -> Vec<FieldChange> {
    shown(&change.fields, &places(change))
}

/// Base → live of `change`, as it may be shown.
pub(super) fn drift(change: &Change) -> Vec<FieldChange> {
    shown(&change.drift, &places(change))
}

/// `changes` as they may be shown; `bodies` say where secrets are declared.
pub(super) fn changes(changes: &[FieldChange], bodies: &[&Value]) -> Vec<FieldChange> {
    let mut places = declared(changes);
    for body in bodies {
        find(body, &mut Vec::new(), &mut places);
    }
    shown(changes, &places)
}

/// A whole body as it may be shown.
pub(super) fn body(body: &Value) -> Value {
    let whole = FieldChange { path: FieldPath::default(), before: None, after: Some(body.clone()) };
    changes(&[whole], &[body]).pop().and_then(|change| change.after).unwrap_or_default()
}

type Places = BTreeSet<Vec<String>>;

/// Where secrets are declared: in the desired body, or on any side of a field.
fn places(change: &Change) -> Places {
    let mut places = Places::new();
    if let Some(body) = change.body.as_ref().filter(|body| body.contains("secretRef")) {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        find(&body, &mut Vec::new(), &mut places);
    }
    places.extend(declared(change.fields.iter().chain(&change.drift)));
    places
}

/// Where the fields themselves say that a secret stands.
fn declared<'a>(fields: impl IntoIterator<Item = &'a FieldChange>) -> Places {
    let mut places = Places::new();
    for field in fields {
        if let [parent @ .., last] = field.path.0.as_slice()
            && last == "secretRef"
        {
            places.insert(parent.to_vec());
        }
        for side in field.before.iter().chain(&field.after) {
            find(side, &mut field.path.0.clone(), &mut places);
        }
    }
    places
}

fn find(value: &Value, path: &mut Vec<String>, places: &mut Places) {
    match value {
        Value::Map(map) => {
            if map.contains_key("secretRef") {
                places.insert(path.clone());
            }
            for (key, item) in map.iter() {
                path.push(key.to_owned());
                find(item, path, places);
                path.pop();
            }
        }
        Value::List(items) => {
            path.push(EACH.to_owned());
            for item in items {
                find(item, path, places);
            }
            path.pop();
        }
        _ => {}
    }
}

fn shown(fields: &[FieldChange], places: &Places) -> Vec<FieldChange> {
    fields.iter().map(|field| one(field, places)).collect()
}

fn one(field: &FieldChange, places: &Places) -> FieldChange {
    let mut field = field.clone();
    if let Some(place) = places.iter().find(|place| field.path.0.starts_with(place)) {
        let names = field.path.0.len() == place.len() + 1 && field.path.0.last().is_some_and(|key| key == "secretRef");
        let hide = |side: Value| if names { name(&side) } else { masked(&side) };
        field.before = field.before.map(hide);
        field.after = field.after.map(hide);
        if names {
            field.path = FieldPath(place.clone());
        }
        return field;
    }
    // The deepest first: what is masked is no longer a map to look into.
    let mut below: Vec<&[String]> =
        places.iter().filter_map(|place| place.strip_prefix(field.path.0.as_slice())).collect();
    below.sort_by_key(|tail| std::cmp::Reverse(tail.len()));
    for side in field.before.iter_mut().chain(&mut field.after) {
        for tail in &below {
            mask_at(side, tail, &masked);
        }
        for (path, _) in crate::resolve::secrets_in(side) {
            mask_exactly(side, &path.0);
        }
    }
    field
}

fn mask_at(value: &mut Value, tail: &[String], mask: &dyn Fn(&Value) -> Value) {
    match (tail, &mut *value) {
        ([], _) => *value = mask(value),
        (_, Value::Null) => {}
        ([key, rest @ ..], Value::Map(map)) => {
            if let Some(inner) = map.get_mut(key) {
                mask_at(inner, rest, mask);
            }
        }
        ([key, rest @ ..], Value::List(items)) if key == EACH => {
            for item in items {
                mask_at(item, rest, mask);
            }
        }
        _ => *value = Value::string(HIDDEN),
    }
}

/// `body` for others to plan with: secrets stay by their names, and nothing else of what stands in their places. `sides` say
/// where those are.
pub(super) fn withheld(body: &Value, sides: &[&Value]) -> Value {
    let (mut places, mut body) = (Places::new(), body.clone());
    for side in sides {
        find(side, &mut Vec::new(), &mut places);
    }
    for place in places.iter().rev() {
        mask_at(&mut body, place, &only_its_name);
    }
    for (path, _) in crate::resolve::secrets_in(&body) {
        mask_exactly(&mut body, &path.0);
    }
    body
}

/// What stands beside the name is hidden and still there: it is drift.
fn only_its_name(value: &Value) -> Value {
    let Some(map) = value.as_map().filter(|map| map.get("secretRef").is_some_and(|name| name.as_str().is_some()))
    else {
        return Value::string(HIDDEN);
    };
    let shown = |(key, value): (&Word, &Value)| {
        let value = if &**key == "secretRef" { value.clone() } else { Value::string(HIDDEN) };
        (key.clone(), value)
    };
    Value::Map(map.entries().map(shown).collect())
}

/// Hides the value at `path`; list items are named by their index.
fn mask_exactly(value: &mut Value, path: &[String]) {
    match (path, &mut *value) {
        ([], _) => *value = Value::string(HIDDEN),
        ([key, rest @ ..], Value::Map(map)) => {
            if let Some(inner) = map.get_mut(key) {
                mask_exactly(inner, rest);
            }
        }
        ([key, rest @ ..], Value::List(items)) => {
            if let Some(inner) = key.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                mask_exactly(inner, rest);
            }
        }
        _ => {}
    }
}

fn masked(value: &Value) -> Value {
    value.get("secretRef").map_or_else(|| Value::string(HIDDEN), name)
}

fn name(value: &Value) -> Value {
    Value::string(value.as_str().map_or_else(|| HIDDEN.to_owned(), |name| format!("(secret {name})")))
}
