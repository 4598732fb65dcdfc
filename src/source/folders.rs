//! The folders of a tree. What a folder holds is known by its tree's name, so an unchanged one is not
//! read again.

use super::LoadError;
use pintle_core::change::Oid;
use pintle_core::parse::ParsedFile;
use pintle_core::trust::{DIRECTORY, Limits, ObjectKind, ObjectStore, TreeEntry, parse_tree};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

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

/// A file before and after.
pub type Changed = (Arc<Found>, Arc<Found>);

/// The folders of the tree that was read last, by path.
#[derive(Default)]
pub struct Folders(HashMap<Arc<str>, Arc<Folder>>);

/// One folder: its own files that hold documents, and the folders in it.
struct Folder {
    tree: Oid,
    files: Vec<Arc<Found>>,
    folders: Vec<(Arc<str>, Oid)>,
    /// Everything in it, files without documents as well.
    entries: usize,
}

/// How many files and folders a walk may still meet: a tree of sixty levels that each list one
/// subtree twice is a few kilobytes of objects and more paths than any memory holds.
struct Budget {
    left: usize,
    limits: Limits,
}

impl Budget {
    fn of(limits: Limits) -> Self {
        Self { left: limits.files, limits }
    }

    fn spend(&mut self, folder: &Folder) -> Result<(), LoadError> {
        let left = self.left.checked_sub(folder.entries);
        self.left = left.ok_or_else(|| {
            let most = self.limits.files;
            LoadError::Grammar(format!("it holds more than {most} files and folders (--max-files)"))
        })?;
        Ok(())
    }
}

impl Folders {
    /// Every file of the tree that was read last.
    pub fn files(&self) -> Vec<Arc<Found>> {
        self.0.values().flat_map(|folder| &folder.files).cloned().collect()
    }

