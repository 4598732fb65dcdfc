//! Δ(X→Y): what differs between two trees, document by document and byte by byte.
//! Nothing is merged, resolved or filled in; that a rule matches an entry is decided elsewhere.

use super::session::Session;
use super::snapshot::{Leaf, Placed, Snapshot};
use super::tree_diff::Changed;
use super::tree_fault::TreeFault;
use crate::change::{ChangeSet, Entry, FieldChange, FieldPath, FileContent, ObjectKey, Value, encode, field_changes};
use crate::model::{Catalog, Shape};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The difference of two snapshots whose trees differ at the paths in `changed`. Where other ignore
/// rules hide or show documents, every path is looked at.
pub(super) fn between(
    session: &mut Session<'_>,
    old: &Snapshot,
    new: &Snapshot,
    changed: &[Changed],
) -> Result<ChangeSet, TreeFault> {
    let (mut entries, mut places) = (Vec::new(), BTreeMap::new());
    if old.ignores_as(new) && !old.files.is_empty() {
        let stand = |tree: &Snapshot| changed.iter().flat_map(|one| tree.documents_in(&one.path)).collect::<Vec<_>>();
        let keys: BTreeSet<ObjectKey> = stand(old).into_iter().chain(stand(new)).collect();
        documents(session.catalog, (old, new), keys.iter(), &mut entries, &mut places);
        files(session, old, new, changed.iter().map(|one| &one.path), &mut entries)?;
    } else {
        let keys: BTreeSet<&ObjectKey> = old.documents.keys().chain(new.documents.keys()).collect();
        documents(session.catalog, (old, new), keys.into_iter(), &mut entries, &mut places);
        let paths: BTreeSet<&Arc<str>> = old.files.keys().chain(new.files.keys()).collect();
        files(session, old, new, paths.into_iter(), &mut entries)?;
    }
    Ok(ChangeSet::new(entries, places))
}

fn documents<'k>(
    catalog: &Catalog,
    (old, new): (&Snapshot, &Snapshot),
    keys: impl Iterator<Item = &'k ObjectKey>,
    out: &mut Vec<Entry>,
    places: &mut BTreeMap<ObjectKey, Arc<str>>,
) {
    for key in keys {
        match (old.documents.get(key), new.documents.get(key)) {
            (Some(before), Some(after)) => document(catalog, key, before, after, out),
            (None, None) => {}
            (before, after) => {
                out.push(whole(key, before, after));
                places.extend(before.or(after).map(|placed| (key.clone(), placed.file.clone())));
            }
        }
    }
}

fn whole(key: &ObjectKey, old: Option<&Placed>, new: Option<&Placed>) -> Entry {
    let body = |placed: &Placed| placed.document.body.clone();
    Entry::Field { key: key.clone(), path: FieldPath::default(), old: old.map(body), new: new.map(body) }
}

fn document(catalog: &Catalog, key: &ObjectKey, old: &Placed, new: &Placed, out: &mut Vec<Entry>) {
    if old.file != new.file {
        out.push(Entry::Move { key: key.clone(), old_file: old.file.clone(), new_file: new.file.clone() });
    }
    let same_body = Arc::ptr_eq(&old.document, &new.document) || old.document.body == new.document.body;
    if old.slice == new.slice && same_body {
        return;
    }
    let before = out.len();
    let shape = catalog.kind(&key.kind).map(|kind| &kind.shape);
    for change in field_changes(&old.document.body, &new.document.body) {
        field(shape, key, change, out);
    }
    if out.len() == before {
        out.push(Entry::Text { key: key.clone(), old: old.slice, new: new.slice });
    }
}

fn field(shape: Option<&Shape>, key: &ObjectKey, change: FieldChange, out: &mut Vec<Entry>) {
    let set = shape.and_then(|shape| shape.at(&change.path.0)).is_some_and(|shape| shape.set);
    match (&change.before, &change.after) {
        (Some(Value::List(old)), Some(Value::List(new))) if set => elements(key, &change.path, old, new, out),
        _ => out.push(Entry::Field { key: key.clone(), path: change.path, old: change.before, new: change.after }),
    }
}

/// Order and repetition mean nothing in a declared set.
fn elements(key: &ObjectKey, path: &FieldPath, old: &[Value], new: &[Value], out: &mut Vec<Entry>) {
    let (old, new) = (by_bytes(old), by_bytes(new));
    let mut push = |value: &Value, added| {
        out.push(Entry::Element { key: key.clone(), path: path.clone(), value: value.clone(), added });
    };
    old.iter().filter(|(bytes, _)| !new.contains_key(*bytes)).for_each(|(_, value)| push(value, false));
    new.iter().filter(|(bytes, _)| !old.contains_key(*bytes)).for_each(|(_, value)| push(value, true));
}

fn by_bytes(items: &[Value]) -> BTreeMap<Vec<u8>, &Value> {
    let encoded = |item| {
        let mut bytes = Vec::new();
        encode::value(item, &mut bytes);
        (bytes, item)
    };
    items.iter().map(encoded).collect()
}

fn files<'p>(
    session: &mut Session<'_>,
    old: &Snapshot,
    new: &Snapshot,
    paths: impl Iterator<Item = &'p Arc<str>>,
    out: &mut Vec<Entry>,
) -> Result<(), TreeFault> {
    for path in paths {
        let (before, after) = (old.files.get(path), new.files.get(path));
        if before == after {
            continue;
        }
        let (old, new) = (content(session, before)?, content(session, after)?);
        if old != new {
            out.push(Entry::File { path: path.clone(), old, new });
        }
    }
    Ok(())
}

/// What a path holds beside documents.
fn content(session: &mut Session<'_>, leaf: Option<&Leaf>) -> Result<Option<FileContent>, TreeFault> {
    let Some(leaf) = leaf.filter(|leaf| !leaf.documents_only) else { return Ok(None) };
    Ok(Some(FileContent { mode: leaf.mode, sha256: session.digest(leaf.blob)? }))
}
