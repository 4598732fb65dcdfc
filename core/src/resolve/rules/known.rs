//! The facts of a tree by kind and name, and how a rule tells a problem.

use super::super::Problem;
use super::super::index::{Entry, Index};
use super::super::layers::{layers, place_of};
use super::fact::{Capability, Channel, Fact, Instance, Member, Partner, Tenant, Version, Window};
use super::releases::Releases;
use crate::change::FieldPath;
use crate::diagnostic::{Code, Severity};
use crate::model::Catalog;
use crate::parse::Part;
use std::sync::Arc;

/// The facts of one kind, in order of name.
#[derive(Debug)]
pub struct ByName<'a, T>(Vec<(&'a Entry, Arc<T>)>);

impl<T> Default for ByName<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> ByName<'a, T> {
    /// The fact of `name`, and its document.
    pub fn get(&self, name: &str) -> Option<(&'a Entry, &T)> {
        let at = self.0.binary_search_by(|(entry, _)| (*entry.document.key.name).cmp(name)).ok()?;
        self.0.get(at).map(|(entry, fact)| (*entry, &**fact))
    }

    /// Every fact with its document.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Entry, &T)> {
        self.0.iter().map(|(entry, fact)| (*entry, &**fact))
    }
}

/// Everything that the rules know.
pub struct Known<'a> {
    pub index: &'a Index,
    pub catalog: &'a Catalog,
    pub instances: ByName<'a, Instance>,
    pub tenants: ByName<'a, Tenant>,
    pub partners: ByName<'a, Partner>,
    pub members: ByName<'a, Member>,
    pub versions: ByName<'a, Version>,
    pub channels: ByName<'a, Channel>,
    pub capabilities: ByName<'a, Capability>,
    pub windows: ByName<'a, Window>,
    /// The versions by component and number.
    pub releases: Releases,
    /// Whether every file could be read: what is missing is then really missing.
    pub readable: bool,
}

impl<'a> Known<'a> {
    /// Sorts `facts`, which come in order of key, by kind.
    pub fn of(facts: Vec<(&'a Entry, Fact)>, readable: bool, index: &'a Index, catalog: &'a Catalog) -> Self {
        let mut known = Self {
            index,
            catalog,
            instances: ByName::default(),
            tenants: ByName::default(),
            partners: ByName::default(),
            members: ByName::default(),
            versions: ByName::default(),
            channels: ByName::default(),
            capabilities: ByName::default(),
            windows: ByName::default(),
            releases: Releases::default(),
            readable,
        };
        for (entry, fact) in facts {
            known.take(entry, fact);
        }
        known.releases = Releases::of(&known.versions);
        known
    }

    fn take(&mut self, entry: &'a Entry, fact: Fact) {
        match fact {
            Fact::Instance(one) => self.instances.0.push((entry, one)),
            Fact::Tenant(one) => self.tenants.0.push((entry, one)),
            Fact::Partner(one) => self.partners.0.push((entry, one)),
            Fact::Member(one) => self.members.0.push((entry, one)),
            Fact::Version(one) => self.versions.0.push((entry, one)),
            Fact::Channel(one) => self.channels.0.push((entry, one)),
            Fact::Capability(one) => self.capabilities.0.push((entry, one)),
            Fact::Window(one) => self.windows.0.push((entry, one)),
        }
    }

    /// Whether every Version of the tree is sound, so that one that is not found does not exist.
    pub fn has_every_version(&self) -> bool {
        self.readable && self.versions.0.len() == self.index.of_kind("Version").count()
    }

    /// An error at the value of `path` (below `spec`), told at the line that gave it.
    pub fn error(&self, entry: &Entry, code: Code, path: &[&str], message: impl Into<String>) -> Problem {
        self.told(entry, code, path, Part::Value, message.into())
    }

    /// An error at the key of `path`.
    pub fn error_at_key(&self, entry: &Entry, code: Code, path: &[&str], message: impl Into<String>) -> Problem {
        self.told(entry, code, path, Part::Key, message.into())
    }

    /// A warning at the value of `path`.
    pub fn warning(&self, entry: &Entry, code: Code, path: &[&str], message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..self.error(entry, code, path, message) }
    }

    fn told(&self, entry: &Entry, code: Code, path: &[&str], part: Part, message: String) -> Problem {
        let path = FieldPath(["spec"].iter().chain(path).map(|key| (*key).to_owned()).collect());
        let layers = layers(entry, self.index, &mut Vec::new());
        let place = place_of(&layers, entry.id(), &path, part);
        Problem { place, ..Problem::error(code, &entry.id(), path, message) }
    }
}

/// The document of `entry` as a hint names it: `Tenant/kano (tenants/acme/kano.yaml:3)`.
pub fn shown(entry: &Entry) -> String {
    format!("{} ({}:{})", entry.document.key, entry.file, entry.document.line)
}
