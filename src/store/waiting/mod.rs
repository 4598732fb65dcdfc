//! Why each object waits that should move and does not: of every one, as of the newest plan. A plan that moves nothing is not
//! stored, so this stands beside the source.

mod read;
mod record;

pub use read::OpenJob;

use jiff::Timestamp;
use pintle_core::change::ObjectKey;
use pintle_core::plan::{Plan, Reason};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Reasons kept with a plan for its history; the number of all is kept beside them.
const OF_A_PLAN: usize = 1_000;

/// An object that should move and does not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingRow {
    /// `Kind/name`.
    pub object: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// Why something waits, in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The stable word.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What lifts it.
    pub lifted_by: String,
    /// When time alone lifts it, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The Rollout in whose waves it waits, and what keeps its wave closed until somebody acts.
    #[serde(skip)]
    pub wave: Option<(String, Option<&'static str>)>,
}

impl Why {
    fn of(reason: &Reason) -> Self {
        let wave = match reason {
            Reason::Wave { rollout, held, .. } => Some((rollout.to_string(), held.as_ref().map(|held| held.as_str()))),
            _ => None,
        };
        Self {
            code: reason.code().to_owned(),
            message: reason.sentence(),
            lifted_by: reason.lifted_by(),
            until: reason.until(),
            wave,
        }
    }
}

/// The first reasons of `plan`, for its record.
pub(super) fn of_a_plan(plan: &Plan) -> Vec<WaitingRow> {
    let first = plan.waiting().iter().take(OF_A_PLAN);
    first.map(|one| WaitingRow { object: one.change.key.to_string(), why: Why::of(&one.reason) }).collect()
}

/// What a plan lets wait: each reason once, by a number, and which of them each object has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    reasons: BTreeMap<i32, Why>,
    of: BTreeMap<ObjectKey, i32>,
}

impl Waits {
    /// What `plan` lets wait.
    pub fn of(plan: &Plan) -> Self {
        let (mut numbers, mut waits): (HashMap<Why, i32>, _) = (HashMap::new(), Self::default());
        // Many in a row wait for the same, and need not be put into words to see that.
        let mut last: Option<(&Reason, i32)> = None;
        for one in plan.waiting() {
            let next = numbers.len() as i32;
            let same = last.filter(|(reason, _)| **reason == one.reason).map(|(_, number)| number);
            let number = same.unwrap_or_else(|| *numbers.entry(Why::of(&one.reason)).or_insert(next));
            last = Some((&one.reason, number));
            waits.of.entry(one.change.key.clone()).or_insert(number);
        }
        waits.reasons = numbers.into_iter().map(|(why, number)| (number, why)).collect();
        waits
    }

    /// The same under numbers with which least changes against `before`: a reason keeps the number under which the first of
    /// its objects waited, so that other words of it are one row.
    fn numbered_like(self, before: &Self) -> Self {
        let mut first: BTreeMap<i32, &ObjectKey> = BTreeMap::new();
        for (key, number) in &self.of {
            first.entry(*number).or_insert(key);
        }
        let mut taken: BTreeSet<i32> = BTreeSet::new();
        let mut again: HashMap<i32, i32> = HashMap::new();
        for (number, key) in &first {
            if let Some(old) = before.of.get(*key).filter(|old| taken.insert(**old)) {
                again.insert(*number, *old);
            }
        }
        let mut free = (0..).filter(|number| !taken.contains(number));
        for number in first.keys() {
            again.entry(*number).or_insert_with(|| free.next().unwrap_or_default());
        }
        let other = |number: i32| again.get(&number).copied().unwrap_or(number);
        Self {
            reasons: self.reasons.into_iter().map(|(number, why)| (other(number), why)).collect(),
            of: self.of.into_iter().map(|(key, number)| (key, other(number))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(of: &[(&str, &str)]) -> Waits {
        let why = |message: &str| Why {
            code: "wave".into(),
            message: message.into(),
            lifted_by: String::new(),
            until: None,
            wave: None,
        };
        let words: BTreeSet<&str> = of.iter().map(|(_, message)| *message).collect();
        let number = |message: &str| words.iter().position(|one| *one == message).unwrap() as i32;
        Waits {
            reasons: words.iter().map(|message| (number(message), why(message))).collect(),
            of: of.iter().map(|(name, message)| (ObjectKey::new("Suite", *name), number(message))).collect(),
        }
    }

    /// What each object waits for, whatever the numbers.
    fn said(waits: &Waits) -> Vec<(String, String)> {
        waits.of.iter().map(|(key, number)| (key.name.to_string(), waits.reasons[number].message.clone())).collect()
    }

    #[test]
    fn other_words_of_a_reason_are_one_row_however_many_wait_for_it() {
        let before = waits(&[("a", "nine move"), ("b", "nine move"), ("c", "paused")]);
        let after = waits(&[("a", "ten move"), ("b", "ten move"), ("c", "paused")]).numbered_like(&before);
        assert_eq!(before.of, after.of);
        assert_ne!(before.reasons, after.reasons);
    }

    proptest::proptest! {
        #[test]
        fn numbers_change_nothing_of_what_is_said(
            before in proptest::collection::btree_map("[a-f]", "[x-z]", 0..6),
            after in proptest::collection::btree_map("[a-f]", "[x-z]", 0..6),
        ) {
            let pairs = |map: &BTreeMap<String, String>| {
                waits(&map.iter().map(|(name, message)| (name.as_str(), message.as_str())).collect::<Vec<_>>())
            };
            let (before, after) = (pairs(&before), pairs(&after));
            let like = after.clone().numbered_like(&before);
            proptest::prop_assert_eq!(said(&like), said(&after));
            proptest::prop_assert_eq!(like.reasons.len(), after.reasons.len());
        }
    }
}
