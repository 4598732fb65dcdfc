//! Raw Git objects by name. Content that does not hash to its name is corrupt; what is too large is
//! refused before it is read.

use git2::{ObjectType, Odb, Repository};
use pintle_core::change::Oid;
use pintle_core::trust::{ObjectKind, ObjectLimits, ObjectStore, ReadError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Below it stand approvals, where squash and rebase do not reach.
pub const APPROVALS: &str = "refs/pintle/approvals/";

/// The object database of one repository.
pub struct GitObjects {
    path: PathBuf,
    repository: Mutex<Repository>,
    limits: ObjectLimits,
}

impl GitObjects {
    /// Opens the repository at or above `path`.
    pub fn open(path: &Path) -> Result<Self, git2::Error> {
        let repository = Repository::discover(path)?;
        let limits = ObjectLimits::default();
        Ok(Self { path: repository.path().to_owned(), repository: Mutex::new(repository), limits })
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: ObjectLimits) -> Self {
        Self { limits, ..self }
    }

    /// Another handle on the same repository, for another thread.
    pub fn another(&self) -> Result<Self, git2::Error> {
        let repository = Mutex::new(Repository::open(&self.path)?);
        Ok(Self { path: self.path.clone(), repository, limits: self.limits })
    }

    /// The `.git` folder, or the bare repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The work tree, if there is one.
    pub fn work_tree(&self) -> Option<PathBuf> {
        self.with(|repository| repository.workdir().map(Path::to_owned))
    }

    /// The commit that `revision` names.
    pub fn resolve(&self, revision: &str) -> Result<Oid, git2::Error> {
        self.with(|repository| {
            let commit = repository.revparse_single(revision)?.peel_to_commit()?;
            Oid::from_bytes(commit.id().as_bytes()).ok_or_else(|| git2::Error::from_str("not a SHA-1 object id"))
        })
    }

    /// The tips under `refs/pintle/approvals/`, sorted.
    pub fn approvals(&self) -> Result<Vec<Oid>, git2::Error> {
        self.with(approvals_of)
    }

    /// Whether `tip` is `base` or descends from it. For people's questions; trust walks raw objects.
    pub fn descends(&self, tip: Oid, base: Oid) -> bool {
        self.contains(tip, base).unwrap_or(false)
    }

    /// The content of the file at `path` in `commit`; `None` when there is none.
    pub fn file(&self, commit: Oid, path: &str) -> Result<Option<Arc<[u8]>>, git2::Error> {
        let id = self.with(|repository| {
            let tree = repository.find_commit(git2::Oid::from_bytes(&commit.0)?)?.tree()?;
            match tree.get_path(Path::new(path)) {
                Ok(entry) => Ok(Some(entry.id())),
                Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        let Some(oid) = id.and_then(|id| Oid::from_bytes(id.as_bytes())) else { return Ok(None) };
        self.raw(oid, ObjectKind::Blob).map(Some).map_err(|error| git2::Error::from_str(&error.to_string()))
    }

    /// When `commit` says that it was committed.
    pub fn committed_at(&self, commit: Oid) -> Option<jiff::Timestamp> {
        let raw = self.raw(commit, ObjectKind::Commit).ok()?;
        let parsed = pintle_core::trust::Commit::parse(&raw).ok()?;
        jiff::Timestamp::from_second(parsed.committer.seconds).ok()
    }

    /// Whether `later` is `earlier` or descends from it; `None` when this repository cannot say.
    pub fn contains(&self, later: Oid, earlier: Oid) -> Option<bool> {
        if later == earlier {
            return Some(true);
        }
        let (later, earlier) = (git2::Oid::from_bytes(&later.0).ok()?, git2::Oid::from_bytes(&earlier.0).ok()?);
        self.with(|repository| repository.graph_descendant_of(later, earlier).ok())
    }

    fn with<T>(&self, ask: impl FnOnce(&Repository) -> T) -> T {
        ask(&self.repository.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ObjectStore for GitObjects {
    fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError> {
        self.with(|repository| {
            let odb = repository.odb().map_err(|error| failed(oid, kind, &error))?;
            read(&odb, oid, kind, self.limits.of(kind))
        })
    }
}

fn read(odb: &Odb<'_>, oid: Oid, kind: ObjectKind, limit: usize) -> Result<Arc<[u8]>, ReadError> {
    let name = git2::Oid::from_bytes(&oid.0).map_err(|error| failed(oid, kind, &error))?;
    let missing = |error: git2::Error| match error.code() {
        git2::ErrorCode::NotFound => ReadError::Missing { oid, kind },
        _ => failed(oid, kind, &error),
    };
    let (size, found) = odb.read_header(name).map_err(missing)?;
    if size > limit {
        return Err(ReadError::TooLarge { oid, kind });
    }
    let object = odb.read(name).map_err(missing)?;
    let hashed = git2::Oid::hash_object(found, object.data()).ok();
    if found != wanted(kind) || hashed != Some(name) {
        return Err(ReadError::Corrupt { oid, kind });
    }
    Ok(object.data().into())
}

fn wanted(kind: ObjectKind) -> ObjectType {
    match kind {
        ObjectKind::Commit => ObjectType::Commit,
        ObjectKind::Tree => ObjectType::Tree,
        ObjectKind::Blob => ObjectType::Blob,
    }
}

fn failed(oid: Oid, kind: ObjectKind, error: &git2::Error) -> ReadError {
    ReadError::Failed { oid, kind, reason: error.message().to_owned() }
}

/// The tips under [`APPROVALS`], sorted.
pub(super) fn approvals_of(repository: &git2::Repository) -> Result<Vec<Oid>, git2::Error> {
    let mut tips = Vec::new();
    for reference in repository.references_glob(&format!("{APPROVALS}*"))? {
        tips.extend(reference?.target().and_then(|id| Oid::from_bytes(id.as_bytes())));
    }
    tips.sort_unstable();
    tips.dedup();
    Ok(tips)
}
