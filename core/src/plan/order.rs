//! The order: what refers comes after what it refers to; deletes the other way round. A graph, so
//! that one failed object never delays what does not depend on it.

use super::Step;
use crate::change::ObjectKey;
use crate::diff::Change;
use std::collections::{BTreeSet, HashMap};

/// Steps in an order in which they could be applied one by one, each with what must come first.
pub fn order(changes: Vec<Change>) -> Vec<Step> {
    let positions: HashMap<ObjectKey, usize> =
        changes.iter().enumerate().map(|(at, change)| (change.key.clone(), at)).collect();
    let before = predecessors(&changes, &positions);
    let sorted = topological(&before);
    let mut place = vec![0; sorted.len()];
    sorted.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    let mut slots: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    sorted
        .iter()
        .filter_map(|old| {
            let mut after_steps: Vec<usize> =
                before[*old].iter().map(|at| place[*at]).filter(|first| *first < place[*old]).collect();
            after_steps.sort_unstable();
            Some(Step { change: slots[*old].take()?, after_steps })
        })
        .collect()
}

fn predecessors(changes: &[Change], positions: &HashMap<ObjectKey, usize>) -> Vec<Vec<usize>> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); changes.len()];
    for (at, change) in changes.iter().enumerate() {
        for target in
            change.references.iter().filter_map(|key| positions.get(key).copied()).filter(|target| *target != at)
        {
            match (change.action.ends(), changes[target].action.ends()) {
                (true, true) => before[target].push(at),
                (true, false) | (false, true) => {}
                _ => before[at].push(target),
            }
        }
        // What goes waits until nothing refers to it any more.
        for target in change.leaves.iter().filter_map(|key| positions.get(key).copied()) {
            if changes[target].action.ends() && !change.action.ends() && target != at {
                before[target].push(at);
            }
        }
    }
    for list in &mut before {
        list.sort_unstable();
        list.dedup();
    }
    before
}

/// Kahn's algorithm, smallest index first, so that the order is one and the same for the same input.
/// A circle (rows can be made to refer in one behind our back) is cut at its smallest index: no
/// change is ever lost.
fn topological(before: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
    for (at, list) in before.iter().enumerate() {
        for first in list {
            users[*first].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..before.len()).filter(|at| missing[*at] == 0).collect();
    let mut rest: BTreeSet<usize> = (0..before.len()).collect();
    let mut sorted = Vec::with_capacity(before.len());
    while let Some(at) = ready.pop_first().or_else(|| rest.first().copied()) {
        rest.remove(&at);
        sorted.push(at);
        for user in &users[at] {
            missing[*user] = missing[*user].saturating_sub(1);
            if missing[*user] == 0 && rest.contains(user) {
                ready.insert(*user);
            }
        }
    }
    sorted
}
