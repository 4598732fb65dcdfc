//! The action digest: what would happen, and nothing else. No commit, clock, waiting, reasons, so
//! that CI and daemon agree on it whenever the same things would happen.

use super::Step;
use crate::change::{Digest, encode};
use crate::diff::Action;
use serde::{Deserialize, Serialize};
use std::fmt;

/// SHA-256 over (kind, name, action, before, after), sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionDigest(pub Digest);

impl fmt::Display for ActionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ActionDigest {
    /// Four digits, an ellipsis, two digits: for people.
    pub fn short(&self) -> String {
        let hex = self.0.to_string();
        format!("{}…{}", &hex[..4], &hex[62..])
    }
}

/// The digest of `steps`, whatever their order. A row that goes once its grace is over was named when
/// its deletion was: it hangs on the clock, and is not named again.
pub fn action_digest(steps: &[Step]) -> ActionDigest {
    let named = steps.iter().filter(|step| step.change.action != Action::Remove);
    let mut entries: Vec<Vec<u8>> = named.map(entry).collect();
    entries.sort_unstable();
    let mut bytes = b"pintle actions v1\0".to_vec();
    encode::count(entries.len(), &mut bytes);
    for entry in &entries {
        encode::bytes(entry, &mut bytes);
    }
    ActionDigest(Digest::of(&bytes))
}

fn entry(step: &Step) -> Vec<u8> {
    let change = &step.change;
    let mut bytes = Vec::with_capacity(128);
    for text in [&*change.key.kind, &*change.key.name, change.action.as_str()] {
        encode::bytes(text.as_bytes(), &mut bytes);
    }
    for digest in [change.before, change.after] {
        encode::bytes(digest.as_ref().map_or(&[], |digest| &digest.0), &mut bytes);
    }
    bytes
}
