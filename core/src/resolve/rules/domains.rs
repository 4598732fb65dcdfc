//! One domain leads to one instance.

use super::super::Problem;
use super::fact::Lifecycle;
use super::known::{Known, shown};
use crate::diagnostic::Code;
use std::collections::HashMap;

/// No two instances that have not ended answer to one domain.
pub fn are_answered_once(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut first = HashMap::new();
    for (entry, instance) in known.instances.iter().filter(|(_, one)| one.lifecycle != Lifecycle::Terminated) {
        for (at, domain) in instance.domains.iter().enumerate() {
            if let Some(&other) = first.get(domain) {
                let path = ["network", "domains", &at.to_string()];
                let message = format!("`{domain}` leads to another instance already");
                problems.push(
                    known
                        .error(entry, Code::DomainTaken, &path, message)
                        .with_hint(Some(format!("the other one is {}", shown(other)))),
                );
            } else {
                first.insert(domain, entry);
            }
        }
    }
}
