//! What may not move now, and until when: modes, pauses, closed windows, fights. Each step alone.

use super::closed::closed;
use super::{Circumstances, Keeps};
use crate::diff::{Action, Cause, Change};
use crate::model::guard::{Mode, Subject};
use crate::plan::Reason;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A field that was healed this often within the hour is left for the rest of it, and what else drifts of its object.
const HEALED_AT_MOST: usize = 5;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Fields that are named.
const NAMED: usize = 3;

/// What was healed of each object within the hour, and when.
pub(super) type Heals<'a> = BTreeMap<&'a crate::change::ObjectKey, Vec<(Timestamp, &'a [String])>>;

/// The heals that [`defer`] asks about.
pub(super) fn heals<'a>(circumstances: &Circumstances<'a>) -> Heals<'a> {
    let mut heals = Heals::new();
    for moved in circumstances.moved.iter().filter(|moved| moved.cause == Cause::Drift) {
        let recent = moved.done_at.filter(|at| circumstances.now().duration_since(*at) < HOUR);
        if let Some(at) = recent {
            heals.entry(&moved.key).or_default().push((at, &moved.healed));
        }
    }
    for list in heals.values_mut() {
        list.sort_unstable();
    }
    heals
}

/// Why `change` may not move now, if so.
pub(super) fn defer(change: &Change, circumstances: &Circumstances<'_>, heals: &Heals<'_>) -> Option<Reason> {
    let subject = change.subject();
    paused(&subject, circumstances)
        .or_else(|| mode(change, circumstances.guards.mode(&subject)))
        .or_else(|| closed(change, &subject, circumstances))
        .or_else(|| keeps(change, circumstances.keeps?))
        .or_else(|| fight(change, heals.get(&change.key)?))
}

fn paused(subject: &Subject<'_>, circumstances: &Circumstances<'_>) -> Option<Reason> {
    let pause = circumstances.live.pauses.iter().find(|pause| pause.what.covers(subject))?;
    let (by, why) = (pause.by.clone(), pause.reason.clone());
    Some(Reason::Paused { scope: pause.what.to_string(), by, why, until: pause.until })
}

fn mode(change: &Change, mode: Mode) -> Option<Reason> {
    let allowed = match mode {
        Mode::Full => true,
        Mode::NoDelete => !change.is_destructive(),
        Mode::CreateOnly => change.action == Action::Create,
        Mode::Observe => false,
    };
    (!allowed).then_some(Reason::Mode { mode })
}

fn keeps(change: &Change, keeps: Keeps) -> Option<Reason> {
    let reason = match keeps {
        Keeps::NewerTip => Reason::NewerTip,
        Keeps::GlassBroken => Reason::GlassBroken,
    };
    (change.action == Action::Remove).then_some(reason)
}

/// Healing that somebody undoes again and again is stopped, and the fields are named. What healed nobody knows what may have
/// healed any.
fn fight(change: &Change, heals: &[(Timestamp, &[String])]) -> Option<Reason> {
    if change.cause != Cause::Drift {
        return None;
    }
    let times = |field: &String| -> Vec<Timestamp> {
        let of_it = heals.iter().filter(|(_, healed)| healed.is_empty() || healed.contains(field));
        of_it.map(|(at, _)| *at).collect()
    };
    let fields = change.healed();
    let drifting = if fields.is_empty() { vec!["all of it".to_owned()] } else { fields };
    let mut fought: Vec<(&String, Vec<Timestamp>)> = drifting.iter().map(|field| (field, times(field))).collect();
    fought.retain(|(_, times)| times.len() >= HEALED_AT_MOST);
    let last = |times: &[Timestamp]| times[times.len() - HEALED_AT_MOST].checked_add(HOUR).unwrap_or(Timestamp::MAX);
    let until = fought.iter().map(|(_, times)| last(times)).max()?;
    let healed = fought.iter().map(|(_, times)| times.len()).max()?;
    let fields = fought.iter().take(NAMED).map(|(field, _)| field.as_str()).collect::<Vec<_>>().join(", ");
    Some(Reason::Fight { healed, fields, until })
}
