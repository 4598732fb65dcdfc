//! Raw objects with what was kept of them: the evidence of accepted steps outlives the refs that
//! brought it. And an end to the time that one verdict may take.

use super::GitObjects;
use pintle_core::change::Oid;
use pintle_core::trust::{ObjectKind, ObjectStore, ReadError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Commits that were kept, by name.
#[derive(Default)]
pub struct Kept(HashMap<Oid, Arc<[u8]>>);

impl Kept {
    /// Takes up raw commits; those that are not what their names say are left out.
    pub fn of(commits: impl IntoIterator<Item = (Oid, Vec<u8>)>) -> Self {
        let true_ones = commits.into_iter().filter(|(oid, raw)| {
            git2::Oid::hash_object(git2::ObjectType::Commit, raw).is_ok_and(|hash| hash.as_bytes() == oid.0)
        });
        Self(true_ones.map(|(oid, raw)| (oid, raw.into())).collect())
    }

    /// Whether `oid` is kept.
    pub fn has(&self, oid: Oid) -> bool {
        self.0.contains_key(&oid)
    }

    /// Keeps one more.
    pub fn add(&mut self, oid: Oid, raw: Arc<[u8]>) {
        self.0.insert(oid, raw);
    }
}

/// What one verdict reads from: the mirror, then what was kept, until its time is up.
pub struct Bounded<'a> {
    /// The mirror's objects.
    pub objects: &'a GitObjects,
    /// What was kept.
    pub kept: &'a Kept,
    /// When the verifier must be done: later reads fail, and that means deny.
    pub until: Instant,
}

impl ObjectStore for Bounded<'_> {
    fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError> {
        if Instant::now() >= self.until {
            let reason = "the time that a verdict may take is up (--max-verify-seconds)".to_owned();
            return Err(ReadError::Failed { oid, kind, reason });
        }
        match self.objects.raw(oid, kind) {
            Err(ReadError::Missing { .. }) if kind == ObjectKind::Commit && self.kept.has(oid) => {
                Ok(self.kept.0[&oid].clone())
            }
            found => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_time_is_up_nothing_is_read_and_what_is_not_its_name_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let raw =
            b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n";
        let oid = repository.odb().unwrap().write(git2::ObjectType::Commit, raw).unwrap();
        let oid = Oid::from_bytes(oid.as_bytes()).unwrap();
        let kept = Kept::of([(Oid([7; 20]), raw.to_vec())]);
        assert!(!kept.has(Oid([7; 20])), "its content is not its name");
        let objects = GitObjects::open(folder.path()).unwrap();
        let store = |until| Bounded { objects: &objects, kept: &kept, until };
        assert!(store(Instant::now() + std::time::Duration::from_mins(1)).raw(oid, ObjectKind::Commit).is_ok());
        let late = store(Instant::now()).raw(oid, ObjectKind::Commit);
        assert!(matches!(late, Err(ReadError::Failed { .. })), "{late:?}");
    }
}
