//! What a document resolves through: every document that it refers to, and those in turn, in either
//! of two trees. References are what the kinds' schemas say; nothing is guessed from names.

use super::rules::Sides;
use super::snapshot::Snapshot;
use crate::change::{ObjectKey, Touched, Value};
use crate::model::Catalog;
use std::collections::BTreeSet;

/// `keys` and all that they resolve through.
pub(super) fn closure<'k>(
    catalog: &Catalog,
    sides: Sides<'_>,
    keys: impl Iterator<Item = &'k ObjectKey>,
) -> BTreeSet<Touched> {
    closure_keys(catalog, sides, keys).into_iter().map(Touched::Document).collect()
}

/// The same as keys.
pub(super) fn closure_keys<'k>(
    catalog: &Catalog,
    sides: Sides<'_>,
    keys: impl Iterator<Item = &'k ObjectKey>,
) -> BTreeSet<ObjectKey> {
    let mut seen: BTreeSet<ObjectKey> = keys.cloned().collect();
    let mut open: Vec<ObjectKey> = seen.iter().cloned().collect();
    while let Some(key) = open.pop() {
        for tree in [sides.old, sides.new] {
            open.extend(references(catalog, tree, &key).into_iter().filter(|next| seen.insert(next.clone())));
        }
    }
    seen
}

/// What a document names, as written. A profile's values are read as the kind that it applies to.
fn references(catalog: &Catalog, tree: &Snapshot, key: &ObjectKey) -> Vec<ObjectKey> {
    let (Some(placed), Some(kind)) = (tree.documents.get(key), catalog.kind(&key.kind)) else { return Vec::new() };
    let mut found = Vec::new();
    let mut visit = |_: &crate::change::FieldPath, kind: &str, name: &str| found.push(ObjectKey::new(kind, name));
    kind.shape.references(&placed.document.body, &mut visit);
    let spec = placed.document.spec();
    let applied = spec.get("appliesTo").and_then(Value::as_str).and_then(|name| catalog.kind(name));
    if let (Some(shape), Some(values)) =
        (applied.and_then(|kind| kind.shape.properties.get("spec")), spec.get("values"))
    {
        shape.references(values, &mut visit);
    }
    found.extend(versions(tree, key, spec));
    if let Some(values) = spec.get("values") {
        found.extend(versions(tree, key, values));
    }
    found
}

/// The versions that a channel may give, and those that an instance, or a profile for it, names.
fn versions(tree: &Snapshot, key: &ObjectKey, spec: &Value) -> Vec<ObjectKey> {
    let text = |path: &[&str]| spec.at(path).and_then(Value::as_str);
    let mut named: Vec<(&str, Option<&str>)> = Vec::new();
    if &*key.kind == "Channel" {
        named.extend(text(&["component"]).map(|component| (component, text(&["target"]))));
    } else {
        let platform = [text(&["update", "pin", "version"]), text(&["update", "target"])];
        named.extend(platform.into_iter().flatten().map(|number| ("platform", Some(number))));
        for (suite, used) in spec.get("suites").and_then(Value::as_map).into_iter().flat_map(crate::change::Map::iter) {
            let number = used.at(&["pin", "version"]).and_then(Value::as_str);
            named.extend(number.map(|number| (suite, Some(number))));
        }
    }
    named.into_iter().flat_map(|(component, number)| tree.releases(component, number)).collect()
}
