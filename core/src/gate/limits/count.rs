//! What one limit counts, and when it is passed.

use super::followers::followers_of;
use crate::change::ObjectKey;
use crate::diff::{Action, Change};
use crate::gate::{Circumstances, Moved};
use crate::model::guard::{Limit, LimitPer, LimitedAction, Subject};
use crate::plan::Exceeded;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// What is counted apart: a partner, a region, or everything together.
type Group = Option<String>;

/// What one limit counts, by group.
pub(super) struct Count<'l> {
    limit: &'l Limit,
    moving: BTreeMap<Group, BTreeSet<ObjectKey>>,
    /// With the moment from which on a day is counted: the last time that it was done; `None` while it is on its way.
    before: BTreeMap<Group, BTreeMap<ObjectKey, Option<Timestamp>>>,
}

impl<'l> Count<'l> {
    pub(super) fn of(
        limit: &'l Limit,
        changes: &[&Change],
        paced: &BTreeSet<ObjectKey>,
        followers: &[&ObjectKey],
        circumstances: &Circumstances<'_>,
    ) -> Self {
        let mut count = Self { limit, moving: BTreeMap::new(), before: BTreeMap::new() };
        let in_waves = |key: &ObjectKey| limit.action == LimitedAction::Update && paced.contains(key);
        // What was tombstoned within the day and comes back is no further change.
        let day = SignedDuration::from_hours(24);
        let taken_back = |change: &Change| {
            change.action == Action::Restore
                && change.tombstoned_at.is_some_and(|at| circumstances.now().duration_since(at) < day)
        };
        let counted = |change: &&&Change| counts(limit.action, change) && !in_waves(&change.key) && !taken_back(change);
        for change in changes.iter().filter(counted) {
            let subject = change.subject();
            if subject.is_in(&limit.selector) {
                for partner in partners(change.partner_before.as_ref(), change.partner.as_ref()) {
                    let group = group(limit, &subject, partner).map(str::to_owned);
                    count.moving.entry(group).or_default().insert(change.key.clone());
                }
            }
        }
        if limit.action == LimitedAction::Update {
            let moving = &mut count.moving;
            along(limit, followers, circumstances, |group, key| {
                moving.entry(group).or_default().insert(key.clone());
            });
        }
        if !count.moving.is_empty() {
            count.add_moved(circumstances);
            count.before.values_mut().for_each(|keys| keys.retain(|key, _| !in_waves(key)));
        }
        count
    }

    fn add_moved(&mut self, circumstances: &Circumstances<'_>) {
        for moved in circumstances.moved.iter().filter(|moved| moved.recent && counts_moved(self.limit.action, moved)) {
            let row = circumstances.live.get(&moved.key);
            let gone = row.is_none() && &*moved.key.kind == kind_of(self.limit).unwrap_or(&moved.key.kind);
            let now = Subject::new(&moved.key, row.map(|row| &*row.labels), None);
            let then = Subject::new(&moved.key, moved.labels_before.as_deref(), None);
            // By the labels that it had or has; those of what is gone are not known, and it counts.
            if gone || now.is_in(&self.limit.selector) || then.is_in(&self.limit.selector) {
                for partner in partners(moved.partner_before.as_ref(), moved.partner.as_ref()) {
                    for subject in [&now, &then] {
                        let group = group(self.limit, subject, partner).map(str::to_owned);
                        count_moved(self.before.entry(group).or_default(), &moved.key, moved.done_at);
                    }
                }
            }
        }
        if self.limit.action == LimitedAction::Update {
            for moved in circumstances.moved.iter().filter(|moved| moved.recent && moved.moves_followers) {
                let followers = followers_of(&HashSet::from([&moved.key]), circumstances);
                let before = &mut self.before;
                along(self.limit, &followers, circumstances, |group, key| {
                    count_moved(before.entry(group).or_default(), key, moved.done_at);
                });
            }
        }
    }

    pub(super) fn exceeded(&self, circumstances: &Circumstances<'_>) -> Vec<Exceeded> {
        let live = self.live(circumstances);
        let nothing = BTreeMap::new();
        let mut all = Vec::new();
        for ((group, moving), live) in self.moving.iter().zip(live) {
            let before = self.before.get(group).unwrap_or(&nothing);
            let fresh = moving.iter().filter(|key| !before.contains_key(*key)).count();
            let allowed = allowed(self.limit, live);
            if fresh > 0 && fresh + before.len() > allowed {
                let (limit, group) = (name(self.limit), group_name(self.limit, group.as_deref()));
                let until = room(before, fresh + before.len() - allowed);
                all.push(Exceeded { limit, group, moving: fresh, before: before.len(), live, allowed, until });
            }
        }
        all
    }

