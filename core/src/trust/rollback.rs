//! Whether a change is the exact inverse of a young accepted step, so that rules with `rollback`
//! ask for fewer people. One that goes back over a security fix or a floor is an ordinary change; so is one that takes a
//! rollback back, because it does again what was undone.

use super::policy::Rule;
use super::quorum::Case;
use super::rules::Sides;
use super::session::{ChangeError, Session};
use super::snapshot::Placed;
use super::verdict::Acceptance;
use crate::change::{ChangeId, Entry, Value};
use jiff::{SignedDuration, Timestamp};
use semver::Version;

/// How young the step must be.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);
const VERSION: &str = "Version";

/// Whether the change takes back one accepted step, exactly. Only asked where a rule cares.
pub(super) fn is_rollback(
    session: &mut Session<'_>,
    case: &Case<'_>,
    sides: Sides<'_>,
    rules: &[&Rule],
) -> Result<bool, ChangeError> {
    if rules.iter().all(|rule| rule.rollback.is_none()) || lowers_a_floor(case, sides) {
        return Ok(false);
    }
    let (change, at) = (case.work.change, case.work.at);
    let young = case.head.steps().windows(2).rev().take_while(|pair| at.duration_since(pair[1].accepted_at) <= MAX_AGE);
    for pair in young {
        let back = match session.change(pair[1].commit, pair[0].commit) {
            Ok(back) => back.id(case.work.repo_id),
            Err(ChangeError::Tree(_)) => continue,
            Err(other) => return Err(other),
        };
        if back == change {
            return Ok(undoes(case.head.steps(), (change, pair[1].change_id), at));
        }
    }
    Ok(false)
}

/// Whether `change`, made at `at` after `steps`, undoes a young one of them. It takes back what `taken` did, and the other way
/// round: in turn they do and undo, and who undoes what was an undoing does again what was undone.
fn undoes(steps: &[Acceptance], (change, taken): (ChangeId, ChangeId), at: Timestamp) -> bool {
    let is_young =
        |done: Option<Timestamp>, now: Timestamp| done.is_some_and(|done| now.duration_since(done) <= MAX_AGE);
    // When each was done last, other than to undo.
    let (mut done, mut undone) = (None, None);
    for step in steps {
        if step.change_id == taken && !is_young(undone, step.accepted_at) {
            done = Some(step.accepted_at);
        }
        if step.change_id == change && !is_young(done, step.accepted_at) {
            undone = Some(step.accepted_at);
        }
    }
    is_young(done, at)
}

/// Whether a number goes down past a version that repairs something or that no upgrade may jump
/// over, or whether versions themselves change. Where no number stands, it is taken to be the worst.
fn lowers_a_floor(case: &Case<'_>, sides: Sides<'_>) -> bool {
    let floors: Vec<Version> =
        sides.old.documents.iter().filter_map(|(key, placed)| floor(&key.kind, placed)).collect();
    case.set.entries().iter().any(|entry| match entry {
        _ if entry.key().is_some_and(|key| &*key.kind == VERSION) => true,
        Entry::Field { old, new, .. } => {
            let from = old.as_ref().and_then(|value| numbers(value).into_iter().max());
            let to = new.as_ref().and_then(|value| numbers(value).into_iter().min());
            let passes = |floor: &Version| {
                to.as_ref().is_none_or(|to| to < floor) && from.as_ref().is_none_or(|from| floor <= from)
            };
            (from.is_some() || to.is_some()) && floors.iter().any(passes)
        }
        _ => false,
    })
}

fn floor(kind: &str, placed: &Placed) -> Option<Version> {
    let spec = placed.document.spec();
    let is_floor = spec.get("floor").and_then(Value::as_bool) == Some(true) || spec.get("security").is_some();
    (kind == VERSION && is_floor).then(|| spec.get("version")?.as_str()?.parse().ok()).flatten()
}

/// Everything in a value that reads as a version.
fn numbers(value: &Value) -> Vec<Version> {
    match value {
        Value::String(text) => text.parse().ok().into_iter().collect(),
        Value::List(items) => items.iter().flat_map(numbers).collect(),
        Value::Map(map) => map.iter().flat_map(|(_, item)| numbers(item)).collect(),
        _ => Vec::new(),
    }
}
