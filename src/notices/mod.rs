//! Who is told what became of a commit: the forge, by a status beside that of `pintle ci`, and the
//! webhooks of the guard, by a signed POST. Each transition is told once; one that cannot be told is
//! told with the next look. Nothing waits for it.

mod events;
mod webhook;

pub use events::{Event, events};
pub use webhook::{Secrets, post, signature};

use crate::forge::{ForgeClient, State};
use pintle_core::model::guard::{Notice, NotifyEvent};

/// The name of the daemon's status.
const CONTEXT: &str = "pintle/applied";
/// Tries of one transition before it is given up, with a line in the log.
pub const TRIES: u32 = 5;

/// Tells `event` to everyone who wants to know; what failed.
pub fn tell(event: &Event, forge: Option<&ForgeClient>, notices: &[Notice], secrets: &Secrets) -> Vec<String> {
    let mut failed = Vec::new();
    if let (Some(forge), Some(commit)) = (forge, &event.commit) {
        let state = match event.kind {
            NotifyEvent::Held => Some(State::Pending),
            NotifyEvent::Refused | NotifyEvent::Failed => Some(State::Failure),
            NotifyEvent::Applied => Some(State::Success),
            NotifyEvent::Drift | NotifyEvent::Halted | NotifyEvent::BreakGlass => None,
        };
        let told = state.map_or(Ok(()), |state| forge.status(commit, state, CONTEXT, &event.message));
        failed.extend(told.err().map(|error| error.to_string()));
    }
    for notice in notices {
        let wanted = notice.events.as_ref().is_none_or(|events| events.0.contains(&event.kind));
        if wanted && let Err(error) = post(notice, event, secrets) {
            failed.push(error);
        }
    }
    failed
}
