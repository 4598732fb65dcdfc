//! What a change touches: documents with the fields of each, and other paths. Two changes can be
//! asked whether they meet. What the change means is not kept.

use crate::change::{ChangeSet, Entry, FieldPath, ObjectKey, Touched};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What one change touches.
#[derive(Debug, Default)]
pub(super) struct Touches {
    documents: HashMap<ObjectKey, Vec<FieldPath>>,
    paths: HashSet<Arc<str>>,
}

impl Touches {
    /// Those of a change set.
    pub fn of(set: &ChangeSet) -> Self {
        let mut all = Self::default();
        for entry in set.entries() {
            match entry {
                Entry::File { path, .. } => drop(all.paths.insert(path.clone())),
                Entry::Field { key, path, .. } | Entry::Element { key, path, .. } => all.add(key, path.clone()),
                // A move, or another spelling, is of the whole document.
                Entry::Move { key, .. } | Entry::Text { key, .. } => all.add(key, FieldPath::default()),
            }
        }
        all
    }

    fn add(&mut self, key: &ObjectKey, path: FieldPath) {
        self.documents.entry(key.clone()).or_default().push(path);
    }

    /// Whether both touch one document or path.
    pub fn meet(&self, other: &Self) -> bool {
        self.documents.keys().any(|key| other.documents.contains_key(key))
            || self.paths.iter().any(|path| other.paths.contains(path))
    }

    /// Whether both touch one path, or one field or two of which one holds the other.
    pub fn meet_in_a_field(&self, other: &Self) -> bool {
        let overlap = |(key, fields): (&ObjectKey, &Vec<FieldPath>)| {
            let others = other.documents.get(key).into_iter().flatten();
            others.into_iter().any(|theirs| fields.iter().any(|ours| ours.overlaps(theirs)))
        };
        self.documents.iter().any(overlap) || self.paths.iter().any(|path| other.paths.contains(path))
    }

    /// Whether it touches one of `these`.
    pub fn meet_any(&self, these: &BTreeSet<Touched>) -> bool {
        these.iter().any(|one| match one {
            Touched::Document(key) => self.documents.contains_key(key),
            Touched::Path(path) => self.paths.contains(path),
        })
    }
}