    /// The files below the tree `root` that `wanted` names, sorted by path.
    pub fn read(
        &mut self,
        objects: &dyn ObjectStore,
        root: Oid,
        wanted: &dyn Fn(&str) -> bool,
        limits: Limits,
    ) -> Result<Vec<Arc<Found>>, LoadError> {
        let mut budget = Budget::of(limits);
        let before = std::mem::take(&mut self.0);
        let mut files = Vec::new();
        let mut open: Vec<(Arc<str>, Oid, usize)> = vec![("".into(), root, 0)];
        while let Some((path, tree, depth)) = open.pop() {
            let old = before.get(&path);
            let folder = match old.filter(|old| old.tree == tree) {
                Some(same) => same.clone(),
                None => Arc::new(Folder::read(objects, tree, &path, old.map(AsRef::as_ref), wanted, limits)?),
            };
            budget.spend(&folder)?;
            if depth >= limits.depth && folder.entries > 0 {
                return Err(LoadError::Grammar(format!(
                    "its folders are nested more than {} deep (--max-depth)",
                    limits.depth
                )));
            }
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
        limits: Limits,
    ) -> Result<Option<Vec<Changed>>, LoadError> {
        let (mut changed, mut fresh, mut budget) = (Vec::new(), Vec::new(), Budget::of(limits));
        let mut open: Vec<(Arc<str>, Oid)> = vec![("".into(), root)];
        while let Some((path, tree)) = open.pop() {
            let Some(old) = self.0.get(&path) else { return Ok(None) };
            if old.tree == tree {
                continue;
            }
            let folder = Folder::read(objects, tree, &path, Some(old), wanted, limits)?;
            budget.spend(&folder)?;
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
        limits: Limits,
    ) -> Result<Self, LoadError> {
        let known: HashMap<&str, &Arc<Found>> =
            old.iter().flat_map(|old| &old.files).map(|file| (&*file.path, file)).collect();
        let entries = entries(objects, tree)?;
        let mut folder = Self { tree, files: Vec::new(), folders: Vec::new(), entries: entries.len() };
        for entry in entries {
            let path = child(path, &entry.name, limits.path_bytes)?;
            if entry.mode == DIRECTORY {
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

/// The path of `name` in the folder at `path`.
fn child(path: &str, name: &str, most: usize) -> Result<String, LoadError> {
    if path.len() + 1 + name.len() > most {
        let start: String = path.chars().chain(['/']).chain(name.chars()).take(60).collect();
        return Err(LoadError::Grammar(format!("a path is longer than {most} bytes; it begins `{start}`")));
    }
    Ok(if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") })
}

/// The blob of `.pintle/ignore` below `root`.
pub fn ignore_file(objects: &dyn ObjectStore, root: Oid) -> Result<Option<Oid>, LoadError> {
    let Some(folder) =
        entries(objects, root)?.into_iter().find(|entry| entry.mode == DIRECTORY && &*entry.name == ".pintle")
    else {
        return Ok(None);
    };
    Ok(entries(objects, folder.oid)?
        .into_iter()
        .find(|entry| entry.mode != DIRECTORY && &*entry.name == "ignore")
        .map(|entry| entry.oid))
}

fn entries(objects: &dyn ObjectStore, tree: Oid) -> Result<Vec<TreeEntry>, LoadError> {
    let raw = objects.raw(tree, ObjectKind::Tree)?;
    parse_tree(&raw).map_err(|error| LoadError::Grammar(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::trust::ReadError;

    /// Trees by name; every blob is missing, and none is asked for.
    #[derive(Default)]
    struct Trees(HashMap<Oid, Arc<[u8]>>);

    impl ObjectStore for Trees {
        fn raw(&self, oid: Oid, kind: ObjectKind) -> Result<Arc<[u8]>, ReadError> {
            self.0.get(&oid).cloned().ok_or(ReadError::Missing { oid, kind })
        }
    }

    impl Trees {
        fn add(&mut self, number: u8, entries: &[(&str, &str, u8)]) -> Oid {
            let raw: Vec<u8> = entries
                .iter()
                .flat_map(|(mode, name, oid)| [format!("{mode} {name}\0").as_bytes(), &[*oid; 20]].concat())
                .collect();
            self.0.insert(Oid([number; 20]), raw.into());
            Oid([number; 20])
        }
    }

    /// `levels` folders in each other, a file at the bottom.
    fn nested(levels: u8, names: &[&str]) -> (Trees, Oid) {
        let mut trees = Trees::default();
        let mut root = trees.add(0, &[("100644", "x.yaml", 255)]);
        for level in 1..=levels {
            let entries: Vec<_> = names.iter().map(|name| ("40000", *name, level - 1)).collect();
            root = trees.add(level, &entries);
        }
        (trees, root)
    }

    fn read(trees: &Trees, root: Oid, budget: usize) -> Result<Vec<Arc<Found>>, String> {
        let read = Folders::default().read(trees, root, &|_| true, Limits { files: budget, ..Limits::default() });
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn sixty_levels_that_list_one_subtree_twice_end_at_the_budget() {
        let (trees, root) = nested(60, &["a", "b"]);
        let error = read(&trees, root, 10_000).err().unwrap();
        assert!(error.contains("more than 10000 files and folders"), "{error}");
        let (trees, root) = nested(10, &["a", "b"]);
        assert_eq!(read(&trees, root, 10_000).map(|files| files.len()), Ok(1 << 10));
    }

    #[test]
    fn folders_are_read_as_deep_as_trust_reads_them() {
        let (trees, root) = nested(63, &["a"]);
        assert_eq!(read(&trees, root, 1_000).map(|files| files.len()), Ok(1));
        let (trees, root) = nested(64, &["a"]);
        assert!(read(&trees, root, 1_000).is_err_and(|error| error.contains("more than 64 deep")));
    }

    #[test]
    fn a_path_that_no_file_system_takes_is_refused() {
        let name = "n".repeat(200);
        let (trees, root) = nested(30, &[&name]);
        assert!(read(&trees, root, 1_000).is_err_and(|error| error.contains("longer than 4096 bytes")));
    }
}
