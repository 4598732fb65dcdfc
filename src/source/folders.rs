//! The folders of a tree. What a folder holds is known by its tree's name, so an unchanged one is not
//! read again.

use super::LoadError;
use pintle_core::change::Oid;
use pintle_core::parse::ParsedFile;
use pintle_core::trust::{ObjectKind, ObjectStore, TreeEntry, parse_tree};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Levels of folders in each other.
const MAX_DEPTH: usize = 32;
/// Git's mode of a folder.
const TREE: u32 = 0o40_000;

/// A file that holds documents.
pub struct Found {
    /// Path in the repository.
    pub path: Arc<str>,
    /// Its content.
    pub blob: Oid,
    /// Neither a link nor a submodule.
    pub regular: bool,
    /// What it says, once it was parsed.
    pub parsed: OnceLock<Arc<ParsedFile>>,
}

/// The folders of the tree that was read last, by path.
#[derive(Default)]
pub struct Folders(HashMap<Arc<str>, Arc<Folder>>);

/// One folder: its own files that hold documents, and the folders in it.
struct Folder {
    tree: Oid,
    files: Vec<Arc<Found>>,
    folders: Vec<(Arc<str>, Oid)>,
}

impl Folders {
    /// The files below the tree `root` that `wanted` names, sorted by path.
    pub fn read(
        &mut self,
        objects: &dyn ObjectStore,
        root: Oid,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Arc<Found>>, LoadError> {
        let before = std::mem::take(&mut self.0);
        let mut files = Vec::new();
        let mut open: Vec<(Arc<str>, Oid, usize)> = vec![("".into(), root, 0)];
        while let Some((path, tree, depth)) = open.pop() {
            if depth > MAX_DEPTH {
                return Err(LoadError::Grammar(format!("folders are nested deeper than {MAX_DEPTH}")));
            }
            let old = before.get(&path);
            let folder = match old.filter(|old| old.tree == tree) {
                Some(same) => same.clone(),
                None => Arc::new(Folder::read(objects, tree, &path, old.map(AsRef::as_ref), wanted)?),
            };
            files.extend(folder.files.iter().cloned());
            // The next is popped from the end: nearly in order of path already.
            open.extend(folder.folders.iter().rev().map(|(path, tree)| (path.clone(), *tree, depth + 1)));
            self.0.insert(path, folder);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

impl Folders {
    /// The files below the tree `root` whose content differs from what was read last, old and new.
    /// `None`, and nothing is remembered, when a file or folder came, went or was renamed.
    pub fn advance(
        &mut self,
        objects: &dyn ObjectStore,
        root: Oid,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Vec<(Arc<Found>, Arc<Found>)>>, LoadError> {
        let (mut changed, mut fresh) = (Vec::new(), Vec::new());
        let mut open: Vec<(Arc<str>, Oid)> = vec![("".into(), root)];
        while let Some((path, tree)) = open.pop() {
            let Some(old) = self.0.get(&path) else { return Ok(None) };
            if old.tree == tree {
                continue;
            }
            let folder = Folder::read(objects, tree, &path, Some(old), wanted)?;
            if !folder.has_the_names_of(old) {
                return Ok(None);
            }
            let files = old.files.iter().zip(&folder.files).filter(|(before, after)| !Arc::ptr_eq(before, after));
            changed.extend(files.map(|(before, after)| (before.clone(), after.clone())));
            let folders = old.folders.iter().zip(&folder.folders).filter(|(before, after)| before != after);
            open.extend(folders.map(|(_, after)| after.clone()));
            fresh.push((path, Arc::new(folder)));
        }
        self.0.extend(fresh);
        Ok(Some(changed))
    }
}

impl Folder {
    fn has_the_names_of(&self, other: &Self) -> bool {
        let files = |folder: &Self| folder.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        let folders = |folder: &Self| folder.folders.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        files(self) == files(other) && folders(self) == folders(other)
    }

    /// Reads `tree`, which stands at `path`; files that `old` held as well are taken from there.
    fn read(
        objects: &dyn ObjectStore,
        tree: Oid,
        path: &str,
        old: Option<&Self>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Self, LoadError> {
        let known: HashMap<&str, &Arc<Found>> =
            old.iter().flat_map(|old| &old.files).map(|file| (&*file.path, file)).collect();
        let mut folder = Self { tree, files: Vec::new(), folders: Vec::new() };
        for entry in entries(objects, tree)? {
            let path = if path.is_empty() { entry.name.to_string() } else { format!("{path}/{}", entry.name) };
            if entry.mode == TREE {
                folder.folders.push((path.into(), entry.oid));
            } else if wanted(&path) {
                let regular = matches!(entry.mode, 0o100_644 | 0o100_755);
                let same = known.get(path.as_str()).filter(|file| file.blob == entry.oid && file.regular == regular);
                folder.files.push(same.map_or_else(
                    || Arc::new(Found { path: path.into(), blob: entry.oid, regular, parsed: OnceLock::new() }),
                    |file| (*file).clone(),
                ));
            }
        }
        Ok(folder)
    }
}

/// The blob of `.pintle/ignore` below `root`.
pub fn ignore_file(objects: &dyn ObjectStore, root: Oid) -> Result<Option<Oid>, LoadError> {
    let Some(folder) =
        entries(objects, root)?.into_iter().find(|entry| entry.mode == TREE && &*entry.name == ".pintle")
    else {
        return Ok(None);
    };
    Ok(entries(objects, folder.oid)?
        .into_iter()
        .find(|entry| entry.mode != TREE && &*entry.name == "ignore")
        .map(|entry| entry.oid))
}

fn entries(objects: &dyn ObjectStore, tree: Oid) -> Result<Vec<TreeEntry>, LoadError> {
    let raw = objects.raw(tree, ObjectKind::Tree)?;
    parse_tree(&raw).map_err(|error| LoadError::Grammar(error.to_string()))
}
