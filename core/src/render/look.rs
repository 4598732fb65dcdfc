//! Single values and fields outside a plan: what `get`, `why` and `audit show` print. The same
//! masks as in a plan, and the same spelling.

use super::style::Paper;
use super::{field, redact, scalar, text};
use crate::change::{FieldChange, Value};
use crate::diff::Bodies;
use std::sync::Arc;

/// `text` on one line, safe to print on a terminal.
pub fn shown(text: &str) -> String {
    text::visible(text)
}

/// `1,204`.
pub fn thousands(number: i64) -> String {
    let digits = text::grouped(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX));
    if number < 0 { format!("-{digits}") } else { digits }
}

/// `1 job`, `2 jobs`.
pub fn plural(number: i64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// A scalar as YAML would say it on one line; lists and maps by their flow style.
pub fn flow(value: &Value) -> String {
    scalar::flow(value)
}

/// `body` as it may be shown: no secret in it.
pub fn redacted(body: &Value) -> Value {
    redact::body(body)
}

/// `bodies` for others to plan with, without what stands where a secret is declared, other than the name of one, and without
/// what looks like one. What the row says is known by its digest alone then.
pub fn without_secrets(bodies: &Bodies) -> Bodies {
    let sides: Vec<&Value> = std::iter::once(&bodies.live).chain(&bodies.applied).collect();
    let (live, applied) = (redact::withheld(&bodies.live, &sides), &bodies.applied);
    let applied = applied.as_ref().map(|base| redact::withheld(base, &sides));
    let withheld = if live == bodies.live { bodies.withheld } else { Some(bodies.live_digest()) };
    Bodies { live, applied, withheld }
}

/// Labels, as JSON, without what looks like a secret.
pub fn labels_without_secrets(labels: Arc<str>) -> Arc<str> {
    let Ok(value) = serde_json::from_str::<Value>(&labels) else { return labels };
    let shown = redact::withheld(&value, &[]);
    if shown == value { labels } else { serde_json::Value::from(&shown).to_string().into() }
}

/// `body` as lines of YAML, secrets masked.
pub fn masked_yaml(body: &Value) -> Vec<String> {
    scalar::lines(&redact::body(body))
}

/// `changes` as they may be shown; `bodies` are the documents they stand in, and say where secrets are.
pub fn redacted_changes(changes: &[FieldChange], bodies: &[&Value]) -> Vec<FieldChange> {
    redact::changes(changes, bodies)
}

/// `changes`, already redacted, as lines: `~ spec.field  before → after`.
pub fn change_lines(changes: &[FieldChange], paper: &Paper) -> Vec<String> {
    let column = changes.iter().map(|change| text::columns(&field::path(change)) + 2).max().unwrap_or(0).min(40);
    changes.iter().flat_map(|change| field::lines(change, column, paper)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::field_changes;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_body_is_shown_without_its_secrets() {
        let body =
            value(r#"{"spec":{"db":{"secretRef":"acme-db"},"token":"ghp_0123456789012345678901234567890123456789"}}"#);
        assert_eq!(masked_yaml(&body), ["spec: {db: (secret acme-db), token: (hidden)}"]);
    }

    #[test]
    fn bodies_for_others_keep_the_names_of_secrets_and_the_digest_of_what_is_withheld() {
        let base = value(r#"{"spec":{"db":{"secretRef":"acme-db"},"list":[{"secretRef":"one"}],"note":"x"}}"#);
        let live = value(
            r#"{"spec":{"db":"hunter2","list":[{"secretRef":"one","typed":"hunter3"}],"note":"ghp_0123456789012345678901234567890123456789"}}"#,
        );
        let typed = without_secrets(&Bodies::of(live.clone(), Some(base.clone())));
        let shown = serde_json::to_string(&typed).unwrap();
        assert!(!shown.contains("hunter") && !shown.contains("ghp_"), "{shown}");
        assert_eq!(typed.live_digest(), crate::change::Digest::of_value(&live));
        assert_eq!(typed.applied.as_ref(), Some(&base), "names are no secrets");
        let untouched = Bodies::of(base.clone(), Some(base));
        assert_eq!(without_secrets(&untouched), untouched);
    }

    #[test]
    fn what_was_typed_over_a_secret_is_hidden_on_both_sides() {
        let (base, live) = (value(r#"{"spec":{"db":{"secretRef":"acme-db"}}}"#), value(r#"{"spec":{"db":"hunter2"}}"#));
        let changes = redacted_changes(&field_changes(&base, &live), &[&base, &live]);
        let lines = change_lines(&changes, &Paper::plain(100, jiff::Timestamp::UNIX_EPOCH)).join("\n");
        assert!(lines.contains("(hidden)") && !lines.contains("hunter2"), "{lines}");
    }

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!([0, 1, 1204].map(|n| plural(n, "job")), ["0 jobs", "1 job", "1,204 jobs"]);
    }
}
