//! The three-sided comparison. Absent from the documents and never applied by us: left alone.

use super::change::{Action, Cause, Change};
use super::differing::Differing;
use super::live::{Bodies, LiveObject, LiveState};
use crate::change::{Digest, FieldChange, ObjectKey, Value, field_changes};
use crate::model::Catalog;
use crate::parse::SourceRef;
use crate::resolve::{Object, Resolved};
use std::sync::Arc;

/// Every object that should move, sorted by key. What a tree with errors does not show may still be
/// meant, and so may everything in an empty one: neither deletes anything.
pub fn diff(desired: &Resolved, live: &LiveState, differing: &Differing, catalog: &Catalog) -> Vec<Change> {
    debug_assert_eq!(*differing, Differing::of(desired, live), "what differs was kept wrongly");
    let whole = !desired.objects.is_empty() && !desired.has_errors();
    let change = |key: &ObjectKey| match (desired.get(key), live.get(key)) {
        (None, None) => None,
        (Some(object), None) => Some(create(object)),
        (Some(object), Some(row)) => live.bodies.get(key).and_then(|bodies| update(object, row, bodies)),
        (None, Some(row)) => whole.then(|| delete(row, live.bodies.get(key), catalog)),
    };
    differing.keys().filter_map(change).collect()
}

fn create(object: &Object) -> Change {
    let fields = field_changes(&Value::map(), &object.value());
    Change { fields, ..towards(object) }
}

/// The half of a change that the desired object gives.
fn towards(object: &Object) -> Change {
    Change {
        key: object.key.clone(),
        action: Action::Create,
        cause: Cause::Intent,
        uid: None,
        revision: None,
        fields: Vec::new(),
        drift: Vec::new(),
        before: None,
        after: Some(object.digest),
        written: Some(object.written),
        body: Some(object.body.clone()),
        source: Some(object.source()),
        partner: object.partner.clone(),
        references: object.references.clone(),
        protected: false,
    }
}

fn update(object: &Object, row: &LiveObject, bodies: &Bodies) -> Option<Change> {
    let desired = object.value();
    let fields = field_changes(&bodies.live, &desired);
    let drift: Vec<FieldChange> =
        bodies.applied.as_ref().map(|base| field_changes(base, &bodies.live)).unwrap_or_default();
    let returns = row.tombstoned_at.is_some();
    let intended = returns || row.applied != Some(object.digest);
    let same_document = row.written == Some(object.written);
    let cause = match (intended, drift.is_empty()) {
        (false, _) => Cause::Drift,
        (true, true) if same_document && !returns => Cause::Software,
        (true, true) => Cause::Intent,
        (true, false) => Cause::Conflict,
    };
    let action = match (returns, fields.is_empty()) {
        (true, _) => Action::Restore,
        (false, true) => Action::Adopt,
        (false, false) => Action::Update,
    };
    if action == Action::Adopt && !intended {
        return None;
    }
    Some(Change {
        action,
        cause,
        uid: Some(row.uid),
        revision: Some(row.revision),
        fields,
        drift,
        before: Some(Digest::of_value(&bodies.live)),
        protected: row.protected,
        ..towards(object)
    })
}

fn delete(row: &LiveObject, bodies: Option<&Bodies>, catalog: &Catalog) -> Change {
    let mut references = Vec::new();
    if let (Some(kind), Some(bodies)) = (catalog.kind(&row.key.kind), bodies) {
        let mut visit = |_: &_, kind: &str, name: &str| references.push(ObjectKey::new(kind, name));
        if let (Some(shape), Some(spec)) = (kind.shape.child("spec"), bodies.live.get("spec")) {
            shape.references(spec, &mut visit);
        }
    }
    Change {
        key: row.key.clone(),
        action: Action::Delete,
        cause: Cause::Intent,
        uid: Some(row.uid),
        revision: Some(row.revision),
        fields: Vec::new(),
        drift: Vec::new(),
        before: bodies.map(|bodies| Digest::of_value(&bodies.live)),
        after: None,
        written: None,
        body: None,
        source: row.applied_file.clone().map(|file| SourceRef { file, line: 0 }),
        partner: row.partner.clone(),
        references: Arc::from(references),
        protected: row.protected,
    }
}
