//! A component is `platform`, a Suite or a Capability; each name means one of them.

use super::super::Problem;
use super::super::index::Entry;
use super::known::{Known, shown};
use crate::change::{FieldPath, ObjectKey};
use crate::diagnostic::{Code, nearest};

/// No Suite or Capability is called `platform`, and no two of them share a name.
pub fn names_are_unambiguous(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut told = |entry: &Entry, message: String, hint: String| {
        problems.push(
            Problem::error(Code::AmbiguousComponent, &entry.id(), FieldPath::dotted("metadata.name"), message)
                .with_hint(Some(hint)),
        );
    };
    for kind in ["Suite", "Capability"] {
        if let Some(entry) = known.index.get(&ObjectKey::new(kind, "platform")) {
            told(entry, "`platform` is the platform itself".into(), "give it another name".into());
        }
    }
    for entry in known.index.of_kind("Suite") {
        if let Some(other) = known.index.get(&ObjectKey::new("Capability", entry.document.key.name.clone())) {
            told(
                entry,
                format!("`{}` is a Suite and a Capability", entry.document.key.name),
                format!("the other one is {}", shown(other)),
            );
        }
    }
}

/// The components of versions and channels, and those that versions require, exist.
pub fn named_components_exist(known: &Known<'_>, problems: &mut Vec<Problem>) {
    if !known.readable {
        return;
    }
    for (entry, version) in known.versions.iter() {
        if !exists(known, &version.component) {
            problems.push(
                known
                    .error(entry, Code::DanglingReference, &["component"], message(&version.component))
                    .with_hint(Some(hint(known, &version.component))),
            );
        }
        for name in version.requires.iter().filter(|name| !exists(known, name)) {
            problems.push(
                known
                    .error_at_key(entry, Code::DanglingReference, &["requires", name], message(name))
                    .with_hint(Some(hint(known, name))),
            );
        }
    }
    for (entry, channel) in known.channels.iter().filter(|(_, channel)| !exists(known, &channel.component)) {
        problems.push(
            known
                .error(entry, Code::DanglingReference, &["component"], message(&channel.component))
                .with_hint(Some(hint(known, &channel.component))),
        );
    }
}

fn exists(known: &Known<'_>, name: &str) -> bool {
    name == "platform" || find(known, name).is_some()
}

fn find<'a>(known: &Known<'a>, name: &str) -> Option<&'a Entry> {
    ["Suite", "Capability"].iter().find_map(|kind| known.index.get(&ObjectKey::new(*kind, name)))
}

fn message(name: &str) -> String {
    format!("component `{name}` does not exist")
}

fn hint(known: &Known<'_>, name: &str) -> String {
    let named = ["Suite", "Capability"]
        .into_iter()
        .flat_map(|kind| known.index.of_kind(kind))
        .map(|entry| &*entry.document.key.name);
    let near = nearest(name, named.chain(["platform"]));
    match near.map(|near| (near, find(known, near))) {
        Some((_, Some(entry))) => format!("there is {}", shown(entry)),
        Some((near, None)) => format!("did you mean `{near}`?"),
        None => "a component is `platform`, a Suite or a Capability".into(),
    }
}
