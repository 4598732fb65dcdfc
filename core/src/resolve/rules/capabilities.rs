//! A capability needs what it requires.

use super::super::Problem;
use super::known::{Known, shown};
use crate::diagnostic::Code;

/// What a listed capability requires is listed too, or on by default.
pub fn have_what_they_require(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for (entry, instance) in known.instances.iter() {
        for (at, name) in instance.capabilities.iter().enumerate() {
            let Some((needy, capability)) = known.capabilities.get(name) else { continue };
            for required in
                capability.requires.iter().filter(|required| !is_on(known, &instance.capabilities, required))
            {
                let message = format!("capability `{name}` requires `{required}`, which is not on");
                let hint = format!("add `{required}`, or remove `{name}`; see {}", shown(needy));
                problems.push(
                    known
                        .error(entry, Code::Inconsistent, &["capabilities", &at.to_string()], message)
                        .with_hint(Some(hint)),
                );
            }
        }
    }
}

fn is_on(known: &Known<'_>, listed: &[Box<str>], name: &str) -> bool {
    listed.iter().any(|one| **one == *name)
        || known.capabilities.get(name).is_none_or(|(_, capability)| capability.default)
}
