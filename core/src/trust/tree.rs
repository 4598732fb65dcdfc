//! The strict grammar of a raw tree object. Only directories and regular files exist in a state
//! tree; names that a checkout could confuse with something else are refused.

use crate::change::Oid;
use std::cmp::Ordering;

/// The most entries that one tree may have.
const MAX_ENTRIES: usize = 200_000;
/// The mode of a directory.
pub const DIRECTORY: u32 = 0o040_000;
/// The mode of a plain file.
pub(super) const PLAIN: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Directory, plain or executable.
    pub mode: u32,
    /// The name.
    pub name: Box<str>,
    /// The tree or blob.
    pub oid: Oid,
}

/// Why a tree is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The bytes are no tree.
    #[error("the tree is malformed")]
    Malformed,
    /// A symlink, a submodule, or a mode nobody writes.
    #[error("`{0}` is a symlink, a submodule or of an odd mode")]
    Mode(String),
    /// `..`, `.git`, a case variant of `.pintle`, or the like.
    #[error("the name `{0}` is not allowed in a state tree")]
    Name(String),
    /// Entries out of order, or one name twice.
    #[error("`{0}` is out of order or there twice")]
    Order(String),
    /// More entries than anything needs.
    #[error("more than {MAX_ENTRIES} entries")]
    TooMany,
}

/// Reads a raw tree object.
pub fn parse_tree(mut raw: &[u8]) -> Result<Vec<TreeEntry>, TreeError> {
    let mut entries: Vec<TreeEntry> = Vec::new();
    while !raw.is_empty() {
        let (entry, rest) = entry(raw)?;
        raw = rest;
        if entries.len() == MAX_ENTRIES {
            return Err(TreeError::TooMany);
        }
        if entries.last().is_some_and(|last| order(last, &entry) != Ordering::Less) {
            return Err(TreeError::Order(entry.name.into()));
        }
        entries.push(entry);
    }
    refuse_twins(&entries)?;
    Ok(entries)
}

fn entry(raw: &[u8]) -> Result<(TreeEntry, &[u8]), TreeError> {
    let space = raw.iter().take(8).position(|b| *b == b' ').ok_or(TreeError::Malformed)?;
    let end = raw.iter().position(|b| *b == 0).filter(|end| *end > space).ok_or(TreeError::Malformed)?;
    let (oid, rest) = raw[end + 1..].split_at_checked(20).ok_or(TreeError::Malformed)?;
    let shown = || {
        String::from_utf8_lossy(&raw[space + 1..end])
            .chars()
            .take(80)
            .flat_map(char::escape_default)
            .collect::<String>()
    };
    let mode = match &raw[..space] {
        b"40000" => DIRECTORY,
        b"100644" => PLAIN,
        b"100755" => EXECUTABLE,
        _ => return Err(TreeError::Mode(shown())),
    };
    let name = std::str::from_utf8(&raw[space + 1..end])
        .ok()
        .filter(|name| is_safe(name))
        .ok_or_else(|| TreeError::Name(shown()))?;
    let oid = Oid::from_bytes(oid).ok_or(TreeError::Malformed)?;
    Ok((TreeEntry { mode, name: name.into(), oid }, rest))
}

/// Git sorts directories as if their names ended with a slash.
pub(super) fn order(a: &TreeEntry, b: &TreeEntry) -> Ordering {
    let bytes =
        |entry: &TreeEntry| entry.name.bytes().chain((entry.mode == DIRECTORY).then_some(b'/')).collect::<Vec<_>>();
    bytes(a).cmp(&bytes(b))
}

/// A file and a directory of one name are not neighbours in git's order.
fn refuse_twins(entries: &[TreeEntry]) -> Result<(), TreeError> {
    let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(TreeError::Order(pair[0].to_owned())),
        None => Ok(()),
    }
}

fn is_safe(name: &str) -> bool {
    let folded: String = name.chars().filter(|c| !is_ignorable(*c)).flat_map(char::to_lowercase).collect();
    let trimmed = folded.trim_end_matches(['.', ' ']);
    let git = matches!(trimmed, ".git" | "git~1") || trimmed.starts_with(".git:");
    let pintle = trimmed == ".pintle" && name != ".pintle";
    let odd = name.contains(['/', '\\']) || name.chars().any(|c| c.is_control() || is_ignorable(c));
    !(name.is_empty() || name == "." || name == ".." || git || pintle || odd)
}

/// Characters that some file systems drop and terminals hide.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