    /// How many there were a day ago of each group that moves: those that are, with those that went.
    fn live(&self, circumstances: &Circumstances<'_>) -> Vec<usize> {
        let went = |moved: &&Moved| moved.recent && moved.action == Action::Delete && moved.done_at.is_some();
        let old: HashSet<&ObjectKey> = circumstances.moved.iter().filter(went).map(|moved| &moved.key).collect();
        let groups: Vec<Option<&str>> = self.moving.keys().map(Option::as_deref).collect();
        let mut live = vec![0; groups.len()];
        for row in &circumstances.live.objects {
            let there = row.tombstoned_at.is_none() || old.contains(&row.key);
            let subject = Subject::new(&row.key, Some(&row.labels), None);
            if !there || !subject.is_in(&self.limit.selector) {
                continue;
            }
            if let Ok(at) = groups.binary_search(&group(self.limit, &subject, row.partner.as_deref())) {
                live[at] += 1;
            }
        }
        live
    }
}

/// Counts `key` as moved at `done`, or still on its way; the last time counts.
fn count_moved(counted: &mut BTreeMap<ObjectKey, Option<Timestamp>>, key: &ObjectKey, done: Option<Timestamp>) {
    let last = counted.entry(key.clone()).or_insert(done);
    *last = last.zip(done).map(|(last, done)| last.max(done));
}

/// When `needed` of what moved before are older than a day, if time alone brings that.
fn room(before: &BTreeMap<ObjectKey, Option<Timestamp>>, needed: usize) -> Option<Timestamp> {
    let mut done: Vec<Timestamp> = before.values().flatten().copied().collect();
    done.sort_unstable();
    done.get(needed.checked_sub(1)?)?.checked_add(SignedDuration::from_hours(24)).ok()
}

/// How people call a group of `limit`.
pub(super) fn group_name(limit: &Limit, group: Option<&str>) -> Option<String> {
    let what = if limit.per == Some(LimitPer::Region) { "region" } else { "partner" };
    group.map(|name| if name.is_empty() { format!("no {what}") } else { format!("{what} {name}") })
}

/// The partner or region that an object is counted for; empty where it has none.
pub(super) fn group<'a>(limit: &Limit, subject: &'a Subject<'_>, partner: Option<&'a str>) -> Option<&'a str> {
    match limit.per {
        None => None,
        Some(LimitPer::Partner) => Some(partner.unwrap_or_default()),
        Some(LimitPer::Region) => Some(subject.label("region").unwrap_or_default()),
    }
}

/// The partners that an object leaves and enters: it is counted for both.
pub(super) fn partners<'a>(before: Option<&'a Arc<str>>, now: Option<&'a Arc<str>>) -> [Option<&'a str>; 2] {
    [before.or(now), now].map(|partner| partner.map(|partner| &**partner))
}
/// Counts those of `followers` that a limit is about.
fn along(
    limit: &Limit,
    followers: &[&ObjectKey],
    circumstances: &Circumstances<'_>,
    mut count: impl FnMut(Group, &ObjectKey),
) {
    for key in followers {
        let object = circumstances.desired.get(key);
        let row = circumstances.live.get(key).map(|row| &*row.labels);
        let subject = Subject::new(key, row, object.map(|object| &*object.body));
        if subject.is_in(&limit.selector) {
            let partner = object.and_then(|object| object.partner.as_deref());
            count(group(limit, &subject, partner).map(str::to_owned), key);
        }
    }
}
fn kind_of(limit: &Limit) -> Option<&str> {
    limit.selector.kind.as_ref().and_then(|kind| kind.0.as_str())
}

/// How a limit is called: what `Allow-Limit` names.
fn name(limit: &Limit) -> String {
    let action = match limit.action {
        LimitedAction::Create => "create",
        LimitedAction::Update => "update",
        LimitedAction::Delete => "delete",
    };
    let labels = limit.selector.labels.iter().flatten().map(|(name, value)| format!(" {name}={value}"));
    format!("{action} {}{}", kind_of(limit).unwrap_or("any"), labels.collect::<String>())
}

/// The share is rounded up: of a few objects one may always go, unless the share is none at all.
fn allowed(limit: &Limit, live: usize) -> usize {
    let share = limit.percent.map(|percent| {
        let share = (live * usize::from(percent)).div_ceil(100);
        share.max(limit.minimum.unwrap_or(0) as usize)
    });
    let count = limit.count.map(|count| count as usize);
    share.into_iter().chain(count).min().unwrap_or(usize::MAX)
}

pub(super) fn counts(action: LimitedAction, change: &Change) -> bool {
    match action {
        LimitedAction::Create => change.action == Action::Create,
        LimitedAction::Update => matches!(change.action, Action::Update | Action::Restore) && !change.is_destructive(),
        // A removal was counted when it was tombstoned.
        LimitedAction::Delete => change.is_destructive() && change.action != Action::Remove,
    }
}

fn counts_moved(action: LimitedAction, moved: &Moved) -> bool {
    match action {
        LimitedAction::Create => moved.action == Action::Create,
        LimitedAction::Update => matches!(moved.action, Action::Update | Action::Restore) && !moved.destructive,
        LimitedAction::Delete => moved.destructive && moved.action != Action::Remove,
    }
}
