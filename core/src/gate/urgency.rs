//! What goes first where there is not room for all: what repairs a hole, then what takes something back, then what people
//! want, then what is put right. Only an order: it lets nothing past a limit, a pause or a window.

use super::{Circumstances, Moved};
use crate::change::{FieldChange, ObjectKey, Value};
use crate::diff::{Action, Cause, Change};
use crate::plan::Plan;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};

/// How urgent a step is; the smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It brings a version that repairs a hole.
    Security,
    /// It brings back what an object was before it moved within the day.
    Rollback,
    /// The documents changed.
    Intent,
    /// It puts right what was changed behind the repository's back.
    Drift,
}

/// The urgency of each step of `plan`.
pub(super) fn urgencies(plan: &Plan, circumstances: &Circumstances<'_>) -> Vec<Urgency> {
    let repairs = Repairs::of(plan, circumstances);
    let mut moved: BTreeMap<&ObjectKey, Vec<&Moved>> = BTreeMap::new();
    for one in circumstances.moved.iter().filter(|one| one.recent && one.cause != Cause::Drift) {
        moved.entry(&one.key).or_default().push(one);
    }
    let urgency = |change: &Change| match change.cause {
        Cause::Drift => Urgency::Drift,
        _ if repairs.brought_by(change) => Urgency::Security,
        _ if moved.get(&change.key).is_some_and(|moved| takes_back(change, moved)) => Urgency::Rollback,
        _ => Urgency::Intent,
    };
    plan.steps().iter().map(|step| urgency(&step.change)).collect()
}

/// Whether the object becomes again what one of `moved` found it as.
fn takes_back(change: &Change, moved: &[&Moved]) -> bool {
    match change.action {
        Action::Restore => moved.iter().any(|one| one.action == Action::Delete),
        _ => change.after.is_some() && moved.iter().any(|one| one.before == change.after),
    }
}

/// The versions that repair something: component and number.
struct Repairs(BTreeSet<(Box<str>, Version)>);

impl Repairs {
    /// Those that are declared, if something moves that may bring one.
    fn of(plan: &Plan, circumstances: &Circumstances<'_>) -> Self {
        let brings = |kind: &str| matches!(kind, "Version" | "Channel" | "Instance");
        if !plan.steps().iter().any(|step| brings(&step.change.key.kind)) {
            return Self(BTreeSet::new());
        }
        let versions = circumstances.desired.objects.iter().filter(|object| &*object.key.kind == "Version");
        Self(versions.filter_map(|object| repairing(&object.value())).collect())
    }

    fn brought_by(&self, change: &Change) -> bool {
        let Some(body) = change.body.as_deref().filter(|_| !self.0.is_empty()) else { return false };
        let body = || serde_json::from_str::<Value>(body).unwrap_or_default();
        match &*change.key.kind {
            "Version" => repairing(&body()).is_some(),
            "Channel" => {
                let component =
                    body().at(&["spec", "component"]).and_then(Value::as_str).unwrap_or_default().to_owned();
                change.fields.iter().any(|field| self.is_reached(&component, field))
            }
            "Instance" => change.fields.iter().any(|field| self.is_reached(component_of(field), field)),
            _ => false,
        }
    }

    /// Whether `field` names a version of `component` that repairs something, and not because it goes down to it.
    fn is_reached(&self, component: &str, field: &FieldChange) -> bool {
        let last = field.path.0.last().map(String::as_str).unwrap_or_default();
        let (before, mut after) = (field.before.as_ref(), Vec::new());
        named(last, field.after.as_ref(), &mut after);
        after.into_iter().any(|after| {
            let mut from = Vec::new();
            named(last, before, &mut from);
            from.iter().all(|from| *from < after) && self.0.contains(&(component.into(), after))
        })
    }
}

/// The versions that `value` names where it stands at `key`: itself, or within it.
fn named(key: &str, value: Option<&Value>, found: &mut Vec<Version>) {
    match value {
        Some(Value::String(text)) if key == "target" || key == "version" => found.extend(text.parse::<Version>()),
        Some(Value::Map(map)) => map.iter().for_each(|(key, value)| named(key, Some(value), found)),
        _ => {}
    }
}

/// The component whose version a field of an Instance names.
fn component_of(field: &FieldChange) -> &str {
    match field.path.0.as_slice() {
        [spec, suites, name, ..] if spec == "spec" && suites == "suites" => name,
        _ => "platform",
    }
}

fn repairing(body: &Value) -> Option<(Box<str>, Version)> {
    let text = |key: &str| body.at(&["spec", key]).and_then(Value::as_str);
    body.at(&["spec", "security"]).filter(|security| **security != Value::Null)?;
    Some((text("component")?.into(), text("version")?.parse().ok()?))
}
