//! Which objects differ between the documents and the rows: found by comparing both sides once, then
//! kept up to date by whoever knows what moved. It compares digests only, and reads no body.

use super::live::{LiveObject, LiveState};
use crate::change::ObjectKey;
use crate::resolve::{Object, Resolved};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The keys of the objects that differ, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differing(BTreeSet<ObjectKey>);

impl Differing {
    /// Compares everything.
    pub fn of(desired: &Resolved, live: &LiveState) -> Self {
        let mut keys = BTreeSet::new();
        let (mut wanted, mut rows) = (desired.objects.iter().peekable(), live.objects.iter().peekable());
        loop {
            let order = match (wanted.peek(), rows.peek()) {
                (None, None) => return Self(keys),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(object), Some(row)) => object.key.cmp(&row.key),
            };
            let object = wanted.next_if(|_| order != Ordering::Greater);
            let row = rows.next_if(|_| order != Ordering::Less);
            if differ(object.map(AsRef::as_ref), row) {
                keys.extend(object.map(|one| &one.key).or(row.map(|one| &one.key)).cloned());
            }
        }
    }

    /// Compares one object again.
    pub fn look_again(&mut self, key: &ObjectKey, desired: &Resolved, live: &LiveState) {
        if differ(desired.get(key), live.get(key)) {
            self.0.insert(key.clone());
        } else {
            self.0.remove(key);
        }
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.0.iter()
    }

    /// The rows whose bodies the comparison of values needs: those that differ, and those that go.
    pub fn needs_bodies(&self, live: &LiveState) -> Vec<ObjectKey> {
        self.0.iter().filter(|key| live.get(key).is_some()).cloned().collect()
    }
}

fn differ(object: Option<&Object>, row: Option<&LiveObject>) -> bool {
    match (object, row) {
        (None, None) => false,
        (Some(_), None) => true,
        (None, Some(row)) => is_ours(row),
        (Some(object), Some(row)) => !is_settled(object, row),
    }
}

fn is_settled(object: &Object, row: &LiveObject) -> bool {
    row.applied == Some(object.digest) && !row.drifted && row.tombstoned_at.is_none()
}

/// Only what was applied from the repository goes because it left the repository.
fn is_ours(row: &LiveObject) -> bool {
    row.applied.is_some()
}
