//! Which rules of a policy a change needs: an entry is matched if either side of it is.
//! Every entry needs a rule; `otherwise` takes what nothing else matches.

use super::closure::closure_keys;
use super::policy::{Action, Matching, Policy, Rule};
use super::snapshot::{POLICY_PATH, Placed, Snapshot};
use crate::change::{ChangeSet, Entry, FieldPath, ObjectKey, Value};
use crate::model::Catalog;
use std::collections::BTreeSet;

const INSTANCE: &str = "Instance";

/// The two trees that a change lies between.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub old: &'a Snapshot,
    pub new: &'a Snapshot,
}

/// What a change needs.
pub(super) struct Needs<'a> {
    pub rules: Vec<&'a Rule>,
    /// Entries that no rule matches.
    pub unmatched: Vec<String>,
}

/// Every rule that matches an entry, in the policy's order, and the entries that none matches.
pub(super) fn needs<'a>(catalog: &Catalog, policy: &'a Policy, change: &ChangeSet, sides: Sides<'_>) -> Needs<'a> {
    let reached: Vec<BTreeSet<ObjectKey>> = policy.rules.iter().map(|rule| reached(catalog, rule, sides)).collect();
    let mut wanted = vec![false; policy.rules.len()];
    let mut unmatched = Vec::new();
    for entry in change.entries() {
        let mut hit = false;
        for ((rule, wanted), reached) in policy.rules.iter().zip(&mut wanted).zip(&reached) {
            let by_reach = entry.key().is_some_and(|key| reached.contains(key)) && rule.matching.reaches(entry, sides);
            let matches = !rule.matching.otherwise && (by_reach || rule.matching.matches(entry, sides));
            hit |= matches;
            *wanted |= matches;
        }
        if hit {
            continue;
        }
        let fallback = policy.rules.iter().zip(&mut wanted).filter(|(rule, _)| rule.matching.otherwise);
        let marked = fallback.map(|(_, wanted)| *wanted = true).count();
        if marked == 0 {
            unmatched.push(entry.to_string());
        }
    }
    let rules = policy.rules.iter().zip(wanted).filter_map(|(rule, wanted)| wanted.then_some(rule)).collect();
    Needs { rules, unmatched }
}

/// What the instances of a rule resolve through, in either tree.
fn reached(catalog: &Catalog, rule: &Rule, sides: Sides<'_>) -> BTreeSet<ObjectKey> {
    let matching = &rule.matching;
    let instances = matching.kinds.is_empty() || matching.kinds.iter().any(|kind| &**kind == INSTANCE);
    let narrow = matching.kinds.is_empty()
        && matching.names.is_empty()
        && matching.labels.is_empty()
        && matching.partner.is_none();
    if !rule.reach || !instances || narrow || matching.otherwise {
        return BTreeSet::new();
    }
    let mut matched = BTreeSet::new();
    for tree in [sides.old, sides.new] {
        let own = |(key, placed): &(&ObjectKey, &Placed)| {
            &*key.kind == INSTANCE && matching.side_matches(&Side::Document(key, placed))
        };
        matched.extend(tree.documents.iter().filter(own).map(|(key, _)| key));
    }
    closure_keys(catalog, sides, matched.into_iter())
}

/// One side of an entry: a document that stands in a tree, or a bare path.
enum Side<'a> {
    Document(&'a ObjectKey, &'a Placed),
    Path(&'a str),
}

impl Matching {
    /// Whether the rule names `.pintle/trust.yaml`.
    pub(super) fn matches_policy_file(&self) -> bool {
        !self.otherwise
            && self.fields.is_empty()
            && self.actions.is_empty()
            && self.side_matches(&Side::Path(POLICY_PATH))
    }

    /// Whether nothing but `otherwise` is said.
    pub(super) fn is_only_otherwise(&self) -> bool {
        let document =
            self.kinds.is_empty() && self.names.is_empty() && self.labels.is_empty() && self.partner.is_none();
        document && self.paths.is_empty() && self.fields.is_empty() && self.actions.is_empty()
    }

    fn matches(&self, entry: &Entry, sides: Sides<'_>) -> bool {
        self.field_matches(entry)
            && self.action_matches(entry, sides)
            && sides_of(entry, sides).iter().any(|side| self.side_matches(side))
    }

