//! What a setting of the guard is held against: an object, with the labels that it has and those that
//! it is to have. It matches by either, so that no change of labels evades a setting.

use super::Match;
use crate::change::ObjectKey;
use std::cell::OnceCell;
use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// An object as the guard sees it.
#[derive(Debug)]
pub struct Subject<'a> {
    key: &'a ObjectKey,
    live: Option<&'a str>,
    body: Option<&'a str>,
    labels: OnceCell<[Labels; 2]>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Labelled {
    labels: Labels,
}

impl<'a> Subject<'a> {
    /// The object `key`; `live` are the labels of its row and `body` its desired body, as JSON.
    pub fn new(key: &'a ObjectKey, live: Option<&'a str>, body: Option<&'a str>) -> Self {
        Self { key, live, body, labels: OnceCell::new() }
    }

    /// Which object.
    pub fn key(&self) -> &'a ObjectKey {
        self.key
    }

    /// The value of a label, the live one first.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels().iter().find_map(|labels| labels.get(name)).map(String::as_str)
    }

    /// Whether `selector` is about it.
    pub fn is_in(&self, selector: &Match) -> bool {
        let kind = selector.kind.as_ref().and_then(|kind| kind.0.as_str());
        let wanted = selector.labels.as_ref();
        kind.is_none_or(|kind| kind == &*self.key.kind)
            && wanted.is_none_or(|wanted| self.labels().iter().any(|have| holds(have, wanted)))
    }

    fn labels(&self) -> &[Labels; 2] {
        self.labels.get_or_init(|| {
            let live = self.live.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            let body: Labelled = self.body.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            [live, body.labels]
        })
    }
}

fn holds(have: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| have.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_by_the_labels_that_it_has_or_is_to_have() {
        let key = ObjectKey::new("Instance", "a");
        let subject =
            Subject::new(&key, Some(r#"{"tier": "gold"}"#), Some(r#"{"labels": {"tier": "test"}, "spec": {}}"#));
        let selector = |text: &str| serde_json::from_str::<Match>(text).unwrap();
        assert!(subject.is_in(&selector(r#"{"labels": {"tier": "gold"}}"#)));
        assert!(subject.is_in(&selector(r#"{"kind": "Instance", "labels": {"tier": "test"}}"#)));
        assert!(!subject.is_in(&selector(r#"{"kind": "Tenant"}"#)));
        assert!(!subject.is_in(&selector(r#"{"labels": {"tier": "silver"}}"#)));
    }
}
