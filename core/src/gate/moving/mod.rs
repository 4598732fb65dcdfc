//! What moves at once: how many instances are on their way, over the whole fleet and whatever moves them. Only those
//! count that a service reports on: of the others nothing is known but that their row was written.

use super::pace::Paced;
use super::{Circumstances, Standing, urgency};
use crate::change::{ObjectKey, Value};
use crate::diff::{Action, Change};
use crate::model::guard::{Bounds, Subject};
use crate::plan::{Plan, Reason};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

const INSTANCE: &str = "Instance";

/// For each step why it waits for others to arrive, if it does. What is urgent goes first; what is `paced` may be bounded more
/// tightly.
pub(super) fn held(plan: &Plan, paced: &Paced, circumstances: &Circumstances<'_>) -> Vec<Option<Reason>> {
    let mut held = vec![None; plan.steps().len()];
    let moves = |at: &usize| is_move(&plan.steps()[*at].change, circumstances);
    let mut movers: Vec<usize> = (0..plan.steps().len()).filter(moves).collect();
    if movers.is_empty() {
        return held;
    }
    let urgencies = urgency::urgencies(plan, circumstances);
    movers.sort_by_key(|at| urgencies[*at]);
    let fleet = Fleet::of(circumstances);
    let mut under_way = fleet.under_way(circumstances);
    for at in movers {
        let key = &plan.steps()[at].change.key;
        let bounds = paced.bounds.get(key).into_iter().fold(circumstances.guards.moving(), Bounds::within);
        match under_way.room(key, fleet.place(key, circumstances), &bounds, fleet.instances) {
            Ok(()) => {}
            Err((of, moving, allowed)) => {
                let rollouts = paced.rollouts.get(key).cloned().unwrap_or_default();
                held[at] = Some(Reason::Moving { of, moving, allowed, rollouts });
            }
        }
    }
    held
}

/// Whether a service has to act on it.
fn is_move(change: &Change, circumstances: &Circumstances<'_>) -> bool {
    let acts = |action| matches!(action, Action::Update | Action::Restore);
    let spec = change.fields.iter().any(|field| field.path.0.first().is_some_and(|first| first == "spec"));
    &*change.key.kind == INSTANCE && acts(change.action) && spec && circumstances.standing.contains_key(&change.key)
}

/// Who is at home where.
struct Fleet {
    instances: usize,
    /// By instance: how many tenants, and of which partners.
    tenants: HashMap<Arc<str>, (usize, BTreeSet<Arc<str>>)>,
}

/// What an instance counts against.
struct Place {
    partners: BTreeSet<Arc<str>>,
    region: Option<String>,
    tenants: usize,
}

impl Fleet {
    fn of(circumstances: &Circumstances<'_>) -> Self {
        let is_there = |row: &&crate::diff::LiveObject| &*row.key.kind == INSTANCE && row.tombstoned_at.is_none();
        let mut tenants: HashMap<Arc<str>, (usize, BTreeSet<Arc<str>>)> = HashMap::new();
        for tenant in circumstances.desired.objects.iter().filter(|object| &*object.key.kind == "Tenant") {
            for home in tenant.references.iter().filter(|key| &*key.kind == INSTANCE) {
                let (count, partners) = tenants.entry(home.name.clone()).or_default();
                *count += 1;
                partners.extend(tenant.partner.clone());
            }
        }
        Self { instances: circumstances.live.objects.iter().filter(is_there).count(), tenants }
    }

    /// One that belongs to no partner counts for each that has a tenant on it.
    fn place(&self, key: &ObjectKey, circumstances: &Circumstances<'_>) -> Place {
        let row = circumstances.live.get(key);
        let (tenants, theirs) = self.tenants.get(&key.name).cloned().unwrap_or_default();
        let partners = row.and_then(|row| row.partner.clone()).map_or(theirs, |own| BTreeSet::from([own]));
        let subject = Subject::new(key, row.map(|row| &*row.labels), None);
        Place { partners, region: subject.label("region").map(str::to_owned), tenants }
    }

    fn under_way(&self, circumstances: &Circumstances<'_>) -> UnderWay {
        let mut under_way = UnderWay::default();
        for (key, standing) in circumstances.standing.iter().filter(|(key, _)| &*key.kind == INSTANCE) {
            match standing {
                Standing::There(_) => {}
                Standing::UnderWay => under_way.add(key, self.place(key, circumstances)),
                Standing::Failed(_) => _ = under_way.down.insert(key.clone()),
            }
        }
        let open = circumstances.moved.iter().filter(|moved| moved.done_at.is_none());
        let open = open.filter(|moved| matches!(moved.action, Action::Update | Action::Restore));
        for moved in open.filter(|moved| circumstances.standing.contains_key(&moved.key)) {
            under_way.add(&moved.key, self.place(&moved.key, circumstances));
        }
        under_way
    }
}

/// Of what as many move as may: what it is, how many do, how many may.
type Full = (String, usize, usize);

/// What is on its way, and what is not there for whoever needs it.
#[derive(Default)]
struct UnderWay {
    moving: BTreeSet<ObjectKey>,
    down: BTreeSet<ObjectKey>,
    by_partner: BTreeMap<Arc<str>, usize>,
    by_region: BTreeMap<String, usize>,
    tenants: usize,
}

impl UnderWay {
    fn add(&mut self, key: &ObjectKey, place: Place) {
        self.down.insert(key.clone());
        if !self.moving.insert(key.clone()) {
            return;
        }
        for partner in place.partners {
            *self.by_partner.entry(partner).or_default() += 1;
        }
        if let Some(region) = place.region {
            *self.by_region.entry(region).or_default() += 1;
        }
        self.tenants += place.tenants;
    }

    /// Lets `key` move if each bound has room for it; what is on its way already takes no more.
    fn room(&mut self, key: &ObjectKey, place: Place, bounds: &Bounds, fleet: usize) -> Result<(), Full> {
        if self.moving.contains(key) {
            return Ok(());
        }
        if self.moving.len() >= bounds.global {
            return Err(("the fleet".into(), self.moving.len(), bounds.global));
        }
        for partner in &place.partners {
            let moving = self.by_partner.get(partner).copied().unwrap_or_default();
            if moving >= bounds.per_partner {
                return Err((format!("partner {partner}"), moving, bounds.per_partner));
            }
        }
        if let Some(region) = &place.region {
            let moving = self.by_region.get(region).copied().unwrap_or_default();
            if moving >= bounds.per_region {
                return Err((format!("region {region}"), moving, bounds.per_region));
            }
        }
        let allowed = bounds.unavailable(fleet);
        if !self.down.contains(key) && self.down.len() >= allowed {
            return Err(("those that may be down".into(), self.down.len(), allowed));
        }
        // Whoever weighs more than all that may move goes alone.
        let over = bounds.tenants.filter(|allowed| self.tenants > 0 && self.tenants + place.tenants > *allowed);
        if let Some(allowed) = over {
            return Err(("the tenants".into(), self.tenants, allowed));
        }
        self.add(key, place);
        Ok(())
    }
}

/// How the `tighten` of a Rollout, by its body, bounds what is in its run.
pub(super) fn tightened(rollout: &Value) -> Option<Bounds> {
    let tighten = rollout.at(&["spec", "tighten"]).filter(|tighten| **tighten != Value::Null)?;
    Some(Bounds::of_tighten(tighten))
}

#[cfg(test)]
mod tests;
