//! Walks over the commit graph: what lies between, the spine, merge bases. Bounded; dates are never
//! believed. Whether a commit may do anything is not its matter.

use super::session::{HistoryFault, Session};
use crate::change::Oid;
use std::collections::{HashMap, HashSet};

/// The accepted steps by place. Each descends from the one before, so a walk that meets one knows
/// everything below it, and history before the introduction is rarely read.
pub(super) type Ground = HashMap<Oid, usize>;

/// How a tip stands to an accepted commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Descends,
    /// The tip is an ancestor of it.
    Behind,
    Beside,
}

/// How `tip` stands to `base`.
pub(super) fn standing(
    session: &mut Session<'_>,
    ground: &Ground,
    base: Oid,
    tip: Oid,
) -> Result<Standing, HistoryFault> {
    if descends(session, ground, base, tip)? {
        return Ok(Standing::Descends);
    }
    Ok(if descends(session, ground, tip, base)? { Standing::Behind } else { Standing::Beside })
}

/// Whether `tip` is `base` or descends from it.
pub(super) fn descends(session: &mut Session<'_>, ground: &Ground, base: Oid, tip: Oid) -> Result<bool, HistoryFault> {
    if first_parents(session, ground, base, tip)?.is_some() {
        return Ok(true);
    }
    let place = ground.get(&base).copied();
    let below = |oid: &Oid| place.is_some_and(|place| ground.get(oid).is_some_and(|other| *other < place));
    Ok(reachable(session, tip, |oid| *oid == base || below(oid))?.contains(&base))
}

/// From the oldest commit after `base` to `tip`: at each merge the first parent if it is `base` or
/// descends from it, else the only other parent that does. `None` when two others do.
pub(super) fn spine(
    session: &mut Session<'_>,
    ground: &Ground,
    base: Oid,
    tip: Oid,
) -> Result<Option<Vec<Oid>>, HistoryFault> {
    if let Some(mut chain) = first_parents(session, ground, base, tip)? {
        chain.reverse();
        return Ok(Some(chain));
    }
    let marked = descendants(session, ground, base, tip)?;
    let (mut chain, mut at) = (Vec::new(), tip);
    while at != base {
        chain.push(at);
        let parents = session.commit(at)?.parents.clone();
        let heirs: Vec<Oid> = parents.iter().copied().filter(|parent| marked.contains(parent)).collect();
        at = match (parents.first().is_some_and(|first| marked.contains(first)), heirs.as_slice()) {
            (true, _) => parents[0],
            (false, [only]) => *only,
            _ => return Ok(None),
        };
    }
    chain.reverse();
    Ok(Some(chain))
}

/// The first parents from `tip` down to `base`, newest first and without `base`, if they lead there.
fn first_parents(
    session: &mut Session<'_>,
    ground: &Ground,
    base: Oid,
    tip: Oid,
) -> Result<Option<Vec<Oid>>, HistoryFault> {
    let (mut chain, mut at) = (Vec::new(), tip);
    while at != base {
        let astray = ground.get(&at).is_some_and(|place| ground.get(&base).is_some_and(|base| place < base));
        if astray {
            return Ok(None);
        }
        if chain.len() >= session.limits.walk {
            return Err(HistoryFault::TooLong(session.limits.walk));
        }
        chain.push(at);
        match session.commit(at)?.parents.first() {
            Some(parent) => at = *parent,
            None => return Ok(None),
        }
    }
    Ok(Some(chain))
}

/// Every commit reachable from `from`; the walk does not go beyond a commit that `stop` names.
fn reachable(session: &mut Session<'_>, from: Oid, stop: impl Fn(&Oid) -> bool) -> Result<HashSet<Oid>, HistoryFault> {
    let (mut seen, mut open) = (HashSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        if stop(&at) {
            continue;
        }
        if seen.len() > session.limits.walk {
            return Err(HistoryFault::TooLong(session.limits.walk));
        }
        open.extend(session.commit(at)?.parents.iter().copied().filter(|parent| seen.insert(*parent)));
    }
    Ok(seen)
}

/// `base` and every commit between it and `tip` that descends from it.
fn descendants(session: &mut Session<'_>, ground: &Ground, base: Oid, tip: Oid) -> Result<HashSet<Oid>, HistoryFault> {
    let mut children: HashMap<Oid, Vec<Oid>> = HashMap::new();
    for oid in reachable(session, tip, |oid| ground.contains_key(oid))? {
        if !ground.contains_key(&oid) {
            session.commit(oid)?.parents.iter().for_each(|parent| children.entry(*parent).or_default().push(oid));
        }
    }
    let (mut marked, mut open) = (HashSet::from([base]), vec![base]);
    while let Some(at) = open.pop() {
        open.extend(children.get(&at).into_iter().flatten().copied().filter(|child| marked.insert(*child)));
    }
    Ok(marked)
}

