//! Who follows a channel follows one of the right component.

use super::super::Problem;
use super::super::index::Entry;
use super::known::{Known, shown};
use crate::diagnostic::Code;

/// The channels of instances, of their suites, and upstream are of the component they are used for.
pub fn followers_fit(known: &Known<'_>, problems: &mut Vec<Problem>) {
    for (entry, instance) in known.instances.iter() {
        problems.extend(misfit(known, entry, &["update", "channel"], instance.platform.channel.as_deref(), "platform"));
        for (component, suite) in &instance.suites {
            problems.extend(misfit(
                known,
                entry,
                &["suites", component, "channel"],
                suite.channel.as_deref(),
                component,
            ));
        }
    }
    for (entry, channel) in known.channels.iter() {
        problems.extend(misfit(
            known,
            entry,
            &["upstream", "channel"],
            channel.upstream.as_deref(),
            &channel.component,
        ));
    }
}

fn misfit(known: &Known<'_>, entry: &Entry, path: &[&str], name: Option<&str>, component: &str) -> Option<Problem> {
    let (other, channel) = known.channels.get(name?)?;
    if *channel.component == *component {
        return None;
    }
    let message =
        format!("channel `{}` gives versions of {}, not of {component}", other.document.key.name, channel.component);
    Some(known.error(entry, Code::Inconsistent, path, message).with_hint(Some(format!("see {}", shown(other)))))
}
