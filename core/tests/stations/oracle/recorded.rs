//! What an oracle said, as it is kept: how often it fires and a digest of when, and where that differs from us.

use super::cases::{Case, Cases, OURS};
use super::classes::Class;
use super::differences::Differences;
use jiff::Timestamp;
use pintle_core::change::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub const ORACLES: [&str; 2] = ["croniter", "cron-parser"];

/// One oracle's file.
#[derive(Serialize, Deserialize)]
pub struct Recorded {
    /// Its name and version.
    pub oracle: String,
    /// The version of its time zone database.
    pub iana: String,
    /// The expressions that it cannot read.
    pub unread: BTreeSet<String>,
    /// By zone and expression.
    cases: BTreeMap<String, BTreeMap<String, Known>>,
}

/// How often something fires, and the SHA-256 of when: moments in RFC 3339, one a line.
pub type Summary = (usize, Digest);

#[derive(Serialize, Deserialize)]
pub struct Known {
    pub fires: Summary,
    #[serde(default, skip_serializing_if = "Differences::is_empty")]
    pub differences: Differences,
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

pub fn summary(fires: &BTreeSet<Timestamp>) -> Summary {
    let lines: Vec<String> = fires.iter().map(ToString::to_string).collect();
    (fires.len(), Digest::of(lines.join("\n").as_bytes()))
}

impl Recorded {
    pub fn path(oracle: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "tests/stations/oracle", &format!("{oracle}.json")].iter().collect()
    }

    pub fn of(oracle: &str) -> Self {
        serde_json::from_str(&std::fs::read_to_string(Self::path(oracle)).unwrap()).unwrap()
    }

    /// From the lines of a script: its versions, then cases.
    pub fn from_said(said: &str) -> Self {
        let (head, lines) = said.split_once('\n').unwrap();
        let (oracle, iana) = head.split_once(", IANA ").unwrap();
        let mut cases: BTreeMap<String, BTreeMap<String, Known>> = BTreeMap::new();
        for line in lines.lines() {
            let [zone, cron, fires] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
            let theirs = fires.split_whitespace().map(|fire| fire.parse().unwrap()).collect();
            let ours = &OURS[&(zone.to_owned(), cron.to_owned())];
            let differences = Differences::between(ours, &theirs, zone, iana);
            let known = Known { fires: summary(&theirs), differences: differences.unwrap() };
            cases.entry(zone.to_owned()).or_default().insert(cron.to_owned(), known);
        }
        let read = |(zone, cron): &Case| cases.get(zone).is_some_and(|zone| zone.contains_key(cron));
        let unread = Cases::read().all().filter(|case| !read(case)).map(|(_, cron)| cron).collect();
        Self { oracle: oracle.to_owned(), iana: iana.to_owned(), unread, cases }
    }

    pub fn all(&self) -> impl Iterator<Item = (Case, &Known)> {
        self.cases
            .iter()
            .flat_map(|(zone, cases)| cases.iter().map(move |(cron, known)| ((zone.clone(), cron.clone()), known)))
    }

    /// How many moments differ by class: those of ours, those of the oracle.
    pub fn counted(&self) -> BTreeMap<Class, (usize, usize)> {
        let mut counted: BTreeMap<Class, (usize, usize)> = BTreeMap::new();
        for (class, ours, theirs) in self.all().flat_map(|(_, known)| known.differences.counted()) {
            let both = counted.entry(class).or_default();
            *both = (both.0 + ours, both.1 + theirs);
        }
        counted
    }

    /// JSON with a line for each case.
    pub fn text(&self) -> String {
        let zones = self.cases.iter().map(|(zone, cases)| {
            let lines = cases.iter().map(|(cron, known)| format!("{}: {}", json(cron), json(known)));
            format!("{}: {{\n{}\n}}", json(zone), lines.collect::<Vec<_>>().join(",\n"))
        });
        let [oracle, iana, unread] = [json(&self.oracle), json(&self.iana), json(&self.unread)];
        let cases = zones.collect::<Vec<_>>().join(",\n");
        format!("{{\"oracle\": {oracle},\n\"iana\": {iana},\n\"unread\": {unread},\n\"cases\": {{\n{cases}\n}}}}\n")
    }
}
