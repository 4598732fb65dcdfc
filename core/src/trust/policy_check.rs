//! What makes a policy weak or contradictory. Asked when a policy is accepted, never later, so that
//! an expiring key bricks nothing.

use super::keys::Fingerprint;
use super::policy::{Policy, Rule};
use super::policy_reader::Reader;
use crate::change::FieldPath;
use crate::parse::Part;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Adds everything that is wrong with `policy` at the time `at`.
pub(super) fn check(policy: &Policy, at: Timestamp, reader: &mut Reader<'_>) {
    keys(policy, reader);
    groups(policy, reader);
    for (index, rule) in policy.rules.iter().enumerate() {
        let path = FieldPath(vec!["rules".into(), index.to_string()]);
        let twin = policy.rules[..index].iter().any(|other| other.name == rule.name);
        rule_stands(policy, rule, twin, at, &path, reader);
    }
    if policy.root_rules().next().is_none() {
        let hint = "add `{name: trust, match: {paths: [\".pintle/**\"]}, approvals: 2, from: [root]}`";
        reader
            .fail(&FieldPath(vec!["rules".into()]), Part::Key, "no rule says who may change `.pintle/trust.yaml`")
            .hint = Some(hint.into());
    }
    break_glass(policy, reader);
}

fn keys(policy: &Policy, reader: &mut Reader<'_>) {
    let mut owners: BTreeMap<Fingerprint, &str> = BTreeMap::new();
    let mut points: BTreeMap<[u8; 32], &str> = BTreeMap::new();
    for (name, person) in &policy.people {
        let path = FieldPath(vec!["people".into(), name.to_string()]);
        if person.keys.is_empty() {
            reader.fail(&path, Part::Key, format!("{name} has no usable key"));
        }
        for key in &person.keys {
            let fingerprint = key.key.fingerprint();
            let before = owners.insert(fingerprint, name).or(points.insert(key.key.point.to_bytes(), name));
            if let Some(other) = before {
                reader.fail(&path, Part::Key, format!("the key {fingerprint} stands under {other} and under {name}"));
            }
        }
    }
}

fn groups(policy: &Policy, reader: &mut Reader<'_>) {
    for (group, members) in &policy.groups {
        let path = FieldPath(vec!["groups".into(), group.to_string()]);
        if members.is_empty() {
            reader.fail(&path, Part::Key, format!("the group `{group}` is empty"));
        }
        for member in members.iter().filter(|member| !policy.people.contains_key(*member)) {
            reader.fail(&path, Part::Key, format!("`{member}` is nobody in `people`"));
        }
    }
}

fn rule_stands(policy: &Policy, rule: &Rule, twin: bool, at: Timestamp, path: &FieldPath, reader: &mut Reader<'_>) {
    let mut fail = |message: String| {
        reader.fail(path, Part::Value, message);
    };
    let name = &rule.name;
    if twin {
        fail(format!("two rules are called `{name}`"));
    }
    for group in rule.from.iter().filter(|group| !policy.groups.contains_key(*group)) {
        fail(format!("rule `{name}`: there is no group `{group}`"));
    }
    let able = policy.able(rule, at).len();
    if (rule.approvals as usize) > able {
        fail(format!("rule `{name}` asks for {} people, and only {able} could approve", rule.approvals));
    }
    if rule.independent > rule.approvals || rule.rollback.is_some_and(|least| least > rule.approvals) {
        fail(format!("rule `{name}`: `independent` and `rollback` cannot exceed `approvals`"));
    }
    if rule.matching.otherwise && !rule.matching.is_only_otherwise() {
        fail(format!("rule `{name}`: `otherwise` stands alone"));
    }
    if rule.implicit && rule.matching.matches_policy_file() {
        fail(format!("rule `{name}`: a change of the policy cannot be approved implicitly"));
    }
}

fn break_glass(policy: &Policy, reader: &mut Reader<'_>) {
    let Some(glass) = &policy.break_glass else { return };
    let path = FieldPath(vec!["breakGlass".into()]);
    for group in glass.from.iter().filter(|group| !policy.groups.contains_key(*group)) {
        reader.fail(&path, Part::Key, format!("breakGlass: there is no group `{group}`"));
    }
    if glass.matching.matches_policy_file() || glass.matching.otherwise {
        reader.fail(&path, Part::Key, "breakGlass never covers `.pintle/`, and cannot say `otherwise`");
    }
}
