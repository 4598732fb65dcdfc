//! The two guards of a plan: that of the commit admitted before, and its own. Both hold, so that a
//! commit can tighten at once and loosen only what comes after it.

use super::{Bounds, Closed, DriftMode, Guard, Limit, Mode, Notice, Override, Pace, Subject};
use crate::change::FieldPath;
use std::sync::Arc;

/// See the module.
#[derive(Debug, Clone)]
pub struct Guards {
    before: Arc<Guard>,
    own: Arc<Guard>,
}

impl Guards {
    /// The guard of the commit admitted before, and that of the planned one.
    pub fn new(before: Arc<Guard>, own: Arc<Guard>) -> Self {
        Self { before, own }
    }

    /// One guard, for a repository's first commit or one that is only looked at.
    pub fn only(guard: Guard) -> Self {
        let guard = Arc::new(guard);
        Self { before: guard.clone(), own: guard }
    }

    /// The guard of the commit admitted before.
    pub fn before(&self) -> Arc<Guard> {
        self.before.clone()
    }

    /// The planned commit's own guard.
    pub fn own(&self) -> Arc<Guard> {
        self.own.clone()
    }

    fn both(&self) -> impl Iterator<Item = &Guard> {
        let own = (!Arc::ptr_eq(&self.before, &self.own)).then_some(&*self.own);
        std::iter::once(&*self.before).chain(own)
    }

    /// The limits that hold.
    pub fn limits(&self) -> impl Iterator<Item = &Limit> {
        self.both().flat_map(|guard| &guard.limits)
    }

    /// How much may move at once.
    pub fn moving(&self) -> Bounds {
        let own = Bounds::from(&self.own.moving);
        own.within(&Bounds::from(&self.before.moving))
    }

    /// Who may lift a limit: never whom the planned commit names.
    pub fn lift(&self) -> Option<&Override> {
        self.before.lift.as_ref()
    }

    /// What may be done to an object: the strictest that is said.
    pub fn mode(&self, subject: &Subject<'_>) -> Mode {
        let rules = self.both().flat_map(|guard| &guard.modes).filter(|rule| subject.is_in(&rule.selector));
        rules.map(|rule| rule.mode).max().unwrap_or(Mode::Full)
    }

    /// Whether a row that Pintle never applied may be overwritten: only where the guard says `full`.
    pub fn takes_over(&self, subject: &Subject<'_>) -> bool {
        let said = self.before.modes.iter().any(|rule| rule.mode == Mode::Full && subject.is_in(&rule.selector));
        said && self.mode(subject) == Mode::Full
    }

    /// What is done about a value at `path` that somebody else changed: the gentler of the two answers.
    pub fn drift(&self, subject: &Subject<'_>, path: &FieldPath) -> DriftMode {
        let answer = |guard: &Guard| {
            let rules = guard.drift.iter().filter(|rule| subject.is_in(&rule.selector));
            let named = |fields: &[String]| fields.iter().any(|field| path.overlaps(&FieldPath::dotted(field)));
            let about = rules.filter(|rule| rule.fields.as_ref().is_none_or(|fields| named(&fields.0)));
            about.last().map_or(DriftMode::Heal, |rule| rule.mode)
        };
        self.both().map(answer).max().unwrap_or_default()
    }

    /// Whether anything but healing is said of drift.
    pub fn heals_everything(&self) -> bool {
        self.both().all(|guard| guard.drift.iter().all(|rule| rule.mode == DriftMode::Heal))
    }

    /// When objects may not change.
    pub fn closed(&self) -> impl Iterator<Item = &Closed> {
        self.both().flat_map(|guard| &guard.closed)
    }

    /// Which wide changes go out in waves, and whether the guard before says so. A commit that removes one
    /// is still paced by it, and by its own it is paced beside its limits, not instead of them.
    pub fn pace(&self) -> impl Iterator<Item = (&Pace, bool)> {
        self.both().enumerate().flat_map(|(at, guard)| guard.pace.iter().map(move |pace| (pace, at == 0)))
    }

    /// Who is told: whom the guard before names, and whom the commit's own does.
    pub fn notices(&self) -> Vec<Notice> {
        let mut all: Vec<Notice> = Vec::new();
        for notice in self.both().flat_map(|guard| &guard.notify) {
            if !all.iter().any(|one| one.url.0 == notice.url.0) {
                all.push(notice.clone());
            }
        }
        all
    }

    /// How long a deletion can be taken back, in milliseconds.
    pub fn delete_grace_ms(&self) -> u64 {
        self.both().map(|guard| guard.grace.delete.as_ms()).max().unwrap_or_default()
    }
}

impl Default for Guards {
    /// What holds in a repository without the file.
    fn default() -> Self {
        Self::only(Guard::default())
    }
}
