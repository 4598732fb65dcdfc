//! Which documents the rules may hold against each other: two that share a tie. A change of one
//! asks the rules about its neighbours only, and not about the whole fleet.

use super::index::{Entry, Index};
use super::memory::Memory;
use super::rules::Fact;
use crate::change::ObjectKey;
use std::collections::{BTreeSet, HashMap};

/// Kinds that any document may be held against, and of which a fleet has few.
const SHARED: [&str; 4] = ["Version", "Channel", "Capability", "MaintenanceWindow"];

/// What two documents have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Tie {
    /// A partner owns it, or it is that partner: ownership, lifecycle and quotas.
    Partner(Box<str>),
    /// It is that instance, or at home there.
    Home(Box<str>),
    /// It is that tenant, or administers it.
    Tenant(Box<str>),
    /// It answers to that domain.
    Domain(Box<str>),
}

fn ties(key: &ObjectKey, fact: &Fact) -> Vec<Tie> {
    let own = || Box::<str>::from(&*key.name);
    match fact {
        Fact::Instance(one) => {
            let domains = one.domains.iter().cloned().map(Tie::Domain);
            one.partner.iter().cloned().map(Tie::Partner).chain([Tie::Home(own())]).chain(domains).collect()
        }
        Fact::Tenant(one) => {
            vec![Tie::Partner(one.partner.clone()), Tie::Home(one.instance.clone()), Tie::Tenant(own())]
        }
        Fact::Member(one) => one.tenants.iter().cloned().map(Tie::Tenant).collect(),
        Fact::Partner(_) => vec![Tie::Partner(own())],
        Fact::Version(_) | Fact::Channel(_) | Fact::Capability(_) | Fact::Window(_) => Vec::new(),
    }
}

/// Who shares which tie.
#[derive(Debug, Default)]
pub struct Ties(HashMap<Tie, BTreeSet<ObjectKey>>);

impl Ties {
    /// Those of a whole tree.
    pub fn of(memory: &Memory) -> Self {
        let mut all = Self::default();
        for entry in memory.index.iter() {
            if let Some(fact) = memory.fact(entry) {
                all.add(&entry.document.key, fact);
            }
        }
        all
    }

    /// `key` has another fact than before.
    pub fn exchange(&mut self, key: &ObjectKey, old: Option<&Fact>, new: Option<&Fact>) {
        for tie in old.into_iter().flat_map(|old| ties(key, old)) {
            self.0.entry(tie).and_modify(|keys| {
                keys.remove(key);
            });
        }
        if let Some(new) = new {
            self.add(key, new);
        }
    }

    fn add(&mut self, key: &ObjectKey, fact: &Fact) {
        for tie in ties(key, fact) {
            self.0.entry(tie).or_default().insert(key.clone());
        }
    }

    /// Every document that shares a tie with `key`, by either of its facts.
    pub fn neighbours(&self, key: &ObjectKey, facts: [Option<&Fact>; 2]) -> BTreeSet<ObjectKey> {
        let ties = facts.into_iter().flatten().flat_map(|fact| ties(key, fact));
        ties.filter_map(|tie| self.0.get(&tie)).flatten().cloned().collect()
    }
}

/// The documents of the shared kinds.
pub fn shared(index: &Index) -> impl Iterator<Item = &Entry> {
    SHARED.iter().flat_map(|kind| index.of_kind(kind))
}
