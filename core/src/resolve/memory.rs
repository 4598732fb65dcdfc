//! What was found of each document of a tree, so that the next tree resolves only what changed.
//! A document is recalled when everything that it was made of is the very same: itself and its place,
//! its partner and profiles, every guardrail and schema; and when all that it refers to is still there.

use super::Object;
use super::index::{Entry, Index};
use super::layers::layers;
use super::rules::Fact;
use crate::change::ObjectKey;
use crate::model::Catalog;
use crate::parse::Document;
use std::collections::HashMap;
use std::sync::Arc;

/// Kinds whose documents judge others: a change of any makes every document be resolved again.
const JUDGES: [&str; 3] = ["Guardrail", "Capability", "Version"];

/// What was found of the documents of one tree about which there was nothing to tell.
#[derive(Debug, Default)]
pub struct Memory {
    catalog: Option<usize>,
    judges: Vec<Arc<Document>>,
    /// What layers are made of, and all that there was to refer to.
    frame: Frame,
    /// By the address of the document, which lives for as long as it is kept here.
    kept: HashMap<usize, Arc<Kept>>,
}

/// The documents that others are made of, and the name of every document. While a frame stays the
/// same, a document that is the same need not ask after each thing that it was made of.
#[derive(Debug, Default)]
pub struct Frame {
    layers: Vec<Arc<Document>>,
    keys: Vec<ObjectKey>,
}

impl Frame {
    /// The frame of a tree.
    pub fn of(index: &Index) -> Self {
        let layers = ["Partner", "Profile"]
            .iter()
            .flat_map(|kind| index.of_kind(kind))
            .map(|entry| entry.document.clone())
            .collect();
        Self { layers, keys: index.iter().map(|entry| entry.document.key.clone()).collect() }
    }

    fn is(&self, other: &Self) -> bool {
        same(&self.layers, &other.layers) && self.keys == other.keys
    }
}

/// What was found of one document.
#[derive(Debug)]
pub struct Kept {
    document: Arc<Document>,
    file: Arc<str>,
    /// The documents of its layers and of its owner.
    made_of: Vec<Arc<Document>>,
    /// What stands for it.
    pub objects: Vec<Object>,
    /// What the rules read of it.
    pub fact: Option<Fact>,
}

/// Every document of `index` that judges others.
pub fn judges(index: &Index) -> Vec<Arc<Document>> {
    JUDGES.iter().flat_map(|kind| index.of_kind(kind)).map(|entry| entry.document.clone()).collect()
}

impl Kept {
    /// What was found of `entry`: objects and a fact, and nothing to tell.
    pub fn of(entry: &Entry, index: &Index, objects: Vec<Object>, fact: Option<Fact>) -> Self {
        let partner = objects.first().and_then(|object| object.partner.clone());
        Self {
            document: entry.document.clone(),
            file: entry.file.clone(),
            made_of: made_of(entry, partner.as_ref(), index),
            objects,
            fact,
        }
    }

    fn holds(&self, entry: &Entry, index: &Index) -> bool {
        let partner = self.objects.first().and_then(|object| object.partner.as_ref());
        *self.file == *entry.file
            && same(&self.made_of, &made_of(entry, partner, index))
            && self.objects.iter().flat_map(|object| object.references.iter()).all(|key| index.get(key).is_some())
    }
}

fn made_of(entry: &Entry, partner: Option<&Arc<str>>, index: &Index) -> Vec<Arc<Document>> {
    let owner = partner.and_then(|name| index.get(&ObjectKey::new("Partner", name.clone())));
    let below = layers(entry, index, &mut Vec::new());
    below.iter().map(|layer| layer.entry).chain(owner).map(|entry| entry.document.clone()).collect()
}

fn same(these: &[Arc<Document>], those: &[Arc<Document>]) -> bool {
    these.len() == those.len() && these.iter().zip(those).all(|(one, other)| Arc::ptr_eq(one, other))
}

impl Memory {
    /// The memory of a tree.
    pub fn of(catalog: &Catalog, judges: Vec<Arc<Document>>, frame: Frame, kept: Vec<Arc<Kept>>) -> Self {
        let kept = kept.into_iter().map(|one| (address(&one.document), one)).collect();
        Self { catalog: Some(std::ptr::from_ref(catalog) as usize), judges, frame, kept }
    }

    /// Whether it was made by the same kinds, guardrails and schemas.
    pub fn is_of(&self, catalog: &Catalog, judges: &[Arc<Document>]) -> bool {
        self.catalog == Some(std::ptr::from_ref(catalog) as usize) && same(&self.judges, judges)
    }

    /// Whether what documents are made of, and what there is to refer to, is the same in `frame`.
    pub fn is_in(&self, frame: &Frame) -> bool {
        self.frame.is(frame)
    }

    /// What was found of `entry`, if it still holds; `steady` when the frame is the same.
    pub fn recall(&self, entry: &Entry, index: &Index, steady: bool) -> Option<&Arc<Kept>> {
        let kept = self.kept.get(&address(&entry.document))?;
        let holds = if steady { *kept.file == *entry.file } else { kept.holds(entry, index) };
        holds.then_some(kept)
    }
}

fn address(document: &Arc<Document>) -> usize {
    Arc::as_ptr(document) as usize
}
