//! Transitions: what stands now and was not told yet. A function of how things stand.

use crate::store::told::Standing;
use pintle_core::diagnostic::Code;
use pintle_core::model::guard::NotifyEvent;
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which kind.
    pub kind: NotifyEvent,
    /// The commit it is about.
    pub commit: Option<String>,
    /// One sentence.
    pub message: String,
    /// What to do about it, where there is something.
    pub hint: String,
}

/// The transitions between what was told and `standing`, and what has been told once they are.
pub fn events(standing: &Standing) -> (Vec<Event>, BTreeMap<String, String>) {
    let mut events = Vec::new();
    let mut told = standing.told.clone();
    let mut stands = |name: &str, key: Option<String>, event: Event| match key {
        Some(key) if told.get(name) != Some(&key) => {
            events.push(event);
            told.insert(name.to_owned(), key);
        }
        Some(_) => {}
        None => drop(told.remove(name)),
    };
    let (kind, verdict) = of_verdict(standing);
    let blocked =
        verdict.as_ref().map(|event| format!("{} {}", event.commit.as_deref().unwrap_or_default(), event.message));
    let nothing = || Event { kind: NotifyEvent::Held, commit: None, message: String::new(), hint: String::new() };
    let is = |wanted| blocked.clone().filter(|_| kind == wanted);
    stands("held", is(NotifyEvent::Held), verdict.clone().unwrap_or_else(nothing));
    stands("refused", is(NotifyEvent::Refused), verdict.unwrap_or_else(nothing));
    let dead: Vec<String> = standing.dead.iter().map(ToString::to_string).collect();
    stands(
        "failed",
        (!dead.is_empty()).then(|| dead.join(" ")),
        Event {
            kind: NotifyEvent::Failed,
            commit: standing.accepted.clone(),
            message: format!("{} failed for good: job {}", counted(dead.len()), dead.join(", ")),
            hint: "pintle jobs list --state dead".into(),
        },
    );
    // A commit that is applied while something of it failed is not applied.
    let applied = standing.applied.as_ref().filter(|_| dead.is_empty());
    stands(
        "applied",
        applied.map(|(commit, _)| commit.clone()).or_else(|| standing.told.get("applied").cloned()),
        Event {
            kind: NotifyEvent::Applied,
            commit: applied.map(|(commit, _)| commit.clone()),
            message: format!("applied in {:.1} s", applied.map_or(0.0, |(_, took)| *took as f64 / 1000.0)),
            hint: String::new(),
        },
    );
    let drifted = drifted(standing);
    stands(
        "drift",
        drifted.clone(),
        Event {
            kind: NotifyEvent::Drift,
            commit: None,
            message: format!("changed behind the repository's back: {}", drifted.unwrap_or_default()),
            hint: "pintle plan --only drift".into(),
        },
    );
    let glass =
        standing.alarms.as_array().into_iter().flatten().find(|alarm| alarm["code"] == Code::GlassBroken.as_str());
    let text = |key: &str| glass.and_then(|alarm| alarm[key].as_str()).unwrap_or_default().to_owned();
    stands(
        "break-glass",
        glass.map(|_| text("message")),
        Event {
            kind: NotifyEvent::BreakGlass,
            commit: glass.and_then(|alarm| alarm["commit"].as_str()).map(str::to_owned),
            message: text("message"),
            hint: text("hint"),
        },
    );
    (events, told)
}

/// What holds or refuses the tip, if something does.
fn of_verdict(standing: &Standing) -> (NotifyEvent, Option<Event>) {
    let Some(verdict) = &standing.verdict else { return (NotifyEvent::Held, None) };
    let text = |path: &str| verdict.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let word = text("/verdict");
    let limited = text("/held/reasons/0/code") == Code::LimitExceeded.as_str();
    let kind = if word == "held" && !limited { NotifyEvent::Held } else { NotifyEvent::Refused };
    let (commit, message, hint) = match word.as_str() {
        "held" => (text("/held/commit"), text("/held/reasons/0/message"), text("/held/reasons/0/hint")),
        "refused" => (text("/refused/commit"), text("/refused/message"), text("/refused/hint")),
        _ => (text("/commit"), "its documents are invalid".to_owned(), "pintle validate".to_owned()),
    };
    (kind, Some(Event { kind, commit: Some(commit).filter(|commit| !commit.is_empty()), message, hint }))
}

/// Which objects drift and are left, or that some were healed.
fn drifted(standing: &Standing) -> Option<String> {
    let left = standing.waiting.as_array().into_iter().flatten();
    let left = left.filter(|one| matches!(one["code"].as_str(), Some("reported" | "fight")));
    let names: Vec<&str> = left.filter_map(|one| one["object"].as_str()).take(20).collect();
    match (names.is_empty(), standing.healed) {
        (false, _) => Some(names.join(", ")),
        (true, Some(job)) => Some(format!("healed by job {job}")),
        (true, None) => None,
    }
}

fn counted(number: usize) -> String {
    if number == 1 { "1 change".to_owned() } else { format!("{number} changes") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn held(commit: &str, code: &str) -> Standing {
        let verdict = json!({"verdict": "held", "held": {"commit": commit, "reasons": [{"code": code, "message": "m", "hint": "h"}]}});
        Standing { verdict: Some(verdict), ..Standing::default() }
    }

    fn kinds(standing: &Standing) -> (Vec<NotifyEvent>, BTreeMap<String, String>) {
        let (events, told) = events(standing);
        (events.into_iter().map(|event| event.kind).collect(), told)
    }

    #[test]
    fn a_transition_is_told_once_and_again_after_it_was_over() {
        let (first, told) = kinds(&held("a", "PIN0510"));
        assert_eq!(first, [NotifyEvent::Held]);
        let (again, told) = kinds(&Standing { told, ..held("a", "PIN0510") });
        assert_eq!(again, []);
        let (over, told) = kinds(&Standing { told, applied: Some(("a".into(), 5)), ..Standing::default() });
        assert_eq!(over, [NotifyEvent::Applied]);
        let (back, _) = kinds(&Standing { told, applied: Some(("a".into(), 5)), ..held("a", "PIN0510") });
        assert_eq!(back, [NotifyEvent::Held]);
    }

    #[test]
    fn a_limit_is_a_refusal_and_what_failed_is_not_applied() {
        assert_eq!(kinds(&held("a", "PIN0527")).0, [NotifyEvent::Refused]);
        let failed = Standing { dead: vec![7], applied: Some(("a".into(), 5)), ..Standing::default() };
        assert_eq!(kinds(&failed).0, [NotifyEvent::Failed]);
    }
}
