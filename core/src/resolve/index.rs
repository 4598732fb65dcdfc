//! Every document of a tree by identity. Two of one identity are told with both places.

use super::Problem;
use crate::change::{FieldPath, ObjectKey};
use crate::diagnostic::{Code, nearest};
use crate::model::{Catalog, KindDef};
use crate::parse::{Document, DocumentId, ParsedTree};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A document and where it stands.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The document.
    pub document: Arc<Document>,
    /// The file it stands in.
    pub file: Arc<str>,
}

impl Entry {
    /// Which document of which file.
    pub fn id(&self) -> DocumentId {
        DocumentId { file: self.file.clone(), index: self.document.index }
    }
}

/// The documents of one tree by kind and name.
#[derive(Debug, Default)]
pub struct Index {
    entries: BTreeMap<ObjectKey, Entry>,
}

impl Index {
    /// Indexes `tree`; unknown kinds and duplicate identities go to `problems`.
    pub fn of(tree: &ParsedTree, catalog: &Catalog, problems: &mut Vec<Problem>) -> Self {
        let mut index = Self::default();
        for file in &tree.files {
            for document in &file.parsed.documents {
                let entry = Entry { document: document.clone(), file: file.path.clone() };
                if catalog.kind(&document.key.kind).is_none() {
                    problems.push(unknown_kind(&entry, catalog));
                    continue;
                }
                if let Some(first) = index.entries.get(&document.key) {
                    problems.push(duplicate(&entry, first));
                    continue;
                }
                index.entries.insert(document.key.clone(), entry);
            }
        }
        index
    }

    /// Puts `entry` in the place of the document of its identity.
    pub fn put(&mut self, entry: Entry) {
        self.entries.insert(entry.document.key.clone(), entry);
    }

    /// Whether `other` has documents of the very same identities.
    pub fn has_the_names_of(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len() && self.entries.keys().eq(other.entries.keys())
    }

    /// The document of `key`.
    pub fn get(&self, key: &ObjectKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Every document, by identity.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The documents of one kind, by name.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = ObjectKey::new(kind, "");
        self.entries.range(from..).map(|(_, entry)| entry).take_while(move |entry| &*entry.document.key.kind == kind)
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn unknown_kind(entry: &Entry, catalog: &Catalog) -> Problem {
    let kind = &entry.document.key.kind;
    let near = nearest(kind, catalog.iter().map(|known: &KindDef| known.name));
    Problem::error(Code::UnknownKind, &entry.id(), FieldPath::dotted("kind"), format!("there is no kind `{kind}`"))
        .with_hint(
            near.map(|name| format!("did you mean `{name}`?"))
                .or_else(|| Some("`pintle explain` lists the kinds".into())),
        )
}

fn duplicate(entry: &Entry, first: &Entry) -> Problem {
    let message = format!("{} is declared twice", entry.document.key);
    Problem::error(Code::DuplicateIdentity, &entry.id(), FieldPath::dotted("metadata.name"), message)
        .with_hint(Some(format!("the other one is {}:{}", first.file, first.document.line)))
}
