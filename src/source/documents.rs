//! A commit's documents: every file of its tree that is one, parsed once by blob id.

use super::GitObjects;
use super::folders::{self, Folders, Found};
use super::parsed::{Parsed, ParsedCache};
use pintle_core::change::Oid;
use pintle_core::diagnostic::{Code, Diagnostic, Location};
use pintle_core::parse::{
    File, FileEdit, IGNORE_PATH, IgnoreRules, ParsedFile, ParsedTree, is_document_path, parse_file,
};
use pintle_core::render::Checked;
use pintle_core::resolve::Sources;
use pintle_core::trust::{Commit, Limits, ObjectKind, ObjectStore, ReadError};
use std::collections::HashMap;
use std::sync::Arc;

/// A tree cannot be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An object cannot be read.
    #[error("the commit cannot be read")]
    Read(#[from] ReadError),
    /// A commit or tree breaks Git's grammar.
    #[error("the commit cannot be read: {0}")]
    Grammar(String),
    /// The repository cannot be opened.
    #[error("the repository cannot be opened")]
    Open(#[source] git2::Error),
    /// A folder cannot be walked.
    #[error("{path} cannot be read")]
    Folder {
        /// Which.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A tree's documents, what cannot be read of them, and the text of its settings.
#[derive(Default)]
pub struct LoadedTree {
    /// The documents.
    pub tree: ParsedTree,
    /// Files that cannot be read, and a tree without documents.
    pub unreadable: Vec<Diagnostic>,
    /// The text of each file, for diagnostics.
    pub texts: Texts,
}

impl LoadedTree {
    /// How much was looked at.
    pub fn checked(&self) -> Checked {
        Checked { documents: self.tree.files.iter().map(|file| file.parsed.documents.len()).sum() }
    }
}

/// Where the text of a file is found.
#[derive(Default)]
pub enum Texts {
    /// Nowhere.
    #[default]
    None,
    /// In a commit.
    Commit(Arc<GitObjects>, Oid),
    /// Here.
    Memory(HashMap<Arc<str>, Arc<str>>),
}

impl Sources for Texts {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        match self {
            Self::None => None,
            Self::Memory(texts) => texts.get(file).cloned(),
            Self::Commit(objects, commit) => {
                let bytes = objects.file(*commit, file).ok()??;
                std::str::from_utf8(&bytes).ok().map(Arc::from)
            }
        }
    }
}

/// Loads trees, and remembers the last one: a folder that is the same tree at the same path is not
/// read again, and a file that is the same blob at the same path not parsed again.
#[derive(Default)]
pub struct TreeLoader {
    folders: Folders,
    ignore: Option<Oid>,
    /// The commit that was read last.
    last: Option<Oid>,
    limits: Limits,
    /// What an earlier process found in blobs, until a tree was loaded.
    recalled: Parsed,
    /// Files that were parsed since what was found was written down.
    anew: usize,
}

impl TreeLoader {
    /// A loader with other limits on the size of a tree.
    pub fn within(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// With the next tree, what an earlier process found in a blob need not be found again.
    pub fn recall(&mut self, recalled: Parsed) {
        self.recalled = recalled;
    }

    /// Writes down what was found, if much of it was not written down yet.
    pub fn keep(&mut self, cache: &ParsedCache) -> std::io::Result<()> {
        let files = self.folders.files();
        if self.anew * WORTH_WRITING > files.len() {
            cache.write(&files)?;
            self.anew = 0;
        }
        Ok(())
    }

    /// The documents of `commit`.
    pub fn load(&mut self, objects: &Arc<GitObjects>, commit: Oid) -> Result<LoadedTree, LoadError> {
        self.last = None;
        let root = root_of(objects, commit)?;
        let mut loaded = LoadedTree::default();
        let rules = folders::ignore_file(objects.as_ref(), root)?;
        let ignore = ignore_rules(objects.as_ref(), rules, &mut loaded.unreadable);
        if self.ignore != rules {
            self.folders = Folders::default();
        }
        self.ignore = rules;
        let files = self.folders.read(
            objects.as_ref(),
            root,
            &|path| is_document_path(path) && !ignore.hides(path),
            self.limits,
        )?;
        for file in files.iter().filter(|file| file.regular && file.parsed.get().is_none()) {
            if let Some(known) = self.recalled.get(&file.blob) {
                let _ = file.parsed.set(known.clone());
            }
        }
        self.recalled = Parsed::default();
        self.anew += parse(objects, &files, &mut loaded.unreadable)?;
        loaded.tree.files.extend(
            files.iter().filter_map(|file| Some(File { path: file.path.clone(), parsed: file.parsed.get()?.clone() })),
        );
        if loaded.tree.files.iter().all(|file| file.parsed.documents.is_empty() && file.parsed.errors.is_empty())
            && loaded.unreadable.is_empty()
        {
            loaded.unreadable.push(empty());
        }
        loaded.texts = Texts::Commit(objects.clone(), commit);
        self.last = Some(commit);
        Ok(loaded)
    }

    /// The files in which `to` differs from `from`. `None` when `from` is not what was read last, or
    /// when the two differ in more than the content of readable files: then the tree must be loaded.
    pub fn edit(&mut self, objects: &Arc<GitObjects>, from: Oid, to: Oid) -> Result<Option<Vec<FileEdit>>, LoadError> {
        if self.last.take() != Some(from) {
            return Ok(None);
        }
        let root = root_of(objects, to)?;
        let (rules, mut unreadable) = (folders::ignore_file(objects.as_ref(), root)?, Vec::new());
        if rules != self.ignore {
            return Ok(None);
        }
        let ignore = ignore_rules(objects.as_ref(), rules, &mut unreadable);
        let wanted = |path: &str| is_document_path(path) && !ignore.hides(path);
        let Some(changed) = self.folders.advance(objects.as_ref(), root, &wanted, self.limits)? else {
            return Ok(None);
        };
        let after: Vec<Arc<Found>> = changed.iter().map(|(_, after)| after.clone()).collect();
        self.anew += parse(objects, &after, &mut unreadable)?;
        let edit = |(before, after): &(Arc<Found>, Arc<Found>)| {
            Some(FileEdit {
                path: after.path.clone(),
                before: before.parsed.get()?.clone(),
                after: after.parsed.get()?.clone(),
            })
        };
        let edits: Option<Vec<FileEdit>> = changed.iter().map(edit).collect();
        self.last = Some(to);
        Ok(edits.filter(|_| unreadable.is_empty()))
    }
}

fn root_of(objects: &GitObjects, commit: Oid) -> Result<Oid, LoadError> {
    let raw = objects.raw(commit, ObjectKind::Commit)?;
    Ok(Commit::parse(&raw).map_err(|error| LoadError::Grammar(error.to_string()))?.tree)
}

/// Fewer files than this are parsed where they are asked for.
const WORTH_A_THREAD: usize = 64;

/// What was found is written down when more than one file of so many was parsed since.
const WORTH_WRITING: usize = 20;

/// Parses what was not parsed before, on all cores; how many files.
fn parse(
    objects: &Arc<GitObjects>,
    files: &[Arc<Found>],
    unreadable: &mut Vec<Diagnostic>,
) -> Result<usize, LoadError> {
    let fresh: Vec<&Found> = files.iter().map(AsRef::as_ref).filter(|file| file.parsed.get().is_none()).collect();
    if fresh.len() < WORTH_A_THREAD {
        unreadable.extend(parse_part(objects, &fresh));
        return Ok(fresh.len());
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = fresh.len().div_ceil(cores).max(256);
    let parts: Vec<Result<Vec<Diagnostic>, git2::Error>> = std::thread::scope(|scope| {
        let running: Vec<_> =
            fresh.chunks(share).map(|part| scope.spawn(move || Ok(parse_part(&objects.another()?, part)))).collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(git2::Error::from_str("a parser panicked"))))
            .collect()
    });
    for part in parts {
        unreadable.extend(part.map_err(LoadError::Open)?);
    }
    Ok(fresh.len())
}

/// Parses one core's share; what cannot be read is told, and tried again with the next commit.
fn parse_part(objects: &GitObjects, part: &[&Found]) -> Vec<Diagnostic> {
    let mut unreadable = Vec::new();
    // One text at many paths is parsed once.
    let mut known: HashMap<Oid, Arc<ParsedFile>> = HashMap::new();
    for file in part {
        if let Some(parsed) = known.get(&file.blob).filter(|_| file.regular) {
            let _ = file.parsed.set(parsed.clone());
            continue;
        }
        let failed =
            |reason: &str| ReadError::Failed { oid: file.blob, kind: ObjectKind::Blob, reason: reason.to_owned() };
        let bytes =
            if file.regular { objects.raw(file.blob, ObjectKind::Blob) } else { Err(failed("it is no regular file")) };
        match bytes {
            Ok(bytes) => {
                let parsed = known.entry(file.blob).or_insert_with(|| Arc::new(parse_file(&bytes)));
                let _ = file.parsed.set(parsed.clone());
            }
            Err(error) => unreadable.push(cannot_read(&file.path, &error.to_string())),
        }
    }
    unreadable
}

fn ignore_rules(objects: &dyn ObjectStore, blob: Option<Oid>, unreadable: &mut Vec<Diagnostic>) -> IgnoreRules {
    let Some(blob) = blob else { return IgnoreRules::none() };
    let text = objects.raw(blob, ObjectKind::Blob).map_err(|error| error.to_string());
    let utf8 = |bytes: Arc<[u8]>| String::from_utf8(bytes.to_vec()).map_err(|_| "it is not UTF-8".to_owned());
    let rules = text.and_then(utf8).and_then(|text| IgnoreRules::parse(&text));
    rules.unwrap_or_else(|reason| {
        unreadable.push(Diagnostic::error(Code::IgnoreFile, Location::file(IGNORE_PATH), reason));
        IgnoreRules::none()
    })
}

fn cannot_read(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(Code::UnreadableFile, Location::file(path), format!("the file cannot be read: {reason}"))
}

/// An empty tree is never read as "delete everything".
pub(super) fn empty() -> Diagnostic {
    Diagnostic::error(Code::EmptyRepository, Location::file("."), "there is no document in this tree")
        .with_hint("an empty tree is never read as \"delete everything\"; `pintle init` scaffolds one")
}
