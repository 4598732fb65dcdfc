//! What was found of each document of a tree, so that the next tree resolves only what changed.
//! A document is recalled when everything that it was made of is the very same: itself and its place,
//! its partner and profiles, every guardrail and schema; and when all that it refers to is still there.

use super::config_schema::ConfigSchemas;
use super::guardrails::Guardrails;
use super::index::{Entry, Index};
use super::layers::layers;
use super::rules::Fact;
use super::{Object, Problem};
use crate::change::ObjectKey;
use crate::model::Catalog;
use crate::parse::Document;
use std::collections::HashMap;
use std::sync::Arc;

/// Kinds whose documents judge others: a change of any makes every document be resolved again.
const JUDGES: [&str; 3] = ["Guardrail", "Capability", "Version"];
/// Kinds whose documents give values to others.
const LAYERS: [&str; 2] = ["Partner", "Profile"];

/// What was found of the documents of one tree.
#[derive(Default)]
pub struct Memory {
    catalog: Option<usize>,
    bench: Arc<Bench>,
    layers: Vec<Arc<Document>>,
    /// Every document. While these names and the layers stay the same, a document that is the same
    /// need not ask after each thing that it was made of.
    pub index: Index,
    /// By the address of the document, which lives for as long as it is kept here.
    kept: HashMap<usize, Arc<Kept>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} documents)", self.kept.len())
    }
}

/// The documents that judge others, compiled.
#[derive(Default)]
pub struct Bench {
    judges: Vec<Arc<Document>>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
    /// What the config of instances must satisfy.
    pub schemas: ConfigSchemas,
    /// What every matching document must satisfy.
    pub guardrails: Guardrails,
}

impl Bench {
    /// That of a tree; the same as `before` if its documents are and nothing is wrong with them.
    pub fn of(index: &Index, before: Option<&Arc<Self>>) -> Arc<Self> {
        let judges = documents(index, &JUDGES);
        if let Some(before) = before.filter(|before| before.problems.is_empty() && same(&before.judges, &judges)) {
            return before.clone();
        }
        let mut problems = Vec::new();
        let schemas = ConfigSchemas::of(index, &mut problems);
        let guardrails = Guardrails::of(index, &mut problems);
        Arc::new(Self { judges, problems, schemas, guardrails })
    }
}

/// What was found of one document.
#[derive(Debug)]
pub struct Kept {
    document: Arc<Document>,
    /// The documents of its layers and of its owner.
    made_of: Box<[Arc<Document>]>,
    /// What stands for it; something, if it is lasting.
    pub objects: Box<[Arc<Object>]>,
    /// What the rules read of it.
    pub fact: Option<Fact>,
    /// Whether there was nothing to tell of it, nor will be while what it was made of is the same.
    lasting: bool,
}

fn documents(index: &Index, kinds: &[&str]) -> Vec<Arc<Document>> {
    kinds.iter().flat_map(|kind| index.of_kind(kind)).map(|entry| entry.document.clone()).collect()
}

impl Kept {
    /// What was found of `entry`.
    pub fn of(entry: &Entry, index: &Index, objects: Vec<Arc<Object>>, fact: Option<Fact>, lasting: bool) -> Self {
        let partner = objects.first().and_then(|object| object.partner.clone());
        Self {
            document: entry.document.clone(),
            made_of: if lasting { made_of(entry, partner.as_ref(), index).into() } else { Box::default() },
            objects: objects.into(),
            fact,
            lasting,
        }
    }

    /// Whether its document stood in `file`.
    fn is_in(&self, file: &str) -> bool {
        self.objects.first().is_some_and(|object| *object.document.file == *file)
    }

    fn holds(&self, entry: &Entry, index: &Index) -> bool {
        let partner = self.objects.first().and_then(|object| object.partner.as_ref());
        self.is_in(&entry.file)
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
    pub fn of(catalog: &Catalog, bench: Arc<Bench>, index: Index, kept: Vec<Arc<Kept>>) -> Self {
        let kept = kept.into_iter().map(|one| (address(&one.document), one)).collect();
        Self { catalog: Some(name_of(catalog)), bench, layers: documents(&index, &LAYERS), index, kept }
    }

    /// What judged its documents.
    pub fn bench(&self) -> &Arc<Bench> {
        &self.bench
    }

    /// Whether it was made with these kinds.
    pub fn is_by(&self, catalog: &Catalog) -> bool {
        self.catalog == Some(name_of(catalog))
    }

    /// Whether what documents are made of, and what there is to refer to, is the same in `index`.
    pub fn is_in(&self, index: &Index) -> bool {
        same(&self.layers, &documents(index, &LAYERS)) && self.index.has_the_names_of(index)
    }

    /// What was found of `entry`, if it still holds; `steady` when the frame is the same.
    pub fn recall(&self, entry: &Entry, index: &Index, steady: bool) -> Option<&Arc<Kept>> {
        let kept = self.kept.get(&address(&entry.document)).filter(|kept| kept.lasting)?;
        let holds = if steady { kept.is_in(&entry.file) } else { kept.holds(entry, index) };
        holds.then_some(kept)
    }

    /// What the rules read of `entry`.
    pub fn fact(&self, entry: &Entry) -> Option<&Fact> {
        self.kept.get(&address(&entry.document))?.fact.as_ref()
    }

    /// Keeps `new` in the place of what was found of `old`.
    pub fn exchange(&mut self, old: &Entry, new: Kept) {
        self.kept.remove(&address(&old.document));
        self.kept.insert(address(&new.document), Arc::new(new));
    }
}

fn name_of(catalog: &Catalog) -> usize {
    std::ptr::from_ref(catalog) as usize
}

fn address(document: &Arc<Document>) -> usize {
    Arc::as_ptr(document) as usize
}
