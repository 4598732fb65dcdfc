//! The services that act on rows: those that report carry out what a row says within one time, the same for all. What failed
//! stays so until its row is written again.

use crate::change::ObjectKey;
use crate::diff::{Action, Change};
use crate::gate::Standing;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub struct Services {
    standing: BTreeMap<ObjectKey, Standing>,
    arrives: BTreeMap<ObjectKey, Timestamp>,
    takes: SignedDuration,
}

impl Services {
    /// Services that stand like that at `now`, and take so long; what is under way takes as long from now on.
    pub fn new(standing: BTreeMap<ObjectKey, Standing>, takes: SignedDuration, now: Timestamp) -> Self {
        let under_way = standing.iter().filter(|(_, how)| **how == Standing::UnderWay).map(|(key, _)| key.clone());
        let arrives = under_way.map(|key| (key, after(now, takes))).collect();
        Self { standing, arrives, takes }
    }

    /// How far they have come with each row.
    pub fn standing(&self) -> &BTreeMap<ObjectKey, Standing> {
        &self.standing
    }

    /// When the next arrives.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.arrives.values().min().copied()
    }

    /// Who arrives by `now` has arrived.
    pub(super) fn arrive(&mut self, now: Timestamp) {
        let due: Vec<(ObjectKey, Timestamp)> =
            self.arrives.iter().filter(|(_, at)| **at <= now).map(|(key, at)| (key.clone(), *at)).collect();
        for (key, at) in due {
            self.arrives.remove(&key);
            self.standing.insert(key, Standing::There(at));
        }
    }

    /// The row of `change` was written at `now`.
    pub(super) fn wrote(&mut self, change: &Change, now: Timestamp) {
        let acts = matches!(change.action, Action::Update | Action::Restore);
        if let Some(standing) = self.standing.get_mut(&change.key).filter(|_| acts) {
            *standing = Standing::UnderWay;
            self.arrives.insert(change.key.clone(), after(now, self.takes));
        }
    }
}

fn after(now: Timestamp, takes: SignedDuration) -> Timestamp {
    now.saturating_add(takes).unwrap_or(Timestamp::MAX)
}
