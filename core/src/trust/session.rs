//! One verification: the object store, the catalog, and a memory of what objects were found to say.
//! The memory is keyed by content, so it changes the time a verdict takes and never the verdict.

use super::commit::{Commit, CommitError, Irregular, Seal};
use super::document_file::DocumentFile;
use super::limits::Limits;
use super::snapshot::{self, Snapshot};
use super::sshsig::{self, SignatureError, Signed};
use super::touches::Touches;
use super::tree::TreeEntry;
use super::tree_diff::changed_files;
use super::tree_fault::TreeFault;
use super::{ObjectKind, ObjectStore, ReadError, delta};
use crate::change::{ChangeId, ChangeSet, Digest, ObjectKey, Oid};
use crate::model::Catalog;
use std::collections::HashMap;
use std::sync::Arc;

const MAX_TREES: usize = 512;
/// Entries of trees that are remembered.
const MAX_ENTRIES: usize = 1_000_000;
/// Fewer signatures than this are verified where they are asked for.
const WORTH_A_THREAD: usize = 64;

/// Why a commit is no part of the history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryFault {
    /// It cannot be had.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its bytes leave its tree or parents in doubt.
    #[error("commit {oid}: {error}")]
    Commit {
        /// The commit.
        oid: Oid,
        /// What is wrong.
        error: CommitError,
    },
    /// More commits than one verification walks.
    #[error("more than {0} commits lie between (--max-walk)")]
    TooLong(usize),
}

/// Why a commit has no verified signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// It is not signed.
    #[error("it is not signed")]
    Unsigned,
    /// It breaks the grammar of signed commits.
    #[error(transparent)]
    Irregular(Irregular),
    /// The signature does not count.
    #[error(transparent)]
    Signature(SignatureError),
}

type SealResult = Result<Arc<Signed>, Unsealed>;

/// What objects were found to say. Keep one in the process; losing it costs time only.
#[derive(Debug, Default)]
pub struct Memory {
    commits: HashMap<Oid, Arc<Commit>>,
    seals: HashMap<Oid, SealResult>,
    documents: HashMap<Oid, Arc<DocumentFile>>,
    digests: HashMap<Oid, Digest>,
    trees: HashMap<Oid, Result<Arc<Snapshot>, TreeFault>>,
    touches: HashMap<(Oid, Oid), Arc<Touches>>,
    entries: HashMap<Oid, Arc<[TreeEntry]>>,
    entry_count: usize,
    /// The tree that was read last: the next one is likely to be almost the same.
    last_tree: Option<Oid>,
    /// Bytes of the objects that commits and documents were read from.
    commit_bytes: usize,
    document_bytes: usize,
}

impl Memory {
    /// Forgets commits and documents when what they were read from comes to more than `limit` bytes.
    fn make_room(&mut self, limit: usize) {
        if self.commit_bytes > limit {
            (self.commits, self.seals, self.commit_bytes) = Default::default();
        }
        if self.document_bytes > limit.saturating_mul(4) {
            (self.documents, self.document_bytes) = Default::default();
        }
    }
}

/// One verification at work.
pub struct Session<'a> {
    store: &'a dyn ObjectStore,
    pub(super) catalog: &'a Catalog,
    memory: &'a mut Memory,
    pub(super) limits: Limits,
}

impl<'a> Session<'a> {
    /// A session over `store`. The catalog says which lists are sets.
    pub fn new(store: &'a dyn ObjectStore, catalog: &'a Catalog, memory: &'a mut Memory) -> Self {
        Self { store, catalog, memory, limits: Limits::default() }
    }

