//! People with real keys, made once a process. `mallory` is in nobody's policy.

use super::shared::folder;
use pintle::scaffold::{Signer, make_key};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "mallory"];

static PEOPLE: LazyLock<BTreeMap<&str, Signer>> = LazyLock::new(|| {
    NAMES.into_iter().map(|name| (name, make_key(&folder().join("keys").join(name), name).unwrap())).collect()
});

/// A person and their key.
pub fn person(name: &str) -> &'static Signer {
    &PEOPLE[name]
}
