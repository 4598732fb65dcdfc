//! A clock played forward: what would happen when, to which rows, if nothing else came. The same
//! stations as in the daemon, over a model of the rows: a step is applied the moment it may move.
//! It knows no worker, no failure and no load; services that report take a time that is said; it reads nothing and writes nothing.

mod event;
mod rows;
mod services;

pub use event::{Event, Happening};
pub use rows::Rows;
pub use services::Services;

use crate::check::{check, check_judged};
use crate::diff::Differing;
use crate::gate::{Allowance, Circumstances, Moved, is_within_limits, judge, runs};
use crate::model::Catalog;
use crate::model::guard::{Guard, Guards};
use crate::plan::{Plan, PlanInput, Reason, plan};
use crate::resolve::Resolved;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Ticks at one moment: more is a circle.
const MOST_TICKS: usize = 1_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A commit as the simulation sees it.
#[derive(Debug)]
pub struct Commit {
    /// How it is called.
    pub name: String,
    /// What it says.
    pub desired: Resolved,
    /// The guard that stands in it.
    pub guard: Arc<Guard>,
}

/// A world under a clock.
#[derive(Debug)]
pub struct Simulation {
    /// The rows.
    pub rows: Rows,
    /// The moment.
    pub now: Timestamp,
    /// Limits that somebody lifted.
    pub allowed: Vec<Allowance>,
    /// Who acts on rows and says so.
    pub services: Services,
    catalog: &'static Catalog,
    commit: Option<Commit>,
    /// The guard of the commit admitted before, and whether this one was admitted yet.
    before: Option<Arc<Guard>>,
    admitted: Option<Arc<Guard>>,
    seq: u64,
    moved: Vec<Moved>,
    /// Why each object waits, as it was said last.
    waits: BTreeMap<String, String>,
    refused: Vec<String>,
}

impl Simulation {
    /// A world of `rows` at `now`.
    pub fn new(rows: Rows, now: Timestamp, catalog: &'static Catalog) -> Self {
        Self {
            rows,
            now,
            allowed: Vec::new(),
            services: Services::default(),
            catalog,
            commit: None,
            before: None,
            admitted: None,
            seq: 0,
            moved: Vec::new(),
            waits: BTreeMap::new(),
            refused: Vec::new(),
        }
    }

    /// What moved within the last day, where the world does not begin now; `before` is the guard of the
    /// commit admitted last.
    #[must_use]
    pub fn after(self, moved: Vec<Moved>, before: Arc<Guard>, seq: u64) -> Self {
        Self { moved, admitted: Some(before), seq, ..self }
    }

    /// `commit` is accepted now. With mistakes in it nothing changes, as in the daemon.
    pub fn accept(&mut self, commit: Commit) -> bool {
        if commit.desired.has_errors() {
            return false;
        }
        self.seq += 1;
        self.before = self.admitted.clone();
        self.commit = Some(commit);
        self.refused.clear();
        self.waits.clear();
        true
    }

    /// The plan of this moment, judged. `None` before the first commit.
    pub fn plan(&mut self) -> Option<Plan> {
        self.asked(|plan, circumstances| {
            debug_assert_eq!(check(&plan), [], "the planner breaks an invariant");
            let judged = judge(plan, circumstances);
            debug_assert_eq!(check_judged(&judged, circumstances), [], "the gate breaks an invariant");
            judged
        })
    }

