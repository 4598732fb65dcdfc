//! A folder's documents as they are on disk, committed or not: for `validate` before a commit.

use super::documents::{LoadError, LoadedTree, Texts, empty};
use pintle_core::parse::{IGNORE_PATH, IgnoreRules, is_document_path, parse_tree};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The documents below `root`.
pub fn load_folder(root: &Path) -> Result<LoadedTree, LoadError> {
    read_folder(root).map(load_files)
}

/// The files below `root` that hold documents, by path, as they are.
pub fn read_folder(root: &Path) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    let ignore = std::fs::read_to_string(root.join(IGNORE_PATH))
        .ok()
        .and_then(|text| IgnoreRules::parse(&text).ok())
        .unwrap_or_else(IgnoreRules::none);
    let mut files = Vec::new();
    collect(root, "", &ignore, &mut files)?;
    files.sort();
    Ok(files)
}

/// The documents of `files`.
pub fn load_files(files: Vec<(String, Vec<u8>)>) -> LoadedTree {
    let tree = parse_tree(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    let texts: HashMap<Arc<str>, Arc<str>> = files
        .into_iter()
        .filter_map(|(path, bytes)| Some((path.into(), String::from_utf8(bytes).ok()?.into())))
        .collect();
    let unreadable = if tree.files.is_empty() { vec![empty()] } else { Vec::new() };
    LoadedTree { tree, unreadable, texts: Texts::Memory(texts) }
}

fn collect(
    folder: &Path,
    prefix: &str,
    ignore: &IgnoreRules,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), LoadError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| LoadError::Folder { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(failed(&entry.path()))?;
        if kind.is_dir() && !name.starts_with('.') {
            collect(&entry.path(), &path, ignore, files)?;
        } else if kind.is_file() && is_document_path(&path) && !ignore.hides(&path) {
            let bytes = std::fs::read(entry.path()).map_err(failed(&entry.path()))?;
            files.push((path, bytes));
        }
    }
    Ok(())
}
