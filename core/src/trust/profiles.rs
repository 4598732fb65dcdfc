//! What profiles bring: a profile's change is one of every document that takes it up, and taking one
//! up is a change of all that it gives. Without this a rule over fields is passed by in two steps.

use super::rules::Sides;
use crate::change::{Entry, FieldPath, ObjectKey, Value};

const PROFILE: &str = "Profile";

/// The values of the profiles that a document takes up or leaves by an entry about `spec.profiles`.
pub(super) fn taken_up<'a>(entry: &Entry, sides: Sides<'a>) -> Vec<&'a Value> {
    let (Entry::Field { key, path, .. } | Entry::Element { key, path, .. }) = entry else { return Vec::new() };
    let listed = FieldPath(vec!["spec".into(), "profiles".into()]);
    if &*key.kind == PROFILE || path.0.is_empty() || !listed.overlaps(path) {
        return Vec::new();
    }
    let trees = [sides.old, sides.new];
    let names = trees.iter().filter_map(|tree| tree.documents.get(key)).flat_map(|placed| {
        placed
            .document
            .spec()
            .get("profiles")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    });
    let profiles = names.flat_map(|name| {
        let key = ObjectKey::new(PROFILE, name);
        trees.map(|tree| tree.documents.get(&key)).into_iter().flatten()
    });
    profiles.filter_map(|placed| placed.document.spec().get("values")).collect()
}

/// Whether a profile's values give the field at `path` from a document's root, or take it away.
pub(super) fn gives(values: &Value, path: &FieldPath) -> bool {
    let Some(("spec", rest)) = path.0.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
        return path.0.is_empty();
    };
    let mut here = values;
    for key in rest {
        match here {
            Value::Map(map) => match map.get(key) {
                Some(below) => here = below,
                None => return false,
            },
            _ => return true,
        }
    }
    true
}

/// A profile's change as the change of a document that it hands its values to.
pub(super) fn handed_on(entry: &Entry) -> Option<Entry> {
    let (key, path, old, new) = match entry {
        Entry::Field { key, path, old, new } => (key, path, old, new),
        Entry::Element { key, path, .. } => (key, path, &None, &None),
        _ => return None,
    };
    if &*key.kind != PROFILE {
        return None;
    }
    let values = ["spec", "values"];
    if path.0.iter().zip(values).any(|(part, value)| part != value) {
        return None;
    }
    let below = &values[path.0.len().min(2)..];
    let part = |value: &Option<Value>| value.as_ref().and_then(|value| value.at(below)).cloned();
    let rest = path.0.get(2..).unwrap_or_default();
    let path = FieldPath(std::iter::once("spec".to_owned()).chain(rest.iter().cloned()).collect());
    Some(Entry::Field { key: key.clone(), path, old: part(old), new: part(new) })
}
