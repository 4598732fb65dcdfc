//! A maintenance window leaves enough time for the upgrade that it is meant for.

use super::super::Problem;
use super::fact::{Instance, Window};
use super::known::Known;
use crate::diagnostic::Code;
use std::collections::HashMap;

const WEEK_MS: u64 = 7 * 24 * 3_600_000;

/// The longest span of an instance's windows is no shorter than the estimate of the version that it
/// is pinned to or waits for, or that its channel names.
pub fn leave_time_for_the_upgrade(known: &Known<'_>, problems: &mut Vec<Problem>) {
    let longest: HashMap<&str, Option<u64>> =
        known.windows.iter().map(|(entry, window)| (&*entry.document.key.name, longest(window))).collect();
    for (entry, instance) in known.instances.iter().filter(|(_, instance)| !instance.windows.is_empty()) {
        let Some(number) = wanted(known, instance) else { continue };
        let Some(release) = known.releases.get("platform", number) else { continue };
        let open = instance.windows.iter().filter_map(|name| *longest.get(&**name)?).max();
        if open.is_some_and(|open| open < release.estimate_ms) {
            let message = format!("no window is as long as the upgrade to {number}, which takes {}", release.estimate);
            problems.push(
                known
                    .warning(entry, Code::WindowTooShort, &["update", "windows"], message)
                    .with_hint(Some("lengthen a window, or the upgrade never starts".into())),
            );
        }
    }
}

fn wanted<'k>(known: &'k Known<'_>, instance: &'k Instance) -> Option<&'k str> {
    let followed = || known.channels.get(instance.platform.channel.as_deref()?)?.1.target.as_deref();
    instance.platform.pin.as_deref().or(instance.target.as_deref()).or_else(followed)
}

/// The longest time for which `window` stays open; none when it allows nothing by itself. Spans
/// that meet or overlap are one, also over the end of the week.
fn longest(window: &Window) -> Option<u64> {
    let again = window.allow.iter().map(|(start, length)| (start + WEEK_MS, *length));
    let mut spans: Vec<(u64, u64)> =
        window.allow.iter().copied().chain(again).map(|(start, length)| (start, start + length)).collect();
    spans.sort_unstable();
    let mut best = None;
    let mut current: Option<(u64, u64)> = None;
    for (start, end) in spans {
        let span = match current {
            Some((from, to)) if start <= to => (from, to.max(end)),
            _ => (start, end),
        };
        current = Some(span);
        best = best.max(Some(span.1 - span.0));
    }
    best
}
