//! What belongs to a partner refers to that partner's own.

use super::super::Problem;
use super::fact::Lifecycle;
use super::known::{Known, shown};
use crate::diagnostic::Code;
use std::collections::HashMap;

/// A tenant is at home on an instance of its own partner, or on one that partners share.
pub fn tenants_live_with_their_partner(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for (entry, tenant) in known.tenants.iter() {
        let Some((home, instance)) = known.instances.get(&tenant.instance) else { continue };
        let owner = instance.partner.as_ref().filter(|owner| !instance.shared && **owner != tenant.partner);
        if let Some(owner) = owner {
            let message = format!(
                "instance `{}` belongs to partner `{owner}`, the tenant to `{}`",
                tenant.instance, tenant.partner
            );
            problems.push(
                known
                    .error(entry, Code::OwnershipMismatch, &["instance"], message)
                    .with_hint(Some(format!("see {}", shown(home)))),
            );
        }
    }
}

/// A self-hosted-enterprise instance is home to at most one tenant that has not ended.
pub fn enterprises_have_one_tenant(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut first = HashMap::new();
    for (entry, tenant) in known.tenants.iter().filter(|(_, tenant)| tenant.lifecycle != Lifecycle::Terminated) {
        if known.instances.get(&tenant.instance).is_none_or(|(_, instance)| !instance.enterprise) {
            continue;
        }
        if let Some(&other) = first.get(&tenant.instance) {
            let message =
                format!("`{}` is a self-hosted-enterprise instance and has its one tenant already", tenant.instance);
            problems.push(
                known
                    .error(entry, Code::Inconsistent, &["instance"], message)
                    .with_hint(Some(format!("it is home to {}", shown(other)))),
            );
        } else {
            first.insert(&tenant.instance, entry);
        }
    }
}

/// A member administers tenants of its own partner.
pub fn members_administer_their_own(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for (entry, member) in known.members.iter() {
        for (at, name) in member.tenants.iter().enumerate() {
            let Some((other, tenant)) = known.tenants.get(name).filter(|(_, tenant)| tenant.partner != member.partner)
            else {
                continue;
            };
            let message =
                format!("tenant `{name}` belongs to partner `{}`, the member to `{}`", tenant.partner, member.partner);
            problems.push(
                known
                    .error(entry, Code::OwnershipMismatch, &["tenants", &at.to_string()], message)
                    .with_hint(Some(format!("see {}", shown(other)))),
            );
        }
    }
}
