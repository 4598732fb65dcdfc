//! A partner has no more than its quotas, summed over what it owns after the merge. What is
//! terminated no longer counts.

use super::super::Problem;
use super::fact::Lifecycle;
use super::known::Known;
use crate::diagnostic::Code;
use crate::model::quantity::{show_bytes, show_cores};
use std::collections::{BTreeMap, HashMap};

type Used = BTreeMap<&'static str, u128>;

/// Told at the quota's own line, with the sum.
pub fn are_kept(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let used = used(known);
    for (entry, partner) in known.partners.iter() {
        let Some(used) = used.get(&*entry.document.key.name) else { continue };
        for (what, limit) in &partner.quotas {
            let sum = used.get(what).copied().unwrap_or_default();
            if sum > *limit {
                let message = format!(
                    "partner `{}` has {} of {} {what}",
                    entry.document.key.name,
                    show(what, sum),
                    show(what, *limit)
                );
                let hint = format!("raise the quota to {}, or ask for less", show(what, sum));
                problems
                    .push(known.error(entry, Code::QuotaExceeded, &["quotas", what], message).with_hint(Some(hint)));
            }
        }
    }
}

fn used<'k>(known: &'k Known<'_>) -> HashMap<&'k str, Used> {
    let mut all: HashMap<&str, Used> = HashMap::new();
    for (_, instance) in known.instances.iter().filter(|(_, one)| one.lifecycle != Lifecycle::Terminated) {
        let Some(partner) = &instance.partner else { continue };
        let used = all.entry(partner).or_default();
        for (what, amount) in
            [("instances", 1), ("cpu", instance.cpu), ("memory", instance.memory), ("storage", instance.storage)]
        {
            *used.entry(what).or_default() += amount;
        }
    }
    for (_, tenant) in known.tenants.iter().filter(|(_, one)| one.lifecycle != Lifecycle::Terminated) {
        *all.entry(&tenant.partner).or_default().entry("tenants").or_default() += 1;
    }
    all
}

fn show(what: &str, amount: u128) -> String {
    match what {
        "cpu" => show_cores(amount),
        "memory" | "storage" => show_bytes(amount),
        _ => amount.to_string(),
    }
}
