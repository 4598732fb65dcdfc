//! Closed windows: the dated spans of a MaintenanceWindow that deny. Both what its row says and what
//! its document says count, so that no commit opens a window for itself.

use super::Circumstances;
use crate::change::{FieldChange, ObjectKey, Value};
use crate::diff::Change;
use crate::model::guard::{Closed, Subject};
use crate::model::scalar::moment;
use crate::plan::Reason;
use jiff::Timestamp;

/// The kinds of movement that a span may deny. Which of the three a version change is cannot be told
/// from the change of a field, so that a span that denies one denies it.
const VERSIONS: &[&str] = &["patch", "minor", "major", "security"];

pub(super) fn closed(change: &Change, subject: &Subject<'_>, circumstances: &Circumstances<'_>) -> Option<Reason> {
    // While it denies, a window is not changed either: whoever opens it early takes it out of the guard first.
    let is_own = |rule: &Closed| {
        &*change.key.kind == "MaintenanceWindow" && rule.windows.0.iter().any(|window| *window.0 == *change.key.name)
    };
    let rules = circumstances.guards.closed().filter(|rule| subject.is_in(&rule.selector) || is_own(rule));
    let ends = rules.flat_map(|rule| &rule.windows.0).filter_map(|window| {
        let until = spans(&window.0, circumstances).filter_map(|span| denies(&span, change, circumstances.now()));
        until.max().map(|until| (window.0.as_str(), until))
    });
    let (window, until) = ends.max_by_key(|(_, until)| *until)?;
    Some(Reason::Closed { window: window.into(), until: Some(until) })
}

/// A span and the zone in which its dates are read.
struct Span {
    zone: String,
    span: Value,
}

fn spans(window: &str, circumstances: &Circumstances<'_>) -> impl Iterator<Item = Span> {
    let key = ObjectKey::new("MaintenanceWindow", window);
    let live = circumstances.live.bodies.get(&key).map(|bodies| bodies.live.clone());
    // Where there is no row yet, nothing else says it.
    let desired = circumstances.desired.get(&key).map(crate::resolve::Object::value);
    live.into_iter().chain(desired).flat_map(|body| {
        let zone = body.at(&["spec", "timezone"]).and_then(Value::as_str).unwrap_or("UTC").to_owned();
        let spans = body.at(&["spec", "deny"]).and_then(Value::as_list).unwrap_or_default().to_vec();
        spans.into_iter().map(move |span| Span { zone: zone.clone(), span })
    })
}

/// Until when `span` denies `change`, if it does at `now`.
fn denies(Span { zone, span }: &Span, change: &Change, now: Timestamp) -> Option<Timestamp> {
    let at = |key: &str| span.get(key).and_then(Value::as_str).and_then(|text| moment(text, zone));
    let (from, to) = (at("from")?, at("to")?);
    let blocks = span.get("blocks").and_then(Value::as_list);
    let blocks: Option<Vec<&str>> = blocks.map(|words| words.iter().filter_map(Value::as_str).collect());
    let blocked = blocks.is_none_or(|blocks| classes(change).iter().any(|class| blocks.contains(class)));
    (from <= now && now < to && blocked).then_some(to)
}

/// What kinds of movement a change may be.
fn classes(change: &Change) -> Vec<&'static str> {
    let touches = |keys: &[&str]| change.fields.iter().any(|field| is_below(field, keys));
    if change.is_destructive() {
        return [VERSIONS, &["feature", "config"]].concat();
    }
    let (versions, features) = (["update", "target", "track", "suites"], ["capabilities", "suites"]);
    let mut classes = Vec::new();
    if touches(&versions) {
        classes.extend(VERSIONS);
    }
    if touches(&features) {
        classes.push("feature");
    }
    // Whatever is neither is configuration, beside a version as well.
    let other = |field: &FieldChange| !is_below(field, &versions) && !is_below(field, &features);
    if classes.is_empty() || change.fields.iter().any(other) {
        classes.push("config");
    }
    classes
}

/// Whether a field is one of `keys` of the spec, or below it.
fn is_below(field: &FieldChange, keys: &[&str]) -> bool {
    matches!(field.path.0.as_slice(), [spec, key, ..] if spec == "spec" && keys.contains(&key.as_str()))
}
