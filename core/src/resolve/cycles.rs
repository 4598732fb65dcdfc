//! References must leave an order in which objects can be applied.

use super::Object;
use crate::change::ObjectKey;
use std::collections::HashMap;
use std::sync::Arc;

/// One object of each circle of references, in order of key.
pub fn find(objects: &[Arc<Object>]) -> Vec<ObjectKey> {
    let positions: HashMap<&ObjectKey, usize> =
        objects.iter().enumerate().map(|(at, object)| (&object.key, at)).collect();
    let mut waiting: Vec<usize> = vec![0; objects.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); objects.len()];
    for (at, object) in objects.iter().enumerate() {
        for target in object.references.iter().filter_map(|key| positions.get(key)) {
            waiting[at] += 1;
            users[*target].push(at);
        }
    }
    let mut ready: Vec<usize> = (0..objects.len()).filter(|at| waiting[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for user in &users[at] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                ready.push(*user);
            }
        }
    }
    in_circles(objects, &positions, &waiting)
}

/// Of those that never became ready, the first of each circle: followed from any of them, a chain
/// of waiting references must come back.
fn in_circles(objects: &[Arc<Object>], positions: &HashMap<&ObjectKey, usize>, waiting: &[usize]) -> Vec<ObjectKey> {
    let mut told = Vec::new();
    let mut seen = vec![false; objects.len()];
    for start in (0..objects.len()).filter(|at| waiting[*at] > 0) {
        let mut chain = Vec::new();
        let mut at = start;
        while !seen[at] {
            seen[at] = true;
            chain.push(at);
            let next =
                objects[at].references.iter().filter_map(|key| positions.get(key)).find(|next| waiting[**next] > 0);
            let Some(next) = next else { break };
            at = *next;
        }
        if chain.contains(&at) {
            told.push(objects[at].key.clone());
        }
    }
    told.sort();
    told
}
