//! One verification: the object store, the catalog, and a memory of what objects were found to say.
//! The memory is keyed by content, so it changes the time a verdict takes and never the verdict.

use super::commit::{Commit, CommitError, Irregular, Seal};
use super::snapshot::{self, DocumentFile, Snapshot, TreeFault};
use super::sshsig::{self, SignatureError, Signed};
use super::{ObjectKind, ObjectStore, ReadError, delta};
use crate::change::{ChangeId, ChangeSet, Entry, ObjectKey, Oid, Touched};
use crate::model::Catalog;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

const MAX_COMMITS: usize = 500_000;
const MAX_BLOBS: usize = 500_000;
const MAX_TREES: usize = 64;

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
    #[error("more than {0} commits lie between")]
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
    trees: HashMap<Oid, Result<Arc<Snapshot>, TreeFault>>,
    touched: HashMap<(Oid, Oid), Arc<HashSet<Touched>>>,
}

/// One verification at work.
pub struct Session<'a> {
    store: &'a dyn ObjectStore,
    pub(super) catalog: &'a Catalog,
    memory: &'a mut Memory,
}

impl<'a> Session<'a> {
    /// A session over `store`. The catalog says which lists are sets.
    pub fn new(store: &'a dyn ObjectStore, catalog: &'a Catalog, memory: &'a mut Memory) -> Self {
        Self { store, catalog, memory }
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
        forget_beyond(&mut self.memory.commits, MAX_COMMITS);
        self.memory.commits.insert(oid, commit.clone());
        Ok(commit)
    }

    /// Who sealed the commit, by key; whether that key may do anything is the policy's matter.
    pub fn seal(&mut self, oid: Oid) -> Result<SealResult, HistoryFault> {
        if let Some(known) = self.memory.seals.get(&oid) {
            return Ok(known.clone());
        }
        let commit = self.commit(oid)?;
        let result = match &commit.seal {
            Seal::Unsigned => Err(Unsealed::Unsigned),
            Seal::Irregular(why) => Err(Unsealed::Irregular(*why)),
            Seal::Ssh { blob, payload } => sshsig::verify(blob, payload).map(Arc::new).map_err(Unsealed::Signature),
        };
        forget_beyond(&mut self.memory.seals, MAX_COMMITS);
        self.memory.seals.insert(oid, result.clone());
        Ok(result)
    }

    pub(super) fn document_file(&mut self, blob: Oid) -> Result<Arc<DocumentFile>, ReadError> {
        if let Some(known) = self.memory.documents.get(&blob) {
            return Ok(known.clone());
        }
        let file = Arc::new(DocumentFile::read(&self.raw(blob, ObjectKind::Blob)?));
        forget_beyond(&mut self.memory.documents, MAX_BLOBS);
        self.memory.documents.insert(blob, file.clone());
        Ok(file)
    }

    /// A tree as trust sees it. A fault of the reader is not remembered; one of the content is.
    pub(super) fn snapshot(&mut self, tree: Oid) -> Result<Arc<Snapshot>, TreeFault> {
        if let Some(known) = self.memory.trees.get(&tree) {
            return known.clone();
        }
        let result = snapshot::read(self, tree).map(Arc::new);
        if !matches!(result, Err(TreeFault::Read(_))) {
            forget_beyond(&mut self.memory.trees, MAX_TREES);
            self.memory.trees.insert(tree, result.clone());
        }
        result
    }

    /// Δ between two trees.
    pub fn change_set(&mut self, old: Oid, new: Oid) -> Result<ChangeSet, TreeFault> {
        let (old_side, new_side) = (self.snapshot(old)?, self.snapshot(new)?);
        if old == new {
            return Ok(ChangeSet::default());
        }
        delta::between(self, &old_side, &new_side)
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
    pub(super) fn touched(&mut self, old: Oid, new: Oid) -> Result<Arc<HashSet<Touched>>, ChangeError> {
        if let Some(known) = self.memory.touched.get(&(old, new)) {
            return Ok(known.clone());
        }
        let touched: Arc<HashSet<Touched>> =
            Arc::new(self.change(old, new)?.entries().iter().map(Entry::touches).collect());
        forget_beyond(&mut self.memory.touched, MAX_COMMITS);
        self.memory.touched.insert((old, new), touched.clone());
        Ok(touched)
    }
}

fn forget_beyond<K, V>(map: &mut HashMap<K, V>, limit: usize) {
    if map.len() >= limit {
        map.clear();
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
