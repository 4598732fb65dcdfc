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
                change.fields.iter().any(|field| self.is_reached(|_| component.clone(), field))
            }
            "Instance" => change.fields.iter().any(|field| self.is_reached(component_at, field)),
            _ => false,
        }
    }

    /// Whether `field` names a version that repairs something of the component `of` the place, and not because it goes
    /// down to it.
    fn is_reached(&self, of: impl Fn(&[String]) -> String, field: &FieldChange) -> bool {
        let named = |value: Option<&Value>| {
            let (mut path, mut found) = (field.path.0.clone(), Vec::new());
            versions(&mut path, value, &of, &mut found);
            found
        };
        let before = named(field.before.as_ref());
        let goes_up =
            |one: &(Box<str>, Version)| before.iter().all(|(component, from)| *component != one.0 || *from < one.1);
        named(field.after.as_ref()).iter().any(|one| goes_up(one) && self.0.contains(one))
    }
}

/// The component whose version stands at a place of an Instance.
fn component_at(path: &[String]) -> String {
    match path {
        [spec, suites, name, ..] if spec == "spec" && suites == "suites" => name.clone(),
        _ => "platform".to_owned(),
    }
}

/// The versions that `value` names at `path`: itself, or within it.
fn versions(
    path: &mut Vec<String>,
    value: Option<&Value>,
    of: &impl Fn(&[String]) -> String,
    found: &mut Vec<(Box<str>, Version)>,
) {
    match (value, path.last().map(String::as_str)) {
        (Some(Value::String(text)), Some("target" | "version")) => {
            found.extend(text.parse().ok().map(|version| (of(path).into(), version)));
        }
        (Some(Value::Map(map)), _) => {
            for (key, value) in map.iter() {
                path.push(key.to_owned());
                versions(path, Some(value), of, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn repairing(body: &Value) -> Option<(Box<str>, Version)> {
    let text = |key: &str| body.at(&["spec", key]).and_then(Value::as_str);
    body.at(&["spec", "security"]).filter(|security| **security != Value::Null)?;
    Some((text("component")?.into(), text("version")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::FieldPath;

    fn value(json: &str) -> Option<Value> {
        (!json.is_empty()).then(|| serde_json::from_str(json).unwrap())
    }

    /// Whether a change of an Instance at `path` brings version 2.3.1 of `component`, which repairs something.
    fn brings(component: &str, path: &str, before: &str, after: &str) -> bool {
        let repairs = Repairs(BTreeSet::from([(component.into(), "2.3.1".parse().unwrap())]));
        let field = FieldChange { path: FieldPath::dotted(path), before: value(before), after: value(after) };
        repairs.is_reached(component_at, &field)
    }

    #[test]
    fn a_version_is_found_where_it_stands_and_within_what_is_added_around_it() {
        assert!(brings("platform", "spec.update.target", "\"2.3.0\"", "\"2.3.1\""));
        assert!(brings("platform", "spec.update.pin", "", r#"{"version": "2.3.1", "reason": "a hole"}"#));
        assert!(brings("platform", "spec.update", "", r#"{"pin": {"version": "2.3.1", "reason": "a hole"}}"#));
        assert!(brings("crm", "spec.suites.crm.pin.version", "\"2.3.0\"", "\"2.3.1\""));
        assert!(brings("crm", "spec.suites", "", r#"{"crm": {"pin": {"version": "2.3.1"}}, "pos": {}}"#));
    }

    #[test]
    fn neither_another_component_nor_a_way_down_nor_another_field_repairs_anything() {
        assert!(!brings("platform", "spec.suites", "", r#"{"crm": {"pin": {"version": "2.3.1"}}}"#));
        assert!(!brings("platform", "spec.update.target", "\"2.4.0\"", "\"2.3.1\""));
        assert!(!brings("platform", "spec.update.channel", "", "\"2.3.1\""));
        assert!(!brings("platform", "spec.update.target", "\"2.3.1\"", ""));
    }
}