/// The lowest step that the ways down from `from` meet first. `None` when one of them meets none.
fn lowest_step(session: &mut Session<'_>, ground: &Ground, from: Oid) -> Result<Option<usize>, HistoryFault> {
    let mut lowest = None;
    for oid in reachable(session, from, |oid| ground.contains_key(oid))? {
        match ground.get(&oid) {
            Some(place) => lowest = Some(lowest.map_or(*place, |low: usize| low.min(*place))),
            None if session.commit(oid)?.parents.is_empty() => return Ok(None),
            None => {}
        }
    }
    Ok(lowest)
}

/// Every commit reachable from `from` and not from the step `base`.
pub(super) fn exclusive(
    session: &mut Session<'_>,
    ground: &Ground,
    from: Oid,
    base: Oid,
) -> Result<HashSet<Oid>, HistoryFault> {
    // Whatever is walked before a step is met descends from `floor`, so no way from `base` to it
    // leads through `floor` or below.
    let floor = lowest_step(session, ground, from)?;
    let mut seen = reachable(session, from, |oid| ground.contains_key(oid))?;
    if floor.is_none() || floor != ground.get(&base).copied() {
        let below = reachable(session, base, |oid| is_at_or_below(ground, floor, oid))?;
        seen.retain(|oid| !below.contains(oid));
    }
    seen.retain(|oid| !ground.contains_key(oid));
    Ok(seen)
}

fn is_at_or_below(ground: &Ground, floor: Option<usize>, oid: &Oid) -> bool {
    floor.is_some_and(|floor| ground.get(oid).is_some_and(|place| *place <= floor))
}

/// The one merge base of two commits; `None` when there is none or several.
pub(super) fn merge_base(
    session: &mut Session<'_>,
    ground: &Ground,
    a: Oid,
    b: Oid,
) -> Result<Option<Oid>, HistoryFault> {
    // A common ancestor below the lowest step that either meets is an ancestor of that step, which
    // is common as well: none of them is a merge base.
    let floor = match (lowest_step(session, ground, a)?, lowest_step(session, ground, b)?) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => None,
    };
    let below = reachable(session, a, |oid| is_at_or_below(ground, floor, oid))?;
    let met = reachable(session, b, |oid| below.contains(oid) || is_at_or_below(ground, floor, oid))?;
    let common: Vec<Oid> = met.into_iter().filter(|oid| below.contains(oid)).collect();
    let beaten = ancestors(session, ground, floor, &common)?;
    let mut bases = common.into_iter().filter(|oid| !beaten.contains(oid));
    Ok(bases.next().filter(|_| bases.next().is_none()))
}

/// Everything reachable from a parent of one of `commits`, in one walk that ends at the floor.
fn ancestors(
    session: &mut Session<'_>,
    ground: &Ground,
    floor: Option<usize>,
    commits: &[Oid],
) -> Result<HashSet<Oid>, HistoryFault> {
    let mut seen = HashSet::new();
    let mut open: Vec<Oid> = commits.to_vec();
    while let Some(at) = open.pop() {
        // What lies below the floor is no merge base, so nothing there need be beaten.
        if is_at_or_below(ground, floor, &at) {
            continue;
        }
        if seen.len() > session.limits.walk {
            return Err(HistoryFault::TooLong(session.limits.walk));
        }
        open.extend(session.commit(at)?.parents.iter().copied().filter(|parent| seen.insert(*parent)));
    }
    Ok(seen)
}

/// For each commit on the ways down from `from`: the newest step that it is or descends from.
pub(super) fn newest_steps(
    session: &mut Session<'_>,
    ground: &Ground,
    from: Oid,
) -> Result<HashMap<Oid, Option<usize>>, HistoryFault> {
    let (mut newest, mut open) = (HashMap::new(), vec![from]);
    while let Some(at) = open.last().copied() {
        // A commit may wait twice, once for each of two children.
        if newest.len() + open.len() > 2 * session.limits.walk {
            return Err(HistoryFault::TooLong(session.limits.walk));
        }
        if newest.contains_key(&at) || ground.contains_key(&at) {
            newest.entry(at).or_insert(ground.get(&at).copied());
            open.pop();
            continue;
        }
        let parents = session.commit(at)?.parents.clone();
        let unknown = parents.iter().copied().filter(|parent| !newest.contains_key(parent));
        let before = open.len();
        open.extend(unknown);
        if open.len() == before {
            newest.insert(at, parents.iter().filter_map(|parent| newest[parent]).max());
            open.pop();
        }
    }
    Ok(newest)
}
