//! What became of a commit: accepted (when, by whom, what it changed), held (why), or not seen.

use super::super::follow::{Place, place};
use super::super::history::{by, one, subject};
use super::super::status::{because, said};
use super::super::table::{Lines, short};
use super::super::{CliError, Exit, Out};
use crate::source::GitObjects;
use crate::store::Store;
use crate::store::history::HistoryRow;
use crate::store::runs::RunStanding;
use pintle_core::render::{Paper, Style, ago, plural, shown};
use serde_json::{Value, json};
use std::path::Path;

/// Explains the commit whose id is or begins with `oid`.
pub(super) async fn explain(store: &Store, oid: &str, repo: &Path, out: &Out) -> Result<Exit, CliError> {
    let accepted = one(store, oid).await?;
    let objects = GitObjects::open(repo).ok();
    let standing = place(store, oid, objects.as_ref()).await?;
    let title = accepted
        .as_ref()
        .map(|row| row.acceptance.commit)
        .or_else(|| oid.parse().ok())
        .and_then(|commit| subject(objects.as_ref()?, commit));
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "commit": oid, "subject": title, "standing": standing.word(), "accepted": accepted, "verdict": standing.verdict()}));
        return Ok(Exit::Success);
    }
    let paper = out.paper();
    let mut lines = Lines::default();
    lines.add(
        "commit",
        format!("{}  {}", paper.paint(Style::Bold, short(oid)), title.as_deref().map(shown).unwrap_or_default())
            .trim_end()
            .to_owned(),
    );
    if let Some(row) = &accepted {
        acceptance(row, &mut lines, &paper);
    }
    lines.add("stands", sentence(&standing, oid, &paper));
    if let Place::Held(verdict) = &standing {
        held(verdict, &mut lines);
    }
    out.text(&lines.render(&paper));
    Ok(Exit::Success)
}

fn acceptance(row: &HistoryRow, lines: &mut Lines, paper: &Paper) {
    let step = &row.acceptance;
    lines.add("accepted", format!("as {}, {} ({})", step.seq, ago(step.accepted_at, paper.now), step.accepted_at));
    lines.add("by", shown(&by(step)));
    lines.add(
        "changed",
        format!("{} (pintle audit search --commit {})", plural(row.objects, "object"), step.commit.short()),
    );
}

fn waves(run: &RunStanding, oid: &str, paper: &Paper) -> String {
    match &run.stops {
        Some(stop) => paper.paint(Style::Warning, &format!("{} ({})", shown(&stop.message), shown(&stop.lifted_by))),
        None => format!("goes out in the waves of Rollout/{} (pintle wait {})", run.rollout, short(oid)),
    }
}

fn sentence(standing: &Place, oid: &str, paper: &Paper) -> String {
    match standing {
        Place::Applied(by) if by.starts_with(oid) => "applied wherever it can be".to_owned(),
        Place::Applied(by) => format!("applied wherever it can be, by {}", short(by)),
        Place::Waves(run) => waves(run, oid, paper),
        Place::Accepted => format!("accepted; on its way (pintle wait {})", short(oid)),
        Place::Invalid(verdict) => {
            paper.paint(Style::Warning, &format!("accepted, but not applied: {} (pintle validate)", because(verdict)))
        }
        Place::Held(verdict) => paper
            .paint(Style::Warning, &format!("{}: {} {}", said(verdict).0, shown(&because(verdict)), said(verdict).1)),
        Place::Unseen(tip) => format!(
            "not seen: the daemon has fetched {} (git push, then pintle wait {})",
            tip.as_deref().map_or("nothing", short),
            short(oid)
        ),
    }
}

fn held(verdict: &Value, lines: &mut Lines) {
    let text = |value: &Value| shown(value.as_str().unwrap_or_default());
    for rule in verdict["held"]["rules"].as_array().into_iter().flatten() {
        let list = |key: &str| rule[key].as_array().into_iter().flatten().map(&text).collect::<Vec<_>>().join(", ");
        let have = if list("have").is_empty() { "none".to_owned() } else { list("have") };
        lines.add(
            "rule",
            format!(
                "{}: needs {} of {}, has {have}; missing {} of {}",
                text(&rule["name"]),
                rule["needed"],
                list("from"),
                rule["missing"],
                list("missingOf")
            ),
        );
    }
    let reasons = verdict["held"]["reasons"].as_array().into_iter().flatten();
    for reason in reasons.chain(verdict.get("refused").filter(|refused| !refused.is_null())) {
        lines.add("reason", format!("{}\nlifted by: {}", text(&reason["message"]), text(&reason["hint"])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_commit_names_rule_and_remedy() {
        let verdict = json!({"verdict": "held", "held": {"rules": [{"name": "gold", "needed": 2, "have": ["alice"], "from": ["sre"], "missing": 1, "missingOf": ["bob", "dave"]}],
            "reasons": [{"message": "one approval is missing", "hint": "bob: pintle approve 41c09de"}]}});
        let mut lines = Lines::default();
        held(&verdict, &mut lines);
        let text = lines.render(&Paper::plain(100, jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(
            text,
            "rule    gold: needs 2 of sre, has alice; missing 1 of bob, dave\nreason  one approval is missing\n        lifted by: bob: pintle approve 41c09de"
        );
    }
}
