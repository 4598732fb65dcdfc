//! Profiles: the partner's list, then the document's own, left to right, then the document.
//! Maps merge, lists and scalars replace, null removes. No templates, no selectors.

use super::Problem;
use super::index::{Entry, Index};
use crate::change::{FieldPath, Map, ObjectKey, Value, Word};
use crate::diagnostic::Code;
use crate::parse::{DocumentId, Part, Place};

/// One layer of a spec: which document gives it, and where in that document its root stands.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// The document that gives the layer.
    pub entry: &'a Entry,
    /// The root of the layer in that document: `spec`, or `spec.values` of a profile.
    pub root: &'static [&'static str],
}

impl<'a> Layer<'a> {
    /// The layer's values.
    pub fn values(&self) -> &'a Value {
        self.entry.document.body.at(self.root).unwrap_or(&Value::Null)
    }
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A document gives it.
    Document(Place),
    /// No document gives it: the kind's default.
    Default,
}

/// The layers of `entry`'s spec, lowest first. Profiles that are missing or of another kind are
/// left out; the latter, and only in the document's own list, is a problem.
pub fn layers<'a>(entry: &'a Entry, index: &'a Index, problems: &mut Vec<Problem>) -> Vec<Layer<'a>> {
    let kind = &*entry.document.key.kind;
    let own = Layer { entry, root: &["spec"] };
    if matches!(kind, "Partner" | "Profile") {
        return vec![own];
    }
    let spec = entry.document.spec();
    let partner =
        spec.get("partner").and_then(Value::as_str).and_then(|name| index.get(&ObjectKey::new("Partner", name)));
    let mut layers = Vec::new();
    for (source, strict) in partner.into_iter().map(|p| (p, false)).chain([(entry, true)]) {
        let names = source.document.spec().get("profiles").and_then(Value::as_list).unwrap_or_default();
        for (at, name) in names.iter().enumerate().filter_map(|(at, name)| Some((at, name.as_str()?))) {
            let Some(profile) = index.get(&ObjectKey::new("Profile", name)) else { continue };
            let applies = profile.document.spec().get("appliesTo").and_then(Value::as_str);
            if applies == Some(kind) {
                layers.push(Layer { entry: profile, root: &["spec", "values"] });
            } else if strict {
                let path = FieldPath(vec!["spec".into(), "profiles".into(), at.to_string()]);
                let message = format!("profile `{name}` applies to {}, not to {kind}", applies.unwrap_or("nothing"));
                problems.push(Problem::error(Code::ProfileKind, &entry.id(), path, message));
            }
        }
    }
    layers.push(own);
    layers
}

/// All layers merged, nulls removed.
pub fn merged(layers: &[Layer<'_>]) -> Value {
    match layers {
        [only] => merge(Value::map(), only.values()),
        _ => layers.iter().fold(Value::map(), |below, layer| merge(below, layer.values())),
    }
}

/// `over` laid on `below`.
pub fn merge(below: Value, over: &Value) -> Value {
    let Value::Map(upper) = over else { return over.clone() };
    let below = match below {
        Value::Map(map) => map,
        _ => Map::default(),
    };
    let mut below = below.into_iter().peekable();
    let mut merged: Vec<(Word, Value)> = Vec::with_capacity(below.len() + upper.len());
    for (key, value) in upper.entries() {
        while let Some(untouched) = below.next_if(|(have, _)| have.as_bytes() < key.as_bytes()) {
            merged.push(untouched);
        }
        let lower = below.next_if(|(have, _)| have == key).map(|(_, lower)| lower);
        if *value != Value::Null {
            merged.push((key.clone(), merge(lower.unwrap_or_default(), value)));
        }
    }
    merged.extend(below);
    Value::Map(merged.into_iter().collect())
}

/// Which layer gives `path` (from the document's root); the nearest given ancestor otherwise.
pub fn origin(layers: &[Layer<'_>], path: &FieldPath, part: Part) -> Option<Origin> {
    let own = layers.last()?;
    let keys: Vec<&str> = path.0.iter().map(String::as_str).collect();
    let ["spec", rest @ ..] = keys.as_slice() else {
        return Some(Origin::Document(place(own.entry.id(), path.clone(), part)));
    };
    layers.iter().rev().find(|layer| layer.values().at(rest).is_some()).map_or(Some(Origin::Default), |layer| {
        let path = layer.root.iter().chain(rest).map(|key| (*key).to_owned()).collect();
        Some(Origin::Document(place(layer.entry.id(), FieldPath(path), part)))
    })
}

/// The place where a reader should look for `path`: where it is given, else in the document itself.
pub fn place_of(layers: &[Layer<'_>], document: DocumentId, path: &FieldPath, part: Part) -> Place {
    match origin(layers, path, part) {
        Some(Origin::Document(place)) => place,
        _ => place(document, path.clone(), part),
    }
}

fn place(document: DocumentId, path: FieldPath, part: Part) -> Place {
    Place { document, path, part }
}
