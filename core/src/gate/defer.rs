//! What may not move now, and until when: modes, pauses, closed windows, fights. Each step alone.

use super::closed::closed;
use super::{Circumstances, Keeps};
use crate::diff::{Action, Cause, Change};
use crate::model::guard::{Mode, Subject};
use crate::plan::Reason;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// An object that was healed this often within the hour is left for the rest of it.
const HEALED_AT_MOST: usize = 5;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// When each object was healed within the hour.
pub(super) type Heals<'a> = BTreeMap<&'a crate::change::ObjectKey, Vec<Timestamp>>;

/// The heals that [`defer`] asks about.
pub(super) fn heals<'a>(circumstances: &Circumstances<'a>) -> Heals<'a> {
    let mut heals = Heals::new();
    for moved in circumstances.moved.iter().filter(|moved| moved.cause == Cause::Drift) {
        let recent = moved.done_at.filter(|at| circumstances.now().duration_since(*at) < HOUR);
        if let Some(at) = recent {
            heals.entry(&moved.key).or_default().push(at);
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

/// Healing that somebody undoes again and again is stopped, and the fields are named.
fn fight(change: &Change, healed: &[Timestamp]) -> Option<Reason> {
    if change.cause != Cause::Drift || healed.len() < HEALED_AT_MOST {
        return None;
    }
    let fields: Vec<String> = change.drift.iter().take(3).map(|field| field.path.to_string()).collect();
    let until = healed[healed.len() - HEALED_AT_MOST].checked_add(HOUR).unwrap_or(Timestamp::MAX);
    Some(Reason::Fight { healed: healed.len(), fields: fields.join(", "), until })
}