    fn side_matches(&self, side: &Side<'_>) -> bool {
        let path = |path: &str| self.paths.is_empty() || self.paths.iter().any(|glob| glob.matches(path));
        match side {
            Side::Path(file) => {
                path(file)
                    && self.kinds.is_empty()
                    && self.names.is_empty()
                    && self.labels.is_empty()
                    && self.partner.is_none()
            }
            Side::Document(key, placed) => {
                path(&placed.file)
                    && (self.kinds.is_empty() || self.kinds.contains(&key.kind))
                    && (self.names.is_empty() || self.names.contains(&key.name))
                    && self.labels.iter().all(|(label, value)| placed.document.label(label) == Some(&**value))
                    && self.partner.as_deref().is_none_or(|partner| owner(key, placed) == Some(partner))
            }
        }
    }

    /// Whether a change of a document that matching instances resolve through is one that the rule
    /// is about. A rule over certain fields or actions looks at the values that a profile hands on.
    fn reaches(&self, entry: &Entry, sides: Sides<'_>) -> bool {
        if self.fields.is_empty() && self.actions.is_empty() {
            return true;
        }
        handed_on(entry).is_some_and(|entry| self.field_matches(&entry) && self.action_matches(&entry, sides))
    }

    /// At, above or below; the whole document is above every field.
    fn field_matches(&self, entry: &Entry) -> bool {
        if self.fields.is_empty() {
            return true;
        }
        match entry {
            Entry::Field { path, .. } | Entry::Element { path, .. } => {
                self.fields.iter().any(|field| field.overlaps(path))
            }
            _ => false,
        }
    }

    fn action_matches(&self, entry: &Entry, sides: Sides<'_>) -> bool {
        self.actions.is_empty() || self.actions.iter().any(|action| acts(*action, entry, sides))
    }
}

fn sides_of<'a>(entry: &'a Entry, sides: Sides<'a>) -> Vec<Side<'a>> {
    let Some(key) = entry.key() else {
        return match entry {
            Entry::File { path, .. } => vec![Side::Path(path)],
            _ => Vec::new(),
        };
    };
    let side = |tree: &'a Snapshot| tree.documents.get(key).map(|placed| Side::Document(key, placed));
    [side(sides.old), side(sides.new)].into_iter().flatten().collect()
}

/// A profile's change as the change of a document that it hands its values to.
fn handed_on(entry: &Entry) -> Option<Entry> {
    let Entry::Field { key, path, old, new } = entry else { return None };
    if &*key.kind != "Profile" {
        return None;
    }
    let values = ["spec", "values"];
    if path.0.iter().zip(values).any(|(part, value)| part != value) {
        return None;
    }
    let below = &values[path.0.len().min(2)..];
    let part = |value: &Option<Value>| value.as_ref().and_then(|value| value.at(below)).cloned();
    let rest = path.0.get(2..).unwrap_or_default();
    let path = FieldPath(std::iter::once("spec".to_owned()).chain(rest.iter().cloned()).collect());
    Some(Entry::Field { key: key.clone(), path, old: part(old), new: part(new) })
}

fn acts(action: Action, entry: &Entry, sides: Sides<'_>) -> bool {
    let (created, deleted) = match entry {
        Entry::File { old, new, .. } => (old.is_none(), new.is_none()),
        other => (other.creates(), other.deletes()),
    };
    match action {
        Action::Create => created,
        Action::Delete => deleted || terminates(entry) || renames(entry, sides),
        Action::Update => !created && !deleted,
    }
}

/// The document stays and its effect goes.
fn terminates(entry: &Entry) -> bool {
    let Entry::Field { path, new: Some(new), .. } = entry else { return false };
    let lifecycle = FieldPath(vec!["spec".into(), "lifecycle".into()]);
    let rest = lifecycle.0.get(path.0.len()..).filter(|_| path.overlaps(&lifecycle));
    rest.and_then(|rest| new.at(rest)).and_then(Value::as_str) == Some("terminated")
}

/// The new half of a rename: its old identity exists before and no longer after.
fn renames(entry: &Entry, sides: Sides<'_>) -> bool {
    let Some(key) = entry.key().filter(|_| entry.creates()) else { return false };
    let Some(previous) = sides.new.documents.get(key).and_then(|placed| placed.document.previous_name.clone()) else {
        return false;
    };
    let previous = ObjectKey { kind: key.kind.clone(), name: previous };
    sides.old.documents.contains_key(&previous) && !sides.new.documents.contains_key(&previous)
}

/// Which partner a document belongs to. A profile cannot say it, so the document's own word is all.
fn owner<'a>(key: &'a ObjectKey, placed: &'a Placed) -> Option<&'a str> {
    if &*key.kind == "Partner" {
        return Some(&key.name);
    }
    placed.document.spec().get("partner")?.as_str()
}
