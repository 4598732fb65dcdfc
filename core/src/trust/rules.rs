//! Which rules of a policy a change needs: an entry is matched if either side of it is.
//! Every entry needs a rule; `otherwise` takes what nothing else matches.

use super::closure::closure_keys;
use super::policy::{Action, Matching, Policy, Rule};
use super::profiles::{gives, handed_on, taken_up};
use super::snapshot::{POLICY_PATH, Placed, Snapshot};
use crate::change::{ChangeSet, Entry, FieldPath, ObjectKey, Value};
use crate::model::Catalog;
use std::collections::BTreeSet;

const INSTANCE: &str = "Instance";
/// Kinds that no instance resolves through: a change of these alone is in no rule's reach.
const UNREACHED: [&str; 6] = [INSTANCE, "Tenant", "Member", "Schedule", "Guardrail", "PlatformConfig"];

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
/// `otherwise` takes an entry as well when one of its two sides is matched by no rule: what is taken
/// from its owners is not only its new owners' matter. What a rule merely reaches still needs the
/// rule that it would need by itself.
pub(super) fn needs<'a>(catalog: &Catalog, policy: &'a Policy, change: &ChangeSet, sides: Sides<'_>) -> Needs<'a> {
    let shared = change.entries().iter().filter_map(Entry::key).any(|key| !UNREACHED.contains(&&*key.kind));
    let reach = |rule| if shared { reached(catalog, rule, sides) } else { BTreeSet::new() };
    let reached: Vec<BTreeSet<ObjectKey>> = policy.rules.iter().map(reach).collect();
    let mut wanted = vec![false; policy.rules.len()];
    let mut unmatched = Vec::new();
    for entry in change.entries() {
        let own_sides = sides_of(entry, sides);
        let mut covered = vec![false; own_sides.len()];
        let named =
            policy.rules.iter().zip(&mut wanted).zip(&reached).filter(|((rule, _), _)| !rule.matching.otherwise);
        for ((rule, wanted), reached) in named {
            let by_reach = entry.key().is_some_and(|key| reached.contains(key)) && rule.matching.reaches(entry, sides);
            let about = rule.matching.is_about(entry, sides);
            for (side, covered) in own_sides.iter().zip(&mut covered) {
                let matches = about && rule.matching.side_matches(side);
                *wanted |= matches;
                *covered |= matches && !(rule.implicit && rule.matching.names_paths_only() && entry.key().is_some());
            }
            *wanted |= by_reach;
        }
        if covered.iter().all(|side| *side) {
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
    if !rule.reach || !instances || matching.otherwise {
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

    /// Whether both sides of an entry, as far as it has them, are within it.
    pub(super) fn covers(&self, entry: &Entry, sides: Sides<'_>) -> bool {
        self.is_about(entry, sides) && sides_of(entry, sides).iter().all(|side| self.side_matches(side))
    }

    /// Whether nothing but paths is said.
    fn names_paths_only(&self) -> bool {
        let document =
            self.kinds.is_empty() && self.names.is_empty() && self.labels.is_empty() && self.partner.is_none();
        document && !self.paths.is_empty()
    }

    /// Whether the fields and actions of an entry are ones that the rule is about. Profiles that a
    /// document takes up or leaves give it fields, and may end it.
    pub(super) fn is_about(&self, entry: &Entry, sides: Sides<'_>) -> bool {
        let plain = self.field_matches(entry) && self.action_matches(entry, sides);
        plain || self.is_about_any(&taken_up(entry, sides), entry, sides)
    }

    fn is_about_any(&self, values: &[&Value], entry: &Entry, sides: Sides<'_>) -> bool {
        values.iter().any(|values| {
            let field = self.fields.is_empty() || self.fields.iter().any(|field| gives(values, field));
            let ends = values.get("lifecycle").and_then(Value::as_str) == Some("terminated");
            let action = self.action_matches(entry, sides) || (ends && self.actions.contains(&Action::Delete));
            field && action
        })
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
                    && (self.kinds.is_empty() || self.kinds.iter().any(|kind| **kind == *key.kind))
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
        let handed_on = handed_on(entry);
        handed_on.is_some_and(|entry| self.field_matches(&entry) && self.action_matches(&entry, sides))
            || self.is_about_any(&taken_up(entry, sides), entry, sides)
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

/// Whether `action` is what happens to the document or file of an entry.
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
