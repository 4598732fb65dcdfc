//! The two names of a plan. The action digest: what would happen, and nothing else. No commit, clock, waiting, reasons, so
//! that CI and daemon agree on it whenever the same things would happen. The plan id: everything, so that it names one record.

use super::{Plan, Step};
use crate::change::{Digest, encode};
use crate::diff::{Action, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// SHA-256 over (kind, name, action, before, after), sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionDigest(pub Digest);

impl fmt::Display for ActionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ActionDigest {
    /// Four digits, an ellipsis, two digits: for people.
    pub fn short(&self) -> String {
        let hex = self.0.to_string();
        format!("{}…{}", &hex[..4], &hex[62..])
    }
}

/// The digest of `steps`, whatever their order. A row that goes once its grace is over was named when
/// its deletion was: it hangs on the clock, and is not named again.
pub fn action_digest(steps: &[Step]) -> ActionDigest {
    let named = steps.iter().filter(|step| step.change.action != Action::Remove);
    let mut entries: Vec<Vec<u8>> = named.map(entry).collect();
    entries.sort_unstable();
    let mut bytes = b"pintle actions v1\0".to_vec();
    encode::count(entries.len(), &mut bytes);
    for entry in &entries {
        encode::bytes(entry, &mut bytes);
    }
    ActionDigest(Digest::of(&bytes))
}

fn entry(step: &Step) -> Vec<u8> {
    let change = &step.change;
    let mut bytes = Vec::with_capacity(128);
    for text in [&*change.key.kind, &*change.key.name, change.action.as_str()] {
        encode::bytes(text.as_bytes(), &mut bytes);
    }
    for digest in [change.before, change.after] {
        encode::bytes(digest.as_ref().map_or(&[], |digest| &digest.0), &mut bytes);
    }
    bytes
}

/// SHA-256 over a whole plan: no other plan has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(pub Digest);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What names `plan`: the revision, the moments, each step with the row it was planned for and what comes before it, each
/// change that waits with its reason, and each limit that it would pass.
pub(super) fn plan_id(plan: &Plan) -> PlanId {
    let mut bytes = b"pintle plan v1\0".to_vec();
    let (made, read) = (plan.made_at().to_string(), plan.live_read_at().to_string());
    for text in [plan.commit(), &made, &read, plan.time_zones()] {
        encode::bytes(text.as_bytes(), &mut bytes);
    }
    encode::count(plan.steps().len(), &mut bytes);
    for step in plan.steps() {
        whole(&step.change, &mut bytes);
        encode::count(step.after_steps.len(), &mut bytes);
        step.after_steps.iter().for_each(|first| encode::count(*first, &mut bytes));
    }
    encode::count(plan.waiting().len(), &mut bytes);
    for waiting in plan.waiting() {
        whole(&waiting.change, &mut bytes);
        encode::bytes(&serde_json::to_vec(&waiting.reason).unwrap_or_default(), &mut bytes);
    }
    encode::bytes(&serde_json::to_vec(plan.refused()).unwrap_or_default(), &mut bytes);
    PlanId(Digest::of(&bytes))
}

/// A change with everything that carrying it out goes by. Bodies and fields follow from the digests.
fn whole(change: &Change, bytes: &mut Vec<u8>) {
    let texts = [&*change.key.kind, &*change.key.name, change.action.as_str(), change.cause.as_str()];
    let texts = texts
        .into_iter()
        .chain([change.partner.as_deref(), change.partner_before.as_deref()].map(Option::unwrap_or_default));
    texts.for_each(|text| encode::bytes(text.as_bytes(), bytes));
    let declared = change.declared.as_ref().map(|declared| declared.digest);
    for digest in [change.before, change.after, change.written, declared] {
        encode::bytes(digest.as_ref().map_or(&[], |digest| &digest.0), bytes);
    }
    encode::bytes(change.uid.as_ref().map_or(&[], |uid| uid.as_bytes()), bytes);
    encode::bytes(&change.revision.unwrap_or(-1).to_be_bytes(), bytes);
    let source = change.source.as_ref().map(ToString::to_string).unwrap_or_default();
    encode::bytes(source.as_bytes(), bytes);
    encode::bytes(&[u8::from(change.protected), u8::from(change.overwrites), u8::from(change.reported)], bytes);
}

#[cfg(test)]
mod tests {
    use crate::render::tests::world::mixed;

    #[test]
    fn what_would_happen_has_one_name_whatever_waits_and_each_plan_has_its_own() {
        let (whole, again) = (mixed(), mixed());
        assert_eq!((whole.id(), whole.actions()), (again.id(), again.actions()));
        let left_out = again.only(|_| false);
        assert_eq!(left_out.actions(), whole.actions());
        assert_ne!(left_out.id(), whole.id());
        let moved = mixed().with_steps(|steps| steps[0].change.revision = Some(99));
        assert_eq!(moved.actions(), whole.actions());
        assert_ne!(moved.id(), whole.id(), "it is for another row");
    }
}
