//! What ended keeps nothing that runs.

use super::super::Problem;
use super::super::index::Entry;
use super::fact::Lifecycle;
use super::known::{Known, shown};
use crate::diagnostic::Code;

/// No active tenant on a terminated instance; no active instance or tenant of a terminated partner.
pub fn nothing_is_left_on_what_ended(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for (entry, tenant) in known.tenants.iter().filter(|(_, tenant)| tenant.lifecycle == Lifecycle::Active) {
        if let Some((home, _)) =
            known.instances.get(&tenant.instance).filter(|(_, instance)| instance.lifecycle == Lifecycle::Terminated)
        {
            problems.push(left(known, entry, "instance", home));
        }
        problems.extend(ended(known, &tenant.partner).map(|partner| left(known, entry, "partner", partner)));
    }
    for (entry, instance) in known.instances.iter().filter(|(_, instance)| instance.lifecycle == Lifecycle::Active) {
        let partner = instance.partner.as_deref().and_then(|name| ended(known, name));
        problems.extend(partner.map(|partner| left(known, entry, "partner", partner)));
    }
}

fn ended<'a>(known: &Known<'a>, partner: &str) -> Option<&'a Entry> {
    known
        .partners
        .get(partner)
        .filter(|(_, partner)| partner.lifecycle == Lifecycle::Terminated)
        .map(|(entry, _)| entry)
}

fn left(known: &Known<'_>, entry: &Entry, field: &str, ended: &Entry) -> Problem {
    let message =
        format!("{} is active, but its {field} `{}` is terminated", entry.document.key, ended.document.key.name);
    known
        .error(entry, Code::Inconsistent, &[field], message)
        .with_hint(Some(format!("set its `lifecycle`, or that of {}", shown(ended))))
}
