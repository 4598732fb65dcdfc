//! A resolved tree edited in place: for the everyday commit that changes a few documents which
//! nothing else is made of. It says what resolving the whole tree would say, or nothing at all:
//! whoever gets no answer resolves the tree. The cost is that of the documents and their neighbours.

use super::Problem;
use super::index::Entry;
use super::layers::layers;
use super::memory::Kept;
use super::object::Object;
use super::rules::{self, Fact};
use super::station::{Found, Resolved, World, resolve_one};
use super::ties::{Ties, shared};
use crate::change::ObjectKey;
use crate::model::Catalog;
use crate::parse::FileEdit;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Kinds whose documents nothing is made of and nothing is judged by.
const LEAVES: [&str; 3] = ["Instance", "Tenant", "Member"];
/// More documents than this are resolved with their tree.
const MAX_DOCUMENTS: usize = 1_000;

/// A document before and after.
struct Exchange {
    old: Entry,
    new: Entry,
    object: Arc<Object>,
    fact: Option<Fact>,
}

impl Resolved {
    /// Edits the tree in place: which objects are others now. `None`, and nothing changes, when the
    /// edit is more than this can answer for, or when there is anything to tell about it.
    pub fn amend(&mut self, edits: &[FileEdit], catalog: &Catalog, now: jiff::Timestamp) -> Option<Vec<ObjectKey>> {
        let sound = self.broken_files == 0 && self.memory.is_by(catalog) && !self.has_errors();
        if !sound || !self.memory.bench().guardrails.are_timeless() {
            return None;
        }
        let pairs = self.pairs(edits)?;
        for (_, new) in &pairs {
            self.memory.index.put(new.clone());
        }
        let exchanges = self.exchanges(&pairs, catalog, now).filter(|all| self.stands(all, catalog));
        match exchanges {
            Some(all) => Some(all.into_iter().map(|one| self.exchange(one)).collect()),
            None => {
                for (old, _) in pairs {
                    self.memory.index.put(old);
                }
                None
            }
        }
    }

    /// The documents before and after, if the edit is one of leaves that stay in their places.
    fn pairs(&self, edits: &[FileEdit]) -> Option<Vec<(Entry, Entry)>> {
        let mut pairs = Vec::new();
        for edit in edits {
            let (before, after) = (&edit.before.documents, &edit.after.documents);
            if before.len() != after.len() || !edit.after.errors.is_empty() {
                return None;
            }
            for (old, new) in before.iter().zip(after) {
                let entry = self.memory.index.get(&old.key)?;
                let steady = old.key == new.key && Arc::ptr_eq(&entry.document, old) && entry.file == edit.path;
                if !steady || !LEAVES.contains(&&*old.key.kind) {
                    return None;
                }
                pairs.push((entry.clone(), Entry { document: new.clone(), file: edit.path.clone() }));
            }
        }
        (pairs.len() <= MAX_DOCUMENTS).then_some(pairs)
    }

    /// Each document resolved on its own; `None` when there is anything to tell of one.
    fn exchanges(&self, pairs: &[(Entry, Entry)], catalog: &Catalog, now: jiff::Timestamp) -> Option<Vec<Exchange>> {
        let bench = self.memory.bench();
        let world =
            World { catalog, index: &self.memory.index, bench, previous: None, known: None, steady: false, now };
        let mut all = Vec::with_capacity(pairs.len());
        for (old, new) in pairs {
            let mut found = Found::default();
            let lasting = resolve_one(new, catalog.kind(&new.document.key.kind)?, &world, &mut found);
            let fact = found.facts.pop().map(|(_, fact)| fact);
            let object = found.objects.pop().filter(|_| lasting && found.objects.is_empty())?;
            if !found.problems.is_empty() {
                return None;
            }
            all.push(Exchange { old: old.clone(), new: new.clone(), object, fact });
        }
        Some(all)
    }

    /// Whether the rules across documents have nothing to say about the exchanged documents and their
    /// neighbours, now as before, and no object comes to refer to itself.
    fn stands(&mut self, all: &[Exchange], catalog: &Catalog) -> bool {
        let ties = self.ties.get_or_insert_with(|| Ties::of(&self.memory));
        let mut new_facts: HashMap<&ObjectKey, &Fact> = HashMap::new();
        let mut asked: BTreeSet<ObjectKey> = BTreeSet::new();
        for one in all {
            let key = &one.new.document.key;
            asked.insert(key.clone());
            asked.extend(ties.neighbours(key, [self.memory.fact(&one.old), one.fact.as_ref()]));
            new_facts.extend(one.fact.as_ref().map(|fact| (key, fact)));
        }
        let index = &self.memory.index;
        if self.told_of(asked.iter().filter_map(|key| index.get(key))) {
            return false;
        }
        let others = shared(index).map(|entry| entry.document.key.clone());
        let keys: BTreeSet<ObjectKey> = asked.into_iter().chain(others).collect();
        let fact = |entry| new_facts.get(&entry_key(entry)).copied().or_else(|| self.memory.fact(entry));
        let facts =
            keys.iter().filter_map(|key| index.get(key)).filter_map(|entry| Some((entry, fact(entry)?.clone())));
        let problems = rules::check(facts.collect(), true, index, catalog);
        problems.iter().all(|problem| self.problems.contains(problem)) && !self.circles(all)
    }

    /// Whether something was told at a file that gives values to one of these documents.
    fn told_of<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> bool {
        if self.problems.is_empty() {
            return false;
        }
        let told: HashSet<&Arc<str>> =
            self.problems.iter().map(|problem: &Problem| &problem.place.document.file).collect();
        let index = &self.memory.index;
        entries
            .into_iter()
            .any(|entry| layers(entry, index, &mut Vec::new()).iter().any(|layer| told.contains(&layer.entry.file)))
    }

    /// Whether one of the new objects is met again on the way along references.
    fn circles(&self, all: &[Exchange]) -> bool {
        let new: BTreeMap<&ObjectKey, &Object> = all.iter().map(|one| (&one.object.key, &*one.object)).collect();
        let references =
            |key: &ObjectKey| new.get(key).copied().or_else(|| self.get(key)).map(|one| one.references.clone());
        all.iter().any(|one| {
            let (mut seen, mut open) = (HashSet::new(), one.object.references.to_vec());
            while let Some(key) = open.pop() {
                if key == one.object.key {
                    return true;
                }
                if seen.insert(key.clone()) {
                    open.extend(references(&key).iter().flat_map(|keys| keys.iter().cloned()));
                }
            }
            false
        })
    }

    fn exchange(&mut self, one: Exchange) -> ObjectKey {
        let Exchange { old, new, object, fact } = one;
        let key = object.key.clone();
        if let Some(ties) = &mut self.ties {
            ties.exchange(&key, self.memory.fact(&old), fact.as_ref());
        }
        let kept = Kept::of(&new, &self.memory.index, vec![object.clone()], fact, true);
        self.memory.exchange(&old, kept);
        if let Ok(at) = self.objects.binary_search_by(|object| object.key.cmp(&key)) {
            self.objects[at] = object;
        }
        key
    }
}

fn entry_key(entry: &Entry) -> &ObjectKey {
    &entry.document.key
}
