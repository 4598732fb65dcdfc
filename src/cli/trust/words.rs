//! Keys, rules and whole policies in words, and for programs.

use pintle_core::render::visible;
use pintle_core::trust::{Action, Matching, Policy, PolicyKey, Rule};
use std::sync::Arc;

pub(super) fn key_notes(policy: &Policy, key: &PolicyKey) -> String {
    let mut notes = Vec::new();
    if key.key.is_fido() {
        notes.push("FIDO".to_owned());
    }
    notes.extend(
        [(key.require_touch, "touch required"), (key.require_pin, "PIN required")]
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, text)| text.to_owned()),
    );
    notes.extend(key.not_after.map(|end| format!("until {end}")));
    notes.extend(policy.revoked.get(&key.key.fingerprint()).map(|reason| format!("REVOKED: {}", visible(reason))));
    if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) }
}

pub(super) fn rule_words(rule: &Rule) -> String {
    let independent =
        if rule.independent > 0 { format!(", {} of whom did not write it", rule.independent) } else { String::new() };
    let implicit = if rule.implicit { "; the author's signature alone suffices" } else { "" };
    let machines = if rule.machines { "; machines count" } else { "" };
    let rollback = rule.rollback.map(|least| format!("; an exact rollback needs {least}")).unwrap_or_default();
    let reach = if rule.reach { "" } else { "; not what those resolve through" };
    format!(
        "{}: {} of {}{independent} for {}{reach}{implicit}{machines}{rollback}.",
        visible(&rule.name),
        rule.approvals,
        visible(&rule.from.join(", ")),
        matching_words(&rule.matching)
    )
}

pub(super) fn matching_words(matching: &Matching) -> String {
    if matching.otherwise {
        return "everything that no other rule matches".to_owned();
    }
    let list = |names: &[Arc<str>]| names.join(" or ");
    let mut words = Vec::new();
    words.push(if matching.kinds.is_empty() { "anything".to_owned() } else { list(&matching.kinds) });
    if !matching.names.is_empty() {
        words.push(format!("called {}", list(&matching.names)));
    }
    words.extend(matching.labels.iter().map(|(key, value)| format!("labelled {key}={value}")));
    words.extend(matching.partner.iter().map(|partner| format!("of partner {partner}")));
    if !matching.paths.is_empty() {
        words.push(format!("at {}", matching.paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")));
    }
    if !matching.fields.is_empty() {
        words.push(format!(
            "where {} changes",
            matching.fields.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        ));
    }
    let verb = |action: &Action| match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Delete => "deleted",
    };
    if !matching.actions.is_empty() {
        words.push(format!("when {}", matching.actions.iter().map(verb).collect::<Vec<_>>().join(" or ")));
    }
    visible(&words.join(" "))
}

pub(super) fn policy_json(policy: &Policy) -> serde_json::Value {
    let people: Vec<_> = policy.people.iter().map(|(name, person)| {
        let keys: Vec<_> = person.keys.iter().map(|key| serde_json::json!({"fingerprint": key.key.fingerprint(), "fido": key.key.is_fido(), "notAfter": key.not_after, "revoked": policy.revoked.get(&key.key.fingerprint())})).collect();
        serde_json::json!({"name": name, "email": person.email, "machine": person.machine, "keys": keys})
    }).collect();
    let rules: Vec<_> = policy.rules.iter().map(|rule| serde_json::json!({"name": rule.name, "approvals": rule.approvals, "from": rule.from, "independent": rule.independent, "implicit": rule.implicit, "matches": matching_words(&rule.matching)})).collect();
    serde_json::json!({"formatVersion": "1.0", "version": policy.version, "repoId": policy.repo_id, "people": people, "groups": policy.groups, "rules": rules})
}
