//! Like changes together: the same kind, the same action and cause, the same fields with the same
//! values. What is read once is shown once. Creates are never alike.

use super::redact;
use crate::change::{Digest, FieldChange, encode};
use crate::diff::{Action, Cause, Change};
use crate::plan::Step;
use std::collections::HashMap;

/// From this many on, like changes are shown as one.
pub(super) const ALIKE: usize = 3;

/// Changes that read the same.
pub(super) struct Group<'a> {
    /// The changes, in the plan's order.
    pub changes: Vec<&'a Change>,
    /// Live → desired, as it may be shown.
    pub fields: Vec<FieldChange>,
    /// Base → live, as it may be shown.
    pub drift: Vec<FieldChange>,
}

impl Group<'_> {
    /// Any of them: what they have in common.
    pub fn first(&self) -> &Change {
        self.changes[0]
    }
}

/// The groups of those steps that `wanted` names, in order of their first member. Groups too small
/// to gain from it are split again.
pub(super) fn groups<'a>(steps: &'a [Step], wanted: impl Fn(&Change) -> bool) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places: HashMap<Digest, usize> = HashMap::new();
    for change in steps.iter().map(|step| &step.change).filter(|change| wanted(change)) {
        let group = Group { changes: vec![change], fields: redact::fields(change), drift: redact::drift(change) };
        let place = *places.entry(likeness(&group)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(like) => like.changes.push(change),
            None => groups.push(group),
        }
    }
    groups.into_iter().flat_map(split).collect()
}

fn split(group: Group<'_>) -> Vec<Group<'_>> {
    if group.changes.len() >= ALIKE || group.changes.len() == 1 {
        return vec![group];
    }
    let Group { changes, fields, drift } = group;
    changes
        .into_iter()
        .map(|change| Group { changes: vec![change], fields: fields.clone(), drift: drift.clone() })
        .collect()
}

fn likeness(group: &Group<'_>) -> Digest {
    let change = group.first();
    let mut bytes = Vec::with_capacity(256);
    for text in [&*change.key.kind, change.action.as_str(), change.cause.as_str()] {
        encode::bytes(text.as_bytes(), &mut bytes);
    }
    if change.action == Action::Create {
        encode::bytes(change.key.name.as_bytes(), &mut bytes);
    }
    for fields in [&group.fields, &group.drift] {
        encode::count(fields.len(), &mut bytes);
        for field in fields {
            encode::count(field.path.0.len(), &mut bytes);
            field.path.0.iter().for_each(|key| encode::bytes(key.as_bytes(), &mut bytes));
            encode::optional(field.before.as_ref(), &mut bytes);
            encode::optional(field.after.as_ref(), &mut bytes);
        }
    }
    Digest::of(&bytes)
}

/// Healed: changed back although no document changed.
pub(super) fn is_heal(change: &Change) -> bool {
    change.cause == Cause::Drift && matches!(change.action, Action::Update | Action::Adopt)
}
