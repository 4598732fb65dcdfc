//! A commit's documents: every file of its tree that is one, parsed once by blob id.

use super::GitObjects;
use pintle_core::change::Oid;
use pintle_core::diagnostic::{Code, Diagnostic, Location};
use pintle_core::parse::{File, IgnoreRules, ParsedFile, ParsedTree, is_document_path, parse_file};
use pintle_core::resolve::Sources;
use pintle_core::trust::{Commit, ObjectKind, ObjectStore, ReadError, parse_tree};
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

/// Where the text of a file is found.
#[derive(Default)]
pub enum Texts {
    /// Nowhere.
    #[default]
    None,
    /// In the object database.
    Blobs(Arc<GitObjects>, HashMap<Arc<str>, Oid>),
    /// Here.
    Memory(HashMap<Arc<str>, Arc<str>>),
}

impl Sources for Texts {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        match self {
            Self::None => None,
            Self::Memory(texts) => texts.get(file).cloned(),
            Self::Blobs(objects, blobs) => {
                let bytes = objects.raw(*blobs.get(file)?, ObjectKind::Blob).ok()?;
                std::str::from_utf8(&bytes).ok().map(Arc::from)
            }
        }
    }
}

/// Loads trees, and remembers the blobs of the last one.
#[derive(Default)]
pub struct TreeLoader {
    parsed: HashMap<Oid, Arc<ParsedFile>>,
}

/// Levels of folders in each other.
const MAX_DEPTH: usize = 32;
/// Git's mode of a folder.
const TREE: u32 = 0o40_000;
const IGNORE_FILE: &str = ".pintle/ignore";

impl TreeLoader {
    /// The documents of `commit`.
    pub fn load(&mut self, objects: &Arc<GitObjects>, commit: Oid) -> Result<LoadedTree, LoadError> {
        let raw = objects.raw(commit, ObjectKind::Commit)?;
        let root = Commit::parse(&raw).map_err(|error| LoadError::Grammar(error.to_string()))?.tree;
        let mut files = Vec::new();
        walk(objects.as_ref(), root, "", 0, &mut files)?;
        let mut loaded = LoadedTree::default();
        let ignore = ignore_rules(objects.as_ref(), &files, &mut loaded.unreadable);
        files.retain(|file| is_document_path(&file.path) && !ignore.hides(&file.path));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        self.parse(objects, &files, &mut loaded.unreadable)?;
        for file in &files {
            if let Some(parsed) = self.parsed.get(&file.blob) {
                loaded.tree.files.push(File { path: file.path.clone(), parsed: parsed.clone() });
            }
        }
        if loaded.tree.files.iter().all(|file| file.parsed.documents.is_empty() && file.parsed.errors.is_empty()) && loaded.unreadable.is_empty() {
            loaded.unreadable.push(empty());
        }
        loaded.texts = Texts::Blobs(objects.clone(), files.into_iter().map(|file| (file.path, file.blob)).collect());
        Ok(loaded)
    }

    /// Parses the blobs that were not seen before, on all cores, and forgets those that are gone.
    fn parse(&mut self, objects: &Arc<GitObjects>, files: &[Found], unreadable: &mut Vec<Diagnostic>) -> Result<(), LoadError> {
        let before = std::mem::take(&mut self.parsed);
        let mut fresh = Vec::new();
        for file in files {
            match before.get(&file.blob) {
                Some(parsed) => drop(self.parsed.insert(file.blob, parsed.clone())),
                None => fresh.push(file),
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = fresh.len().div_ceil(cores).max(256);
        let parts: Vec<Result<Vec<_>, git2::Error>> = std::thread::scope(|scope| {
            let running: Vec<_> = fresh.chunks(share).map(|part| scope.spawn(move || parse_part(objects, part))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(git2::Error::from_str("a parser panicked")))).collect()
        });
        for part in parts {
            for (file, parsed) in part.map_err(LoadError::Open)? {
                match parsed {
                    Ok(parsed) => drop(self.parsed.insert(file.blob, Arc::new(parsed))),
                    Err(error) => unreadable.push(cannot_read(&file.path, &error.to_string())),
                }
            }
        }
        Ok(())
    }
}

struct Found {
    path: Arc<str>,
    blob: Oid,
    regular: bool,
}

type Parsed<'a> = (&'a Found, Result<ParsedFile, ReadError>);

fn parse_part<'a>(objects: &GitObjects, part: &[&'a Found]) -> Result<Vec<Parsed<'a>>, git2::Error> {
    let own = objects.another()?;
    Ok(part
        .iter()
        .map(|file| {
            let failed = |reason: &str| ReadError::Failed { oid: file.blob, kind: ObjectKind::Blob, reason: reason.to_owned() };
            let bytes = if file.regular { own.raw(file.blob, ObjectKind::Blob) } else { Err(failed("it is no regular file")) };
            (*file, bytes.map(|bytes| parse_file(&bytes)))
        })
        .collect())
}

fn walk(objects: &dyn ObjectStore, tree: Oid, prefix: &str, depth: usize, files: &mut Vec<Found>) -> Result<(), LoadError> {
    if depth > MAX_DEPTH {
        return Err(LoadError::Grammar(format!("folders are nested deeper than {MAX_DEPTH}")));
    }
    let raw = objects.raw(tree, ObjectKind::Tree)?;
    for entry in parse_tree(&raw).map_err(|error| LoadError::Grammar(error.to_string()))? {
        let path = if prefix.is_empty() { entry.name.to_string() } else { format!("{prefix}/{}", entry.name) };
        if entry.mode == TREE {
            walk(objects, entry.oid, &path, depth + 1, files)?;
        } else {
            files.push(Found { path: path.into(), blob: entry.oid, regular: matches!(entry.mode, 0o100_644 | 0o100_755) });
        }
    }
    Ok(())
}

fn ignore_rules(objects: &dyn ObjectStore, files: &[Found], unreadable: &mut Vec<Diagnostic>) -> IgnoreRules {
    let Some(file) = files.iter().find(|file| &*file.path == IGNORE_FILE) else { return IgnoreRules::none() };
    let text = objects.raw(file.blob, ObjectKind::Blob).map_err(|error| error.to_string());
    let rules = text.and_then(|bytes| IgnoreRules::parse(&String::from_utf8_lossy(&bytes)));
    rules.unwrap_or_else(|reason| {
        unreadable.push(Diagnostic::error(Code::IgnoreFile, Location::file(IGNORE_FILE), reason));
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