    /// What `ask` says of the plan of this moment, before the gate.
    fn asked<T>(&mut self, ask: impl FnOnce(Plan, &Circumstances<'_>) -> T) -> Option<T> {
        let commit = self.commit.as_ref()?;
        let guards = self.guards(commit);
        let live = self.rows.live(self.now);
        let (desired, moved, allowed) = (&commit.desired, &self.moved, &self.allowed);
        let plan = plan(PlanInput {
            commit: &commit.name,
            desired,
            live,
            differing: &Differing::of(desired, live),
            guards: &guards,
            catalog: self.catalog,
            now: self.now,
        });
        let seq = Some(self.seq);
        let standing = self.services.standing();
        Some(ask(plan, &Circumstances { guards: &guards, desired, live, moved, standing, seq, keeps: None, allowed }))
    }

    fn guards(&self, commit: &Commit) -> Guards {
        Guards::new(self.before.clone().unwrap_or_else(|| commit.guard.clone()), commit.guard.clone())
    }

    /// Plays the clock up to `end`; what happened, in order.
    pub fn play(&mut self, end: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let due = self.settle(&mut events);
            match due.filter(|due| *due <= end) {
                Some(due) => self.now = due.max(self.now),
                None => break,
            }
        }
        self.now = self.now.max(end);
        events
    }

    /// Applies what may move until nothing does; when time alone changes that.
    fn settle(&mut self, events: &mut Vec<Event>) -> Option<Timestamp> {
        for _ in 0..MOST_TICKS {
            let (now, seq) = (self.now, self.seq);
            self.services.arrive(now);
            for moved in &mut self.moved {
                moved.recent = moved.done_at.is_none_or(|at| now.duration_since(at) < DAY);
            }
            let since = self.rows.runs().iter().map(|run| run.since).min().unwrap_or(seq);
            self.moved.retain(|moved| moved.recent || moved.seq >= since);
            let plan = self.plan()?;
            let runs = runs(&plan, self.rows.runs(), (seq, now));
            *self.rows.runs() = runs;
            self.tell_waits(&plan, events);
            if !plan.refused().is_empty() {
                self.tell_refused(&plan, events);
                let oldest = self.moved.iter().filter(|moved| moved.recent).filter_map(|moved| moved.done_at).min();
                return oldest.and_then(|at| at.checked_add(DAY).ok());
            }
            self.refused.clear();
            if self.is_within_limits(&plan) {
                self.admitted = self.commit.as_ref().map(|commit| commit.guard.clone());
            }
            if plan.is_empty() {
                return plan.due().into_iter().chain(self.services.next()).min().map(|due| due.max(self.now));
            }
            for step in plan.steps() {
                self.moved.push(self.rows.apply(&step.change, self.now, self.seq));
                self.services.wrote(&step.change, self.now);
            }
            events.push(Event { at: self.now, what: Happening::Applied(plan) });
        }
        None
    }

    /// As the gate asks: what waits for time is counted too.
    fn is_within_limits(&mut self, judged: &Plan) -> bool {
        let waits = judged.waiting().iter().any(|one| one.reason.is_deferral());
        !waits || self.asked(|plan, circumstances| is_within_limits(&plan, circumstances)).unwrap_or(true)
    }

    fn tell_waits(&mut self, plan: &Plan, events: &mut Vec<Event>) {
        let mut fresh = Vec::new();
        let mut waits = BTreeMap::new();
        for waiting in plan.waiting() {
            let (key, why) = (waiting.change.key.to_string(), told(&waiting.reason));
            if self.waits.get(&key) != Some(&why) {
                fresh.push(waiting.clone());
            }
            waits.insert(key, why);
        }
        self.waits = waits;
        if !fresh.is_empty() {
            events.push(Event { at: self.now, what: Happening::Waits(fresh) });
        }
    }

    fn tell_refused(&mut self, plan: &Plan, events: &mut Vec<Event>) {
        let told: Vec<String> = plan.refused().iter().map(crate::plan::Exceeded::sentence).collect();
        if told != self.refused {
            events.push(Event { at: self.now, what: Happening::Refused(Box::new(plan.clone())) });
            self.refused = told;
        }
    }
}

/// What is told once, although its moment moves.
fn told(reason: &Reason) -> String {
    match reason {
        Reason::Wave { wave, held, .. } => format!("wave {wave} {held:?}"),
        other => other.sentence(),
    }
}
