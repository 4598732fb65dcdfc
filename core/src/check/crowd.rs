//! How much a judged plan moves at once, and ends within a day: counted apart from the gate, and never more than it counts,
//! so that what is said to be too much is.

use super::Violation;
use crate::change::ObjectKey;
use crate::diff::{Action, Cause, Change};
use crate::gate::{Circumstances, Standing};
use crate::model::guard::{Limit, LimitedAction, Subject};
use crate::plan::Plan;
use std::collections::{HashMap, HashSet};

/// Whose bound it is: the fleet's, a partner's, a region's.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Group {
    Fleet,
    Partner(String),
    Region(String),
}

/// The groups that an instance is in, by its row.
fn groups(key: &ObjectKey, circumstances: &Circumstances<'_>) -> Vec<Group> {
    let Some(row) = circumstances.live.get(key) else { return vec![Group::Fleet] };
    let subject = Subject::new(key, Some(&row.labels), None);
    let region = subject.label("region").map(|region| Group::Region(region.to_owned()));
    let partner = row.partner.as_deref().map(|partner| Group::Partner(partner.to_owned()));
    std::iter::once(Group::Fleet).chain(partner).chain(region).collect()
}

/// The first step too many, if more move at once than the guard lets.
pub(super) fn crowded(plan: &Plan, circumstances: &Circumstances<'_>) -> Option<Violation> {
    let (standing, bounds) = (circumstances.standing, circumstances.guards.moving());
    let under_way = standing.iter().filter(|(_, how)| **how == Standing::UnderWay).map(|(key, _)| key);
    let open = circumstances.moved.iter().filter(|one| one.done_at.is_none() && one.action != Action::Delete);
    let mut moving: HashSet<&ObjectKey> = under_way.chain(open.map(|one| &one.key)).collect();
    moving.retain(|key| &*key.kind == "Instance" && standing.contains_key(key));
    let mut many: HashMap<Group, usize> = HashMap::new();
    for group in moving.iter().flat_map(|key| groups(key, circumstances)) {
        *many.entry(group).or_default() += 1;
    }
    for (at, step) in plan.steps().iter().enumerate() {
        let key = &step.change.key;
        if &*key.kind != "Instance" || !acts_on(&step.change) || !standing.contains_key(key) || !moving.insert(key) {
            continue;
        }
        for group in groups(key, circumstances) {
            let most = match group {
                Group::Fleet => bounds.global,
                Group::Partner(_) => bounds.per_partner,
                Group::Region(_) => bounds.per_region,
            };
            let count = many.entry(group).or_default();
            *count += 1;
            if *count > most {
                return Some(Violation { step: at, rule: "no more move at once than may" });
            }
        }
    }
    None
}

fn acts_on(change: &Change) -> bool {
    let spec = change.fields.iter().any(|field| field.path.to_string().starts_with("spec"));
    matches!(change.action, Action::Update | Action::Restore) && spec
}

/// The first step too many, if more end within a day than a limit of the guard lets, and nobody lifted any. Limits that count
/// apart for partners or regions are the gate's alone. Of a refused plan nothing moves.
pub(super) fn too_many_end(plan: &Plan, circumstances: &Circumstances<'_>) -> Option<Violation> {
    if !plan.refused().is_empty() {
        return None;
    }
    let is_of_all = |limit: &&Limit| limit.action == LimitedAction::Delete && limit.per.is_none();
    let mut limits = circumstances.guards.limits().filter(|_| circumstances.allowed.is_empty()).filter(is_of_all);
    limits.find_map(|limit| {
        let matches = |key: &ObjectKey| {
            let row = circumstances.live.get(key);
            row.is_some_and(|row| Subject::new(key, Some(&row.labels), None).is_in(&limit.selector))
        };
        let ended = circumstances.moved.iter().filter(|one| one.recent && one.destructive && one.cause != Cause::Drift);
        let mut ends: HashSet<&ObjectKey> =
            ended.filter(|one| one.action != Action::Remove).map(|one| &one.key).filter(|key| matches(key)).collect();
        let most = at_most(limit, circumstances.live.objects.iter().filter(|row| matches(&row.key)).count());
        let steps = plan.steps().iter().enumerate().filter(|(_, step)| {
            let change = &step.change;
            change.is_destructive()
                && !matches!(change.action, Action::Remove | Action::Restore)
                && change.cause != Cause::Drift
                && matches(&change.key)
        });
        let too_many = steps.into_iter().find(|(_, step)| ends.insert(&step.change.key) && ends.len() > most);
        too_many.map(|(step, _)| Violation { step, rule: "no more end within a day than a limit lets" })
    })
}

/// How many a limit lets, where so many are there or were.
fn at_most(limit: &Limit, live: usize) -> usize {
    let share = limit.percent.map(|percent| (live * usize::from(percent)).div_ceil(100));
    let share = share.map(|share| share.max(limit.minimum.map_or(0, |minimum| minimum as usize)));
    [share, limit.count.map(|count| count as usize)].into_iter().flatten().min().unwrap_or(usize::MAX)
}
