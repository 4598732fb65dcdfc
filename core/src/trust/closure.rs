//! What a document resolves through: every document that it refers to, and those in turn, in either
//! of two trees. References are what the kinds' schemas say; nothing is guessed from names.

use super::rules::Sides;
use super::snapshot::Snapshot;
use crate::change::{ObjectKey, Touched};
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
    let applied = spec.get("appliesTo").and_then(crate::change::Value::as_str).and_then(|name| catalog.kind(name));
    if let (Some(shape), Some(values)) =
        (applied.and_then(|kind| kind.shape.properties.get("spec")), spec.get("values"))
    {
        shape.references(values, &mut visit);
    }
    found
}
