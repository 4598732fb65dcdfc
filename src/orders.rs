//! What an operator ordered on this host, beside the repository: changes and keys that count for
//! nothing here, histories that may be considered. One file in the state folder, written whole; read with every
//! tick, so that an order works at once.

use crate::state_file::{StateError, replace};
use jiff::Timestamp;
use pintle_core::change::{ChangeId, Oid};
use pintle_core::trust::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Who ordered it, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    /// Why.
    pub reason: String,
    /// The user of the operating system.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Everything that is ordered on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Orders {
    /// Changes that are held whatever their approvals.
    pub denied_changes: BTreeMap<String, Order>,
    /// Keys that count for nothing.
    pub denied_keys: BTreeMap<Fingerprint, Order>,
    /// Commits that may be accepted although they do not descend from what is.
    pub considered: BTreeMap<String, Order>,
}

impl Orders {
    /// The denied changes.
    pub fn changes(&self) -> Vec<ChangeId> {
        self.denied_changes.keys().filter_map(|id| id.parse().ok()).collect()
    }

    /// The denied keys, each with the reason.
    pub fn keys(&self) -> BTreeMap<Fingerprint, String> {
        self.denied_keys.iter().map(|(key, order)| (*key, order.reason.clone())).collect()
    }

    /// The commits whose history may be considered.
    pub fn commits(&self) -> Vec<Oid> {
        self.considered.keys().filter_map(|oid| oid.parse().ok()).collect()
    }
}

/// The file of orders of one host.
#[derive(Debug, Clone)]
pub struct OrderFile(PathBuf);

impl OrderFile {
    /// The file in `folder`.
    pub fn of(folder: &Path) -> Self {
        Self(folder.join("orders.json"))
    }

    /// What is ordered; nothing when there is no file. One that cannot be read is an error: an order
    /// that is not seen would be an order that is not followed.
    pub fn read(&self) -> Result<Orders, StateError> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Orders::default()),
            Err(source) => return Err(self.failed("read", source)),
        };
        serde_json::from_str(&text).map_err(|_| StateError::Corrupt(self.0.display().to_string()))
    }

    /// Changes what is ordered.
    pub fn edit(&self, change: impl FnOnce(&mut Orders)) -> Result<(), StateError> {
        let mut orders = self.read()?;
        change(&mut orders);
        let text = serde_json::to_string_pretty(&orders).unwrap_or_default() + "\n";
        replace(&self.0, text.as_bytes()).map_err(|source| self.failed("written", source))
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> StateError {
        StateError::Io { path: self.0.display().to_string(), action, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_is_read_again_and_a_broken_file_is_no_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = OrderFile::of(folder.path());
        assert_eq!(file.read().unwrap(), Orders::default());
        let order = Order { reason: "lost".into(), by: "root".into(), at: Timestamp::UNIX_EPOCH };
        file.edit(|orders| drop(orders.denied_changes.insert("a".repeat(64), order.clone()))).unwrap();
        assert_eq!(file.read().unwrap().changes().len(), 1);
        std::fs::write(folder.path().join("orders.json"), "{").unwrap();
        assert!(matches!(file.read(), Err(StateError::Corrupt(_))));
        assert!(file.edit(|_| ()).is_err(), "and it is not written over");
    }
}
