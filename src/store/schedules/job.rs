//! What the job of a tick says: where it is done, what it is counted for, and all that its worker needs.

use super::open::takes_turns;
use super::ticks::Tick;
use crate::store::release::{EXTERNAL, Lane, WORK};
use crate::store::work::NOBODY;
use pintle_core::change::Value;
use serde_json::json;
use uuid::Uuid;

/// How many stand for the partner of work that is of none.
const DEALT_TO: u128 = 64;

/// Where it is done: what only waits for others takes no place from what works.
pub(super) fn lane(tick: &Tick<'_>) -> Lane {
    match tick.schedule.spec.at(&["job", "kind"]).and_then(Value::as_str) {
        Some("queue" | "reconcile") => EXTERNAL,
        _ => WORK,
    }
}

/// What slots are counted for: the kind, and the queue where others do it.
pub(super) fn work(tick: &Tick<'_>) -> String {
    let job = |key| tick.schedule.spec.at(&["job", key]).and_then(Value::as_str);
    let kind = job("kind").unwrap_or("none");
    job("queue").map_or_else(|| kind.to_owned(), |queue| format!("{kind}:{queue}"))
}

/// The one region that it is done for, if its selector names one.
pub(super) fn region<'a>(tick: &Tick<'a>) -> Option<&'a str> {
    tick.schedule.spec.at(&["job", "select", "labels", "region"]).and_then(Value::as_str)
}

/// Of jobs with the same one, one is out at a time.
pub(super) fn turn(tick: &Tick<'_>) -> Option<Uuid> {
    takes_turns(tick).then_some(tick.schedule.uid)
}

/// Whose turn it takes. Schedules of no partner are dealt to a few that stand for nobody, so that the crowd of one is in
/// the way of few others; as many partners as schedules would make every release slow.
pub(super) fn partner(tick: &Tick<'_>) -> String {
    let partner = tick.schedule.spec.at(&["job", "select", "partner"]).and_then(Value::as_str);
    partner.map_or_else(|| format!("{NOBODY}{:02x}", tick.schedule.uid.as_u128() % DEALT_TO), str::to_owned)
}

/// What the worker is told: all that it needs, as the Schedule said it when the tick came.
pub(super) fn body(tick: &Tick<'_>) -> String {
    let spec = &tick.schedule.spec;
    json!({
        "schedule": tick.schedule.name,
        "tick": tick.tick,
        "trigger": tick.trigger.as_str(),
        "commit": tick.schedule.commit,
        "deadline": spec.get("deadline"),
        "job": spec.get("job"),
    })
    .to_string()
}
