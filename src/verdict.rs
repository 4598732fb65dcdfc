//! What trust says, as JSON: the answer of `pintle verify`, and what `status` reads from the database.

use pintle_core::change::{Digest, Oid};
use pintle_core::diagnostic::{Code, Diagnostic, Severity};
use pintle_core::model::guard::Override;
use pintle_core::plan::{Exceeded, Plan};
use pintle_core::trust::{AcceptedCommit, Held, Refused, Verdict};
use serde_json::{Value, json};

/// The answer of `pintle verify -o json`.
pub fn verdict_json(tip: Oid, verdict: &Verdict) -> Value {
    let word = match (&verdict.refused, &verdict.held) {
        (Some(_), _) => "refused",
        (None, Some(_)) => "held",
        (None, None) => "accepted",
    };
    let accepts: Vec<Value> = verdict
        .steps()
        .iter()
        .map(|step| {
            json!({"commit": step.commit, "changeId": step.change_id, "counted": step.counted.iter().map(|one| {
        json!({"person": one.person, "commit": one.commit, "fingerprint": one.fingerprint, "as": one.role.as_str()})
    }).collect::<Vec<_>>()})
        })
        .collect();
    json!({
        "formatVersion": "1.0",
        "tip": tip,
        "accepted": verdict.accepted.as_ref().map(AcceptedCommit::commit),
        "verdict": word,
        "accepts": accepts,
        "held": verdict.held.as_ref().map(|held| published(&held_json(held), &["commit", "changeId", "rules", "reasons"])),
        "refused": verdict.refused.as_ref().map(|refused| json!({"commit": refused.commit, "code": refused.reason.code, "message": refused.reason.message})),
    })
}

/// The published part of what is held: what `verify` promises is kept small, what `status` shows is not.
fn published(held: &Value, keys: &[&str]) -> Value {
    let part = |value: &Value, keys: &[&str]| -> Value {
        keys.iter().map(|key| ((*key).to_owned(), value[*key].clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let mut out = part(held, keys);
    for (list, keys) in
        [("rules", ["name", "needed", "have", "from"].as_slice()), ("reasons", &["code", "message", "hint"])]
    {
        out[list] = held[list].as_array().into_iter().flatten().map(|one| part(one, keys)).collect();
    }
    out
}

/// What stands in the way of the tip; `None` when nothing does.
pub fn stored(verdict: &Verdict, diagnostics: &[Diagnostic]) -> Option<Value> {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|one| one.severity == Severity::Error).take(50).collect();
    if let Some(refused) = &verdict.refused {
        return Some(json!({"verdict": "refused", "refused": refused_json(refused)}));
    }
    if let Some(held) = &verdict.held {
        return Some(json!({"verdict": "held", "held": held_json(held)}));
    }
    let commit = verdict.accepted.as_ref().map(AcceptedCommit::commit);
    (!errors.is_empty()).then(|| json!({"verdict": "invalid", "commit": commit, "diagnostics": errors}))
}

/// That an accepted commit is not carried out, because other actions were approved.
pub fn other_actions(commit: Oid, wanted: &[Digest], plan: &Plan) -> Value {
    let approved: Vec<String> = wanted.iter().map(Digest::short).collect();
    let shown: Vec<String> = plan
        .steps()
        .iter()
        .take(5)
        .map(|step| format!("{} {}", step.change.action.as_str(), step.change.key))
        .collect();
    let more = plan.steps().len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "it was approved for the actions {}, and {} would be done: {}{more}",
        approved.join(", "),
        plan.actions().0.short(),
        shown.join(", ")
    );
    let hint = "bring the live state back to what the approvers saw, or have a further change approved with --actions: pintle plan";
    not_carried_out(commit, &[reason(Code::ActionsDiffer, &message, hint)])
}

/// That an accepted commit is not carried out, because it would pass a limit of the guard.
pub fn beyond_limits(accepted: &AcceptedCommit, lift: Option<&Override>, plan: &Plan) -> Value {
    let commit = accepted.commit();
    let hint = |exceeded: &Exceeded| match lift {
        None => format!(
            "take the change back (pintle rollback {}), or make it in smaller steps: the guard names nobody who may lift a limit",
            commit.short()
        ),
        Some(lift) => format!(
            "take it back (pintle rollback {}), or {} of {}: pintle approve {} --allow-limit '{}' --for {} --reason TEXT --push",
            commit.short(),
            lift.approvals,
            lift.from.0.iter().filter_map(|group| group.0.as_str()).collect::<Vec<_>>().join(", "),
            commit.short(),
            exceeded.limit,
            plan.actions()
        ),
    };
    let reasons: Vec<Value> =
        plan.refused().iter().map(|one| reason(Code::LimitExceeded, &one.sentence(), &hint(one))).collect();
    not_carried_out(commit, &reasons)
}

fn not_carried_out(commit: Oid, reasons: &[Value]) -> Value {
    json!({"verdict": "held", "held": {
        "commit": commit, "subject": "", "changeId": null, "rules": [], "waiting": 1, "reasons": reasons,
    }})
}

fn reason(code: Code, message: &str, hint: &str) -> Value {
    json!({"code": code, "message": message, "hint": hint, "commit": null, "diagnostics": []})
}

/// Whether the commit of a stored verdict is accepted, and what holds it is what it would do.
pub fn is_not_carried_out(stored: &Value) -> bool {
    let code = &stored["held"]["reasons"][0]["code"];
    [Code::LimitExceeded, Code::ActionsDiffer].iter().any(|one| *code == one.as_str())
}

/// One sentence for the log: what is held, why, and the command that lifts it.
pub fn sentence(stored: &Value) -> String {
    let text = |path: &str| stored.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match stored["verdict"].as_str() {
        Some("refused") => {
            format!("refused {}: {} ({})", text("/refused/commit"), text("/refused/message"), text("/refused/hint"))
        }
        Some("held") => format!(
            "held {}: {} ({})",
            text("/held/commit"),
            text("/held/reasons/0/message"),
            text("/held/reasons/0/hint")
        ),
        _ => format!(
            "held {}: {} of its documents are invalid (pintle validate)",
            text("/commit"),
            stored["diagnostics"].as_array().map_or(0, Vec::len)
        ),
    }
}

fn held_json(held: &Held) -> Value {
    let rules: Vec<Value> = held.rules.iter().map(|rule| {
        json!({"name": rule.name, "needed": rule.needed, "have": rule.have, "from": rule.from, "independent": rule.independent, "missing": rule.missing(), "missingOf": rule.missing_of})
    }).collect();
    let reasons: Vec<Value> = held.reasons.iter().map(|reason| json!({"code": reason.code, "message": reason.message, "hint": reason.hint, "commit": reason.commit, "diagnostics": reason.diagnostics})).collect();
    json!({"commit": held.commit, "subject": held.subject, "changeId": held.change_id, "rules": rules, "reasons": reasons, "waiting": held.waiting})
}

fn refused_json(refused: &Refused) -> Value {
    json!({"commit": refused.commit, "code": refused.reason.code, "message": refused.reason.message, "hint": refused.reason.hint, "diagnostics": refused.reason.diagnostics})
}
