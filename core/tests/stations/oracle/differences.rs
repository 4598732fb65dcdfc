//! Where an oracle differs from us, by class.

use super::classes::{Class, Differing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences(BTreeMap<Class, Sides>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Sides {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    only_ours: BTreeSet<Timestamp>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    only_oracle: BTreeSet<Timestamp>,
}

impl Differences {
    /// What differs, classed; the moment that no class explains, if there is one.
    pub fn between(
        ours: &BTreeSet<Timestamp>,
        theirs: &BTreeSet<Timestamp>,
        zone: &str,
        iana: &str,
    ) -> Result<Self, Timestamp> {
        let differing = Differing { zone, iana, ours, theirs };
        let mut classes: BTreeMap<Class, Sides> = BTreeMap::new();
        for moment in ours - theirs {
            let class = differing.class_of_ours(moment).ok_or(moment)?;
            classes.entry(class).or_default().only_ours.insert(moment);
        }
        for moment in theirs - ours {
            let class = differing.class_of_theirs(moment).ok_or(moment)?;
            classes.entry(class).or_default().only_oracle.insert(moment);
        }
        Ok(Self(classes))
    }

    /// What the oracle says, from what we say.
    pub fn applied_to(&self, fires: &BTreeSet<Timestamp>) -> BTreeSet<Timestamp> {
        let all = |side: fn(&Sides) -> &BTreeSet<Timestamp>| self.0.values().flat_map(side).copied().collect();
        let ours: BTreeSet<Timestamp> = all(|sides| &sides.only_ours);
        let theirs: BTreeSet<Timestamp> = all(|sides| &sides.only_oracle);
        assert!(ours.is_subset(fires) && theirs.is_disjoint(fires), "these are no differences any more: {self:?}");
        &(fires - &ours) | &theirs
    }

    /// How many there are in each class: of ours, of the oracle.
    pub fn counted(&self) -> impl Iterator<Item = (Class, usize, usize)> {
        self.0.iter().map(|(class, sides)| (*class, sides.only_ours.len(), sides.only_oracle.len()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
