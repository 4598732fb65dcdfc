//! A version that is targeted or pinned exists, and may be installed.

use super::super::Problem;
use super::super::index::Entry;
use super::fact::Instance;
use super::known::Known;
use crate::diagnostic::{Code, Severity};

/// One place that names a version.
struct Named<'a> {
    entry: &'a Entry,
    path: &'a [&'a str],
    component: &'a str,
    number: &'a str,
    /// A pin holds what runs; a target chooses anew.
    pin: bool,
}

/// Channel targets, and the targets and pins of instances, name versions that can be installed.
pub fn named_versions_can_be_installed(known: &Known<'_>, problems: &mut Vec<Problem>) {
    if !known.has_every_version() {
        return;
    }
    for (entry, channel) in known.channels.iter() {
        if let Some(number) = &channel.target {
            problems.extend(judge(
                known,
                &Named { entry, path: &["target"], component: &channel.component, number, pin: false },
            ));
        }
    }
    for (entry, instance) in known.instances.iter() {
        of_instance(known, entry, instance, problems);
    }
}

fn of_instance(known: &Known<'_>, entry: &Entry, instance: &Instance, problems: &mut Vec<Problem>) {
    if let Some(number) = &instance.platform.pin {
        problems.extend(judge(
            known,
            &Named { entry, path: &["update", "pin", "version"], component: "platform", number, pin: true },
        ));
    }
    if let Some(number) = &instance.target {
        problems.extend(judge(
            known,
            &Named { entry, path: &["update", "target"], component: "platform", number, pin: false },
        ));
    }
    for (component, suite) in &instance.suites {
        if let Some(number) = &suite.pin {
            problems.extend(judge(
                known,
                &Named { entry, path: &["suites", component, "pin", "version"], component, number, pin: true },
            ));
        }
    }
}

fn judge(known: &Known<'_>, named: &Named<'_>) -> Option<Problem> {
    let Named { entry, path, component, number, pin } = *named;
    let Some(release) = known.releases.get(component, number) else {
        let message = format!("version {number} of {component} does not exist");
        return Some(
            known
                .error(entry, Code::DanglingReference, path, message)
                .with_hint(Some(known.releases.nearest(component, number))),
        );
    };
    let (severity, message, hint) = match &*release.stage {
        "draft" => (Severity::Error, "is a draft", "release it first, or make it a candidate"),
        "yanked" if pin => (Severity::Warning, "was yanked", "what runs stays where it is; pin another version"),
        "yanked" => (Severity::Error, "was yanked", "name another version"),
        "eol" => (Severity::Warning, "is at its end of life", "name one that is still repaired"),
        _ => return None,
    };
    let message = format!("version {number} of {component} {message}");
    Some(Problem { severity, ..known.error(entry, Code::NotInstallable, path, message).with_hint(Some(hint.into())) })
}

/// A channel that tracks a range finds a released version in it.
pub fn tracks_match_something(known: &Known<'_>, problems: &mut Vec<Problem>) {
    if !known.has_every_version() {
        return;
    }
    for (entry, channel) in known.channels.iter() {
        let Some(range) = channel.track.as_deref().and_then(|text| semver::VersionReq::parse(text).ok()) else {
            continue;
        };
        let mut released =
            known.releases.of_component(&channel.component).filter(|(_, release)| &*release.stage == "released");
        if !released.any(|(number, _)| range.matches(number)) {
            let message = format!("no released version of {} is in this range", channel.component);
            problems.push(
                known
                    .warning(entry, Code::NotInstallable, &["track"], message)
                    .with_hint(Some("its followers stay where they are until one is released".into())),
            );
        }
    }
}
