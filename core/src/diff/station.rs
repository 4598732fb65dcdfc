//! The three-sided comparison. Absent from the documents and never applied by us: left alone.

use super::change::{Action, Cause, Change, Declared};
use super::differing::Differing;
use super::keep::keep;
use super::live::{Bodies, LiveObject, LiveState};
use crate::change::{Digest, FieldChange, ObjectKey, Value, field_changes};
use crate::model::Catalog;
use crate::model::guard::{Guards, Subject};
use crate::parse::SourceRef;
use crate::resolve::{Object, Resolved};
use std::sync::Arc;

/// Every object that should move, sorted by key. What a tree with errors does not show may still be
/// meant, and so may everything in an empty one: neither deletes anything.
pub fn diff(
    desired: &Resolved,
    live: &LiveState,
    differing: &Differing,
    guards: &Guards,
    catalog: &Catalog,
) -> Vec<Change> {
    debug_assert_eq!(*differing, Differing::of(desired, live), "what differs was kept wrongly");
    let whole = !desired.objects.is_empty() && !desired.has_errors();
    let change = |key: &ObjectKey| match (desired.get(key), live.get(key)) {
        (None, None) => None,
        (Some(object), None) => Some(create(object)),
        (Some(object), Some(row)) => {
            live.bodies.get(key).and_then(|bodies| update(object, row, bodies, guards, catalog))
        }
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
        after: Some(object.digest),
        written: Some(object.written),
        body: Some(object.body.clone()),
        source: Some(object.source()),
        partner: object.partner.clone(),
        references: object.references.clone(),
        ..bare(&object.key, Action::Create)
    }
}

/// A change of which nothing but the object and what happens is known.
fn bare(key: &ObjectKey, action: Action) -> Change {
    Change {
        key: key.clone(),
        action,
        cause: Cause::Intent,
        uid: None,
        revision: None,
        fields: Vec::new(),
        drift: Vec::new(),
        before: None,
        after: None,
        written: None,
        body: None,
        source: None,
        partner: None,
        references: Arc::from([]),
        protected: false,
        declared: None,
        overwrites: false,
        reported: false,
        tombstoned_at: None,
        labels: None,
        partner_before: None,
        leaves: Arc::from([]),
    }
}

fn update(object: &Object, row: &LiveObject, bodies: &Bodies, guards: &Guards, catalog: &Catalog) -> Option<Change> {
    let drift: Vec<FieldChange> =
        bodies.applied.as_ref().map(|base| field_changes(base, &bodies.live)).unwrap_or_default();
    let returns = row.tombstoned_at.is_some();
    let same_document = row.written == Some(object.written) && !returns;
    // Another default of this Pintle does not come along when something else is healed: what was applied counts.
    let another = same_document && row.applied != Some(object.digest) && !drift.is_empty();
    let before = bodies.applied.as_ref().zip(row.applied).filter(|_| another);
    let as_applied = before.map(|(base, digest)| Object { digest, body: text(base), ..object.clone() });
    let object = as_applied.as_ref().unwrap_or(object);
    let desired = object.value();
    let intended = returns || row.applied != Some(object.digest);
    let cause = cause(intended, !drift.is_empty(), same_document);
    let subject = Subject::new(&object.key, Some(&row.labels), Some(&object.body));
    let kept = if returns { None } else { keep(guards, &subject, &drift, &desired) };
    let mut fields = field_changes(&bodies.live, kept.as_ref().map_or(&desired, |kept| &kept.body));
    let left_alone = kept.is_some() && fields.is_empty() && !intended;
    let kept = if left_alone {
        kept.filter(|kept| kept.told)?;
        fields = field_changes(&bodies.live, &desired);
        None
    } else {
        kept
    };
    let as_declared =
        fields.is_empty() || (row.applied.is_none() && says_the_same(object, &bodies.live, &desired, catalog));
    let action = match (returns, as_declared) {
        (true, _) => Action::Restore,
        (false, true) => Action::Adopt,
        (false, false) => Action::Update,
    };
    if action == Action::Adopt && !intended {
        return None;
    }
    let change = Change {
        action,
        cause,
        fields,
        drift,
        before: Some(bodies.live_digest()),
        leaves: left(object, &bodies.live, catalog),
        reported: left_alone,
        overwrites: row.applied.is_none() && !as_declared,
        ..of_row(row, towards(object))
    };
    Some(match kept {
        None => change,
        Some(kept) => writing(change, &kept.body),
    })
}

/// Whether a row that Pintle never applied says what the document says, but for defaults that either leaves out or
/// spells, for a null, which declares nothing, and for the order of what has none: taking it on fills those in.
fn says_the_same(object: &Object, live: &Value, desired: &Value, catalog: &Catalog) -> bool {
    let mut live = live.clone().without_nulls();
    let Some(kind) = catalog.kind(&object.key.kind) else { return Digest::of_value(&live) == object.written };
    kind.shape.order_sets(&mut live);
    if Digest::of_value(&live) == object.written {
        return true;
    }
    kind.shape.fill_defaults(&mut live);
    live.normalised() == *desired
}

fn cause(intended: bool, drifted: bool, same_document: bool) -> Cause {
    match (intended, drifted) {
        (false, _) => Cause::Drift,
        (true, false) if same_document => Cause::Software,
        (true, false) => Cause::Intent,
        (true, true) => Cause::Conflict,
    }
}

/// `change` with what its row says.
fn of_row(row: &LiveObject, change: Change) -> Change {
    Change {
        uid: Some(row.uid),
        revision: Some(row.revision),
        protected: row.protected,
        tombstoned_at: row.tombstoned_at,
        labels: Some(row.labels.clone()),
        partner_before: row.partner.clone(),
        ..change
    }
}

/// `change`, but `body` is written; what it declared is recorded as the base.
fn writing(change: Change, body: &Value) -> Change {
    let declared = change.after.zip(change.body.clone()).map(|(digest, body)| Declared { digest, body });
    Change { after: Some(Digest::of_value(body)), body: Some(text(body)), declared, ..change }
}

fn text(body: &Value) -> Arc<str> {
    serde_json::to_string(body).unwrap_or_default().into()
}

/// What a row refers to.
fn references(key: &ObjectKey, live: &Value, catalog: &Catalog) -> Vec<ObjectKey> {
    let mut references = Vec::new();
    let mut visit = |_: &_, kind: &str, name: &str| references.push(ObjectKey::new(kind, name));
    let shape = catalog.kind(&key.kind).and_then(|kind| kind.shape.child("spec"));
    if let (Some(shape), Some(spec)) = (shape, live.get("spec")) {
        shape.references(spec, &mut visit);
    }
    references
}

/// What a row refers to and its document does not.
fn left(object: &Object, live: &Value, catalog: &Catalog) -> Arc<[ObjectKey]> {
    references(&object.key, live, catalog).into_iter().filter(|key| !object.references.contains(key)).collect()
}

fn delete(row: &LiveObject, bodies: Option<&Bodies>, catalog: &Catalog) -> Change {
    let references = bodies.map(|bodies| references(&row.key, &bodies.live, catalog)).unwrap_or_default();
    let action = if row.tombstoned_at.is_some() { Action::Remove } else { Action::Delete };
    let gone = Change {
        before: bodies.map(Bodies::live_digest),
        source: row.applied_file.clone().map(|file| SourceRef { file, line: 0 }),
        partner: row.partner.clone(),
        references: Arc::from(references),
        ..bare(&row.key, action)
    };
    of_row(row, gone)
}
