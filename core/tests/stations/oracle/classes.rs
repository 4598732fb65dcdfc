//! Why an oracle and we differ. A class is told from the zone alone, so that a difference cannot carry a wrong one.

use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// A time of day that comes twice fires twice. croniter does so always; cron-parser where the clocks go back by
    /// other than a whole hour, or from other than a full one. We fire the first time: `dst.overlap: first`.
    RepeatedFiresTwice,
    /// A skipped 02:30 fires at 03:30. cron-parser adds the hour that is missing; we fire when the gap ends, which is
    /// the same for a skipped 02:00.
    SkippedFiresAsMuchLater,
    /// A skipped time of day does not fire. cron-parser sees no gap at midnight, none of half an hour (Lord Howe), and
    /// of one from 02:45 it loses 03:00 (Chatham). We fire when the gap ends: `dst.gap: run-after`.
    SkippedDoesNotFire,
    /// The oracle's time zone database is older than a change of law.
    OlderZones,
}

/// A change of law since a version of the database, and by how many hours all is moved where it is not known: Morocco
/// goes back to UTC for good.
const NEWER_LAW: (&str, &str, &str, i64) = ("2025c", "Africa/Casablanca", "2026-09-20T01:00:00Z", -1);

/// One case in which an oracle and we differ.
pub struct Differing<'a> {
    pub zone: &'a str,
    /// The version of the oracle's time zone database.
    pub iana: &'a str,
    pub ours: &'a BTreeSet<Timestamp>,
    pub theirs: &'a BTreeSet<Timestamp>,
}

impl Differing<'_> {
    /// Why the oracle does not fire at `moment`, and we do.
    pub fn class_of_ours(&self, moment: Timestamp) -> Option<Class> {
        if let Some(moved) = self.moved_by_law(moment) {
            return self.theirs.contains(&(moment + moved)).then_some(Class::OlderZones);
        }
        let (change, gap) = gap_before(self.zone, moment)?;
        let mut skipped = self.theirs.range(change..change + gap);
        let instead = skipped.any(|other| !self.ours.contains(other));
        let class = if instead { Class::SkippedFiresAsMuchLater } else { Class::SkippedDoesNotFire };
        (moment == change).then_some(class)
    }

    /// Why the oracle fires at `moment`, and we do not.
    pub fn class_of_theirs(&self, moment: Timestamp) -> Option<Class> {
        if let Some(moved) = self.moved_by_law(moment) {
            return self.ours.contains(&(moment - moved)).then_some(Class::OlderZones);
        }
        if is_second_time(self.zone, moment) {
            return Some(Class::RepeatedFiresTwice);
        }
        let (change, gap) = gap_before(self.zone, moment)?;
        let instead = change < moment && moment < change + gap && self.ours.contains(&change);
        instead.then_some(Class::SkippedFiresAsMuchLater)
    }

    /// How much later than by our database everything is at `moment` by the oracle's.
    fn moved_by_law(&self, moment: Timestamp) -> Option<SignedDuration> {
        let (iana, zone, since, hours) = NEWER_LAW;
        let applies = (iana, zone) == (self.iana, self.zone) && since.parse::<Timestamp>().unwrap() <= moment;
        applies.then_some(SignedDuration::from_hours(hours))
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// When the clocks last changed, up to `moment`, and how far they went forward.
fn gap_before(name: &str, moment: Timestamp) -> Option<(Timestamp, SignedDuration)> {
    let (zone, instant) = (zone(name), SignedDuration::from_nanos(1));
    let change = zone.preceding(moment + instant).next()?.timestamp();
    let [before, after] = [change - instant, change].map(|at| i64::from(zone.to_offset(at).seconds()));
    (after > before).then_some((change, SignedDuration::from_secs(after - before)))
}

/// Whether the wall shows at `moment` what it has shown before.
fn is_second_time(name: &str, moment: Timestamp) -> bool {
    let zone = zone(name);
    let wall = zone.to_datetime(moment);
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Fold { after, .. } => after.to_timestamp(wall).is_ok_and(|second| second == moment),
        _ => false,
    }
}
