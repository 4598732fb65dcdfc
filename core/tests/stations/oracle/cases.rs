//! What oracles are asked, and what we say.

use jiff::{SignedDuration, Timestamp};
use pintle_core::change::Value;
use pintle_core::schedule::Clock;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::thread;

/// A zone and a cron expression.
pub type Case = (String, String);

/// When we fire. Made once for all tests, each zone in a thread of its own.
pub static OURS: LazyLock<BTreeMap<Case, BTreeSet<Timestamp>>> = LazyLock::new(|| {
    let cases = Cases::read();
    thread::scope(|scope| {
        let zones: Vec<_> = cases.zones.keys().map(|zone| scope.spawn(|| cases.fires_in(zone))).collect();
        zones.into_iter().flat_map(|zone| zone.join().unwrap()).collect()
    })
});

/// The file `cases.json`.
#[derive(Deserialize)]
pub struct Cases {
    from: Timestamp,
    to: Timestamp,
    /// Hours before and after a change of the clocks.
    around: i64,
    cron: BTreeMap<String, Looked>,
    /// Each zone with the changes of its clocks.
    pub zones: BTreeMap<String, Vec<Timestamp>>,
}

/// What of the years is looked at.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Looked {
    Whole,
    /// What is around the changes of the clocks, and the first week of every year.
    Around,
}

impl Cases {
    pub fn read() -> Self {
        serde_json::from_str(include_str!("cases.json")).unwrap()
    }

    pub fn all(&self) -> impl Iterator<Item = Case> {
        self.zones.keys().flat_map(|zone| self.cron.keys().map(|cron| (zone.clone(), cron.clone())))
    }

    fn fires_in(&self, zone: &str) -> Vec<(Case, BTreeSet<Timestamp>)> {
        let fires = |cron: &str, looked| {
            let spec = Value::from(&serde_json::json!({"cron": [cron], "timezone": zone}));
            let clock = Clock::of(&spec, &[]).unwrap();
            let spans = self.spans(zone, looked).into_iter();
            spans.flat_map(|(from, to)| within(&clock, from, to)).collect()
        };
        self.cron.iter().map(|(cron, looked)| ((zone.to_owned(), cron.clone()), fires(cron, *looked))).collect()
    }

    fn spans(&self, zone: &str, looked: Looked) -> Vec<(Timestamp, Timestamp)> {
        if matches!(looked, Looked::Whole) {
            return vec![(self.from, self.to)];
        }
        let around = SignedDuration::from_hours(self.around);
        let week = SignedDuration::from_hours(7 * 24);
        let years = [self.from, self.to].map(|end| end.to_string()[..4].parse::<u16>().unwrap());
        let weeks = (years[0]..years[1]).map(|year| format!("{year}-01-01T00:00:00Z").parse::<Timestamp>().unwrap());
        let changes = self.zones[zone].iter().map(|change| (*change - around, *change + around));
        let mut spans: Vec<_> = changes.chain(weeks.map(|first| (first, first + week))).collect();
        spans.sort_unstable();
        spans
    }
}

fn within(clock: &Clock, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    clock.fires(from - SignedDuration::from_secs(1)).take_while(|fire| *fire < to).collect()
}