    /// The same within other limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(super) fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError> {
        self.store.raw(oid, kind)
    }

    /// The commit called `oid`.
    pub fn commit(&mut self, oid: Oid) -> Result<Arc<Commit>, HistoryFault> {
        if let Some(known) = self.memory.commits.get(&oid) {
            return Ok(known.clone());
        }
        let raw = self.raw(oid, ObjectKind::Commit)?;
        let commit = Arc::new(Commit::parse(&raw).map_err(|error| HistoryFault::Commit { oid, error })?);
        self.memory.make_room(self.limits.memory_bytes);
        // The map's own room, and the payload that a seal keeps beside the text.
        self.memory.commit_bytes += 2 * raw.len() + 256;
        self.memory.commits.insert(oid, commit.clone());
        Ok(commit)
    }

    /// Who sealed the commit, by key; whether that key may do anything is the policy's matter.
    pub fn seal(&mut self, oid: Oid) -> Result<SealResult, HistoryFault> {
        if let Some(known) = self.memory.seals.get(&oid) {
            return Ok(known.clone());
        }
        let commit = self.commit(oid)?;
        let result = verified(&commit);
        self.memory.seals.insert(oid, result.clone());
        Ok(result)
    }

    /// Verifies the signatures of many commits at once, on all cores; what cannot be read is left.
    pub(super) fn prove(&mut self, commits: &[Oid]) {
        let mut sealed = Vec::new();
        for oid in commits.iter().filter(|oid| !self.memory.seals.contains_key(*oid)).copied().collect::<Vec<_>>() {
            if let Ok(commit) = self.commit(oid)
                && matches!(commit.seal, Seal::Ssh { .. })
            {
                sealed.push((oid, commit));
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = sealed.len().div_ceil(cores).max(WORTH_A_THREAD);
        let verified: Vec<_> = std::thread::scope(|scope| {
            let part = |part: &'_ [(Oid, Arc<Commit>)]| {
                part.iter().map(|(oid, commit)| (*oid, verified(commit))).collect::<Vec<_>>()
            };
            let running: Vec<_> = sealed.chunks(share).map(|chunk| scope.spawn(move || part(chunk))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_default()).collect()
        });
        self.memory.seals.extend(verified.into_iter().flatten());
    }

    pub(super) fn document_file(&mut self, blob: Oid) -> Result<Arc<DocumentFile>, ReadError> {
        if let Some(known) = self.memory.documents.get(&blob) {
            return Ok(known.clone());
        }
        let raw = self.raw(blob, ObjectKind::Blob)?;
        let file = Arc::new(DocumentFile::read(&raw));
        self.memory.make_room(self.limits.memory_bytes);
        self.memory.document_bytes += raw.len();
        self.memory.documents.insert(blob, file.clone());
        Ok(file)
    }

    /// The SHA-256 of a file's content.
    pub(super) fn digest(&mut self, blob: Oid) -> Result<Digest, ReadError> {
        if let Some(known) = self.memory.digests.get(&blob) {
            return Ok(*known);
        }
        let digest = Digest::of(&self.raw(blob, ObjectKind::Blob)?);
        self.memory.digests.insert(blob, digest);
        Ok(digest)
    }

    /// A tree as trust sees it. A fault of the reader is not remembered; one of the content is.
    pub(super) fn snapshot(&mut self, tree: Oid) -> Result<Arc<Snapshot>, TreeFault> {
        if let Some(known) = self.memory.trees.get(&tree) {
            return known.clone();
        }
        let near = self.memory.last_tree.and_then(|last| Some((last, self.memory.trees.get(&last)?.clone().ok()?)));
        let derived = near.and_then(|(last, near)| snapshot::derive(self, &near, last, tree));
        let result = derived.map_or_else(|| snapshot::read(self, tree).map(Arc::new), |derived| Ok(Arc::new(derived)));
        if !matches!(result, Err(TreeFault::Read(_))) {
            if self.memory.trees.len() >= MAX_TREES {
                let last = self.memory.last_tree;
                self.memory.trees.retain(|tree, _| Some(*tree) == last);
            }
            if result.is_ok() {
                self.memory.last_tree = Some(tree);
            }
            self.memory.trees.insert(tree, result.clone());
        }
        result
    }

    pub(super) fn known_entries(&self, tree: Oid) -> Option<Arc<[TreeEntry]>> {
        self.memory.entries.get(&tree).cloned()
    }

    pub(super) fn know_entries(&mut self, tree: Oid, entries: Arc<[TreeEntry]>) -> Arc<[TreeEntry]> {
        if self.memory.entry_count > MAX_ENTRIES {
            (self.memory.entries, self.memory.entry_count) = Default::default();
        }
        self.memory.entry_count += entries.len() + 1;
        self.memory.entries.insert(tree, entries.clone());
        entries
    }

    /// Δ between two trees.
    pub fn change_set(&mut self, old: Oid, new: Oid) -> Result<ChangeSet, TreeFault> {
        let (old_side, new_side) = (self.snapshot(old)?, self.snapshot(new)?);
        if old == new {
            return Ok(ChangeSet::default());
        }
        let changed = changed_files(self, old, new)?;
        delta::between(self, &old_side, &new_side, &changed)
    }

    /// What the tree of a commit means, in one digest: every document and file of it. Another Pintle
    /// that gives another digest reads the same bytes differently.
    pub fn reading(&mut self, commit: Oid) -> Result<Digest, ChangeError> {
        let tree = self.commit(commit)?.tree;
        let snapshot = self.snapshot(tree)?;
        Ok(delta::between(self, &Snapshot::default(), &snapshot, &[])?.id("").0)
    }

    /// Δ between two commits.
    pub(super) fn change(&mut self, old: Oid, new: Oid) -> Result<ChangeSet, ChangeError> {
        let (old, new) = (self.commit(old)?.tree, self.commit(new)?.tree);
        Ok(self.change_set(old, new)?)
    }

    /// The documents that differ between two commits.
    pub fn documents_between(&mut self, old: Oid, new: Oid) -> Result<Vec<ObjectKey>, ChangeError> {
        let mut keys: Vec<ObjectKey> =
            self.change(old, new)?.entries().iter().filter_map(|entry| entry.key().cloned()).collect();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// What a step between two commits touched.
    pub(super) fn touches(&mut self, old: Oid, new: Oid) -> Result<Arc<Touches>, ChangeError> {
        if let Some(known) = self.memory.touches.get(&(old, new)) {
            return Ok(known.clone());
        }
        let touches = Arc::new(Touches::of(&self.change(old, new)?));
        self.memory.touches.insert((old, new), touches.clone());
        Ok(touches)
    }
}

fn verified(commit: &Commit) -> SealResult {
    match &commit.seal {
        Seal::Unsigned => Err(Unsealed::Unsigned),
        Seal::Irregular(why) => Err(Unsealed::Irregular(*why)),
        Seal::Ssh { blob, payload } => sshsig::verify(blob, payload).map(Arc::new).map_err(Unsealed::Signature),
    }
}

/// Why two commits have no change id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// One of the commits cannot be read.
    #[error(transparent)]
    History(#[from] HistoryFault),
    /// One of the trees has no meaning.
    #[error(transparent)]
    Tree(#[from] TreeFault),
}

/// The id of the change from the commit `base` to the commit `rev`.
pub fn change_id(session: &mut Session<'_>, repo_id: &str, base: Oid, rev: Oid) -> Result<ChangeId, ChangeError> {
    Ok(session.change(base, rev)?.id(repo_id))
}
