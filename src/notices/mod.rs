//! Who is told what became of a commit: the forge, by a status beside that of `pintle ci`, and the
//! webhooks of the guard, by a signed POST. Each transition is told once; one that cannot be told is
//! told with the next look. Nothing waits for it.

mod events;
mod webhook;

pub use events::{Event, events};
pub use webhook::{Secrets, post, signature};

use crate::forge::{ForgeClient, State};
use pintle_core::model::guard::{Notice, NotifyEvent};
use std::collections::HashSet;

/// The name of the daemon's status.
const CONTEXT: &str = "pintle/applied";
/// Tries of one transition before it is given up, with a line in the log.
pub const TRIES: u32 = 5;

/// Who has heard of what, while others have not yet: the forge as `None`, receivers by their address.
pub type Heard = HashSet<(Event, Option<String>)>;

/// Tells `event` to everyone who wants to know and has not heard of it; what failed.
pub fn tell(
    event: &Event,
    forge: Option<&ForgeClient>,
    notices: &[Notice],
    secrets: &Secrets,
    heard: &mut Heard,
) -> Vec<String> {
    let mut failed = Vec::new();
    let mut tell = |who: Option<&str>, told: &dyn Fn() -> Result<(), String>| {
        let key = (event.clone(), who.map(str::to_owned));
        if !heard.contains(&key) {
            match told() {
                Ok(()) => drop(heard.insert(key)),
                Err(error) => failed.push(error),
            }
        }
    };
    if let (Some(forge), Some(commit)) = (forge, &event.commit) {
        let state = match event.kind {
            NotifyEvent::Held | NotifyEvent::Gated => Some(State::Pending),
            NotifyEvent::Refused | NotifyEvent::Failed | NotifyEvent::Halted => Some(State::Failure),
            NotifyEvent::Applied => Some(State::Success),
            NotifyEvent::Drift | NotifyEvent::BreakGlass => None,
        };
        if let Some(state) = state {
            tell(None, &|| forge.status(commit, state, CONTEXT, &event.message).map_err(|error| error.to_string()));
        }
    }
    for notice in notices {
        if notice.events.as_ref().is_none_or(|events| events.0.contains(&event.kind)) {
            tell(notice.url.0.as_str(), &|| post(notice, event, secrets));
        }
    }
    failed
}
