//! What happens in a simulation, and how it is told: a line for each moment, like steps together.

use crate::diff::Change;
use crate::plan::{Exceeded, Plan, Waiting};
use crate::render::minute;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Names told of one kind.
const NAMES: usize = 4;

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Happening {
    /// The steps of a plan are applied.
    Applied(Plan),
    /// These begin to wait, or wait for another reason.
    Waits(Vec<Waiting>),
    /// The plan is refused by a limit.
    Refused(Box<Plan>),
}

impl Event {
    /// What happens, in lines without the moment.
    pub fn lines(&self) -> Vec<String> {
        match &self.what {
            Happening::Applied(plan) => together(plan.steps().iter().map(|step| (verb(&step.change), &step.change))),
            Happening::Waits(waiting) => {
                together(waiting.iter().map(|one| (format!("wait ({})", one.reason.sentence()), &one.change)))
            }
            Happening::Refused(plan) => {
                plan.refused().iter().map(Exceeded::sentence).map(|text| format!("refused: {text}")).collect()
            }
        }
    }

    /// The event as text, the moment first.
    pub fn text(&self) -> String {
        let moment = minute(self.at);
        let mut out = String::new();
        for (at, line) in self.lines().iter().enumerate() {
            let lead = if at == 0 { moment.clone() } else { " ".repeat(moment.len()) };
            let _ = writeln!(out, "{lead}  {line}");
        }
        out
    }
}

fn verb(change: &Change) -> String {
    let heals = change.cause == crate::diff::Cause::Drift;
    if heals { "heal".into() } else { change.action.as_str().to_owned() }
}

/// `update Instance/a, Instance/b and 3 more`, by what happens.
fn together<'a>(changes: impl Iterator<Item = (String, &'a Change)>) -> Vec<String> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    changes.for_each(|(verb, change)| all.entry(verb).or_default().push(change.key.to_string()));
    all.into_iter()
        .map(|(verb, names)| {
            let more = names.len().saturating_sub(NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
            match verb.strip_prefix("wait ") {
                Some(why) => format!("waits: {names}{more} {why}"),
                None => format!("{verb} {names}{more}"),
            }
        })
        .collect()
}
