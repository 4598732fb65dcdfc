//! A pause: somebody said that nothing of a selection starts until a moment, or until it is resumed.

use crate::model::guard::{Match, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which objects somebody means: all, a kind, one of them, those with labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Only this kind; `None` means all.
    pub kind: Option<String>,
    /// Only this name, of the kind.
    pub name: Option<String>,
    /// Only objects with all of these labels.
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Its number.
    pub id: i64,
    /// What is paused.
    #[serde(flatten)]
    pub what: Selector,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when; `None`: until it is resumed.
    pub until: Option<Timestamp>,
}

impl Selector {
    /// Whether it is about an object, by the labels that this has or is to have.
    pub fn covers(&self, subject: &Subject<'_>) -> bool {
        let kind = self.kind.clone().map(|kind| crate::model::scalar::KindName(kind.into()));
        let labels = (!self.labels.is_empty()).then(|| self.labels.clone());
        self.name.as_ref().is_none_or(|name| *name == *subject.key().name) && subject.is_in(&Match { kind, labels })
    }
}

/// For people, and to paste into `pintle resume`.
impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("all");
        let name = self.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        let labels: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" -l {}", labels.join(",")) };
        write!(f, "{kind}{name}{labels}")
    }
}
