//! The versions by component and number; each is declared once.

use super::super::Problem;
use super::fact::Version;
use super::known::{ByName, Known, shown};
use crate::diagnostic::Code;
use crate::model::scalar::span_ms;
use std::collections::{BTreeMap, HashMap};

/// The versions of every component, in order.
#[derive(Debug, Default)]
pub struct Releases(HashMap<Box<str>, BTreeMap<semver::Version, Release>>);

/// What the rules ask of a version.
#[derive(Debug)]
pub struct Release {
    /// How far it has come.
    pub stage: Box<str>,
    /// How long an upgrade to it takes.
    pub estimate_ms: u64,
    /// The same as it is written.
    pub estimate: Box<str>,
}

impl Releases {
    /// Those of `versions`; the first of several that share a number.
    pub fn of(versions: &ByName<'_, Version>) -> Self {
        let mut all = Self::default();
        for (_, one) in versions.iter() {
            let Ok(number) = semver::Version::parse(&one.number) else { continue };
            let release = Release {
                stage: one.stage.clone(),
                estimate_ms: span_ms(&one.estimate).unwrap_or_default(),
                estimate: one.estimate.clone(),
            };
            all.0.entry(one.component.clone()).or_default().entry(number).or_insert(release);
        }
        all
    }

    /// Version `number` of `component`.
    pub fn get(&self, component: &str, number: &str) -> Option<&Release> {
        self.0.get(component)?.get(&semver::Version::parse(number).ok()?)
    }

    /// The versions of `component`, in order.
    pub fn of_component(&self, component: &str) -> impl Iterator<Item = (&semver::Version, &Release)> {
        self.0.get(component).into_iter().flatten()
    }

    /// The versions of `component` next to `number` on either side, for a hint.
    pub fn nearest(&self, component: &str, number: &str) -> String {
        let (Some(all), Ok(number)) = (self.0.get(component), semver::Version::parse(number)) else {
            return format!("there is no version of {component} at all");
        };
        let sides = [all.range(..&number).next_back(), all.range(&number..).next()];
        let near: Vec<String> = sides.into_iter().flatten().map(|(number, _)| number.to_string()).collect();
        match near.as_slice() {
            [one] => format!("the nearest is {one}"),
            many => format!("the nearest are {}", many.join(" and ")),
        }
    }
}

/// No two Versions declare the same number of the same component.
pub fn each_is_declared_once(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut first = HashMap::new();
    for (entry, one) in known.versions.iter() {
        if let Some(&other) = first.get(&(&one.component, &one.number)) {
            let message = format!("version {} of {} is declared twice", one.number, one.component);
            problems.push(
                known
                    .error(entry, Code::DuplicateVersion, &["version"], message)
                    .with_hint(Some(format!("the other one is {}", shown(other)))),
            );
        } else {
            first.insert((&one.component, &one.number), entry);
        }
    }
}
