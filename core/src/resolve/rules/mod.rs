//! Rules across documents: what no schema of one kind can say. Each is a function over the merged
//! facts of every sound object, and tells a problem at the line that gave the value. All of them
//! look things up in maps that are built once, so that they stay linear in the size of the fleet.

mod capabilities;
mod channels;
mod components;
mod domains;
mod fact;
mod kinds;
mod known;
mod lifecycle;
mod ownership;
mod profiles;
mod quotas;
mod releases;
mod targets;
mod windows;

pub use fact::Fact;

use super::Problem;
use super::index::{Entry, Index};
use crate::model::Catalog;
use known::Known;

type Rule = fn(&Known<'_>, &mut Vec<Problem>);

/// Every rule, in the order in which their problems are collected.
const RULES: &[Rule] = &[
    components::names_are_unambiguous,
    components::named_components_exist,
    releases::each_is_declared_once,
    targets::named_versions_can_be_installed,
    targets::tracks_match_something,
    channels::followers_fit,
    ownership::tenants_live_with_their_partner,
    ownership::enterprises_have_one_tenant,
    ownership::members_administer_their_own,
    lifecycle::nothing_is_left_on_what_ended,
    quotas::are_kept,
    domains::are_answered_once,
    windows::leave_time_for_the_upgrade,
    capabilities::have_what_they_require,
    kinds::named_kinds_exist,
    profiles::fit_their_kind,
];

/// Everything in which the objects of a tree contradict each other. `facts` are those of the sound
/// documents in order of key; `readable` says whether every file of the tree could be read.
pub fn check(facts: Vec<(&Entry, Fact)>, readable: bool, index: &Index, catalog: &Catalog) -> Vec<Problem> {
    let known = Known::of(facts, readable, index, catalog);
    let mut problems = Vec::new();
    for rule in RULES {
        rule(&known, &mut problems);
    }
    problems
}
