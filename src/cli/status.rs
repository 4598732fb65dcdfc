//! `pintle status`: how things stand, on one screen.

use super::database::Database;
use super::standing::Standing;
use super::table::{Lines, short};
use super::{CliError, Exit, Out};
use crate::store::Store;
use crate::store::acceptance::SourceState;
use crate::store::numbers::Numbers;
use crate::store::runs::RunStanding;
use crate::verdict::is_not_carried_out;
use jiff::SignedDuration;
use pintle_core::diff::Pause;
use pintle_core::render::{Paper, Style, minute, plural, shown, span, thousands};
use serde_json::json;

/// The kind that is the fleet.
const FLEET: &str = "Instance";
/// Older than this, what is shown may no longer be true.
const STALE_S: f64 = 300.0;

/// Reasons that are printed for programs; the number of all stands beside them.
const REASONS: usize = 1_000;

/// Which database.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    database: Database,
}

/// Everything that is shown.
struct View {
    source: Option<SourceState>,
    numbers: Numbers,
    standing: Standing,
    /// Seq, people and plan of the applied commit.
    applied: Option<(u64, Vec<String>, Option<String>)>,
    accepted: Option<(u64, String)>,
    pauses: Vec<Pause>,
    runs: Vec<RunStanding>,
}

/// Prints how things stand.
pub async fn run(args: &StatusArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let view = read(&store).await?;
    if out.is_json() {
        out.json(&as_json(&view));
    } else {
        out.text(&human(&view, &out.paper()));
    }
    Ok(Exit::Success)
}

async fn read(store: &Store) -> Result<View, CliError> {
    let source = store.source_state().await?;
    let applied = match source.as_ref().and_then(|source| source.applied_commit.clone()) {
        None => None,
        Some(commit) => {
            let plan = store.actions_of(&commit).await?;
            store
                .history(&commit, 1)
                .await?
                .pop()
                .map(|row| (row.acceptance.seq, super::history::people(&row.acceptance), plan))
        }
    };
    let accepted = store.history("", 1).await?.pop().map(|row| (row.acceptance.seq, row.acceptance.commit.to_string()));
    let (numbers, standing, pauses) =
        (store.numbers().await?, Standing::read(store, None, None).await?, store.pauses().await?);
    let runs = store.run_standings().await?;
    Ok(View { source, numbers, standing, applied, accepted, pauses, runs })
}

fn human(view: &View, paper: &Paper) -> String {
    let mut lines = Lines::default();
    match &view.source {
        None => lines.add("head", "no repository was introduced yet (pintle run)"),
        Some(source) => {
            lines.add("head", head(source, view, paper));
            for rule in source.verdict.iter().flat_map(rules) {
                lines.add("needs", rule);
            }
            if let Some(error) = &source.fetch_error {
                lines.add("fetch", paper.paint(Style::Warning, &format!("fails: {}", shown(error))));
            }
            lines.add("applied", applied(source, view));
            for alarm in source.alarms.as_array().into_iter().flatten() {
                lines.add("alarm", paper.paint(Style::Warning, &alarmed(alarm)));
            }
        }
    }
    for pause in &view.pauses {
        lines.add("paused", paper.paint(Style::Warning, &paused(pause)));
    }
    for run in &view.runs {
        lines.add("run", under_way(run, paper));
    }
    lines.add("fleet", fleet(view, paper));
    lines.add("objects", objects(view));
    lines.add("queue", queue(&view.numbers, paper));
    let schedules = count(&view.numbers.rows, "Schedule");
    lines.add("schedules", thousands(schedules));
    lines.add("audit", plural(view.numbers.audit_records, "record"));
    lines.add("leader", leader(view, paper));
    lines.render(paper)
}

/// A wide change on its way, and what stops it.
pub(super) fn under_way(run: &RunStanding, paper: &Paper) -> String {
    let since = run.commit.as_deref().map(|commit| format!(" since {}", short(commit))).unwrap_or_default();
    let waits = plural(run.waits, "object");
    let text = format!("{}{since}: {waits} waiting for its waves", run.rollout);
    match &run.stops {
        Some(stop) => {
            let why =
                if stop.halted { paper.paint(Style::Warning, &shown(&stop.message)) } else { shown(&stop.message) };
            format!("{text}\n{why}\nnext: {}", shown(&stop.lifted_by))
        }
        None => text,
    }
}

/// What is paused, by whom, and how it ends.
fn paused(pause: &Pause) -> String {
    let until = pause.until.map(|until| format!(" until {}", minute(until))).unwrap_or_default();
    let (scope, by, reason) = (shown(&pause.what.to_string()), shown(&pause.by), shown(&pause.reason));
    format!("{scope}{until} by {by}: {reason} (pintle resume {scope})")
}

/// The rules that a held commit needs, each with who counts and who could.
fn rules(verdict: &serde_json::Value) -> Vec<String> {
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(shown)).collect()
    };
    let line = |rule: &serde_json::Value| {
        let have = names(&rule["have"]);
        let has = if have.is_empty() { "nobody yet".to_owned() } else { listed(&have) };
        let missing = match (rule["missing"].as_i64(), names(&rule["missingOf"])) {
            (Some(missing), of) if missing > 0 => format!("; {missing} more of {}", of.join(", ")),
            _ => String::new(),
        };
        let name = shown(rule["name"].as_str().unwrap_or_default());
        format!("rule {name}: {} of {}, has {has}{missing}", rule["needed"], names(&rule["from"]).join(", "))
    };
    verdict["held"]["rules"].as_array().into_iter().flatten().map(line).collect()
}

/// An alarm and what to do about it.
fn alarmed(alarm: &serde_json::Value) -> String {
    let text = |key: &str| shown(alarm[key].as_str().unwrap_or_default());
    format!("{} ({}: {})", text("message"), text("code"), text("hint"))
}

fn head(source: &SourceState, view: &View, paper: &Paper) -> String {
    let tip = source.seen_tip.as_deref().map_or("–", short);
    let age =
        source.fetched_ago_s.map_or_else(|| "never fetched".to_owned(), |age| format!("fetched {} ago", seconds(age)));
    let age =
        if source.fetched_ago_s.is_none_or(|age| age > STALE_S) { paper.paint(Style::Warning, &age) } else { age };
    let Some(verdict) = &source.verdict else {
        let word = match &view.accepted {
            Some((seq, commit)) if source.seen_tip.as_deref() == Some(commit) => format!("accepted as {seq}"),
            Some((seq, commit)) => format!("nothing new since {} (accepted as {seq})", short(commit)),
            None => "not accepted yet".to_owned(),
        };
        return format!("{tip}  {word}, {age}");
    };
    let (word, command) = said(verdict);
    let since = source.held_for_s.map(|held| format!(" for {}", seconds(held))).unwrap_or_default();
    let hint = verdict["held"]["reasons"][0]["hint"].as_str().filter(|_| is_not_carried_out(verdict));
    format!(
        "{tip}  {} {} {command}, {age}{}",
        paper.paint(Style::Warning, &format!("{word}{since}:")),
        shown(&because(verdict)),
        hint.map(|hint| format!("\nnext: {}", shown(hint))).unwrap_or_default()
    )
}

/// The word for a stored verdict, and the command that says or does more.
pub(super) fn said(verdict: &serde_json::Value) -> (&'static str, &'static str) {
    match verdict["verdict"].as_str() {
        Some("held") if is_not_carried_out(verdict) => ("accepted, not carried out", "(pintle plan)"),
        Some("refused") => ("refused", "(pintle verify --explain)"),
        Some("held") => ("held", "(pintle verify --explain)"),
        _ => ("invalid", "(pintle validate)"),
    }
}

/// Why a stored verdict is what it is, in a few words.
pub(super) fn because(verdict: &serde_json::Value) -> String {
    let text = |path: &str| verdict.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    match verdict["verdict"].as_str() {
        Some("refused") => text("/refused/message"),
        Some("held") => {
            let missing: i64 = verdict["held"]["rules"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|rule| rule["missing"].as_i64())
                .sum();
            if missing > 0 {
                format!("{} missing", plural(missing, "approval"))
            } else {
                text("/held/reasons/0/message")
            }
        }
        _ => format!(
            "{} in its documents",
            plural(verdict["diagnostics"].as_array().map_or(0, Vec::len) as i64, "error")
        ),
    }
}

fn applied(source: &SourceState, view: &View) -> String {
    let Some(commit) = &source.applied_commit else { return "nothing yet".to_owned() };
    let mut parts = vec![format!("{} ago", seconds(source.applied_ago_s.unwrap_or_default()))];
    parts.extend(source.applied_in_ms.map(|ms| format!("in {}", span(SignedDuration::from_millis(ms)))));
    if let Some((_, people, plan)) = &view.applied {
        parts.extend(plan.as_deref().map(|plan| format!("plan {}", digest(plan))));
        parts.extend((!people.is_empty()).then(|| format!("approved by {}", shown(&listed(people)))));
    }
    let behind = match (&view.applied, &view.accepted) {
        (Some((at, ..)), Some((newest, _))) if newest > at => {
            format!("; {} on the way", plural((newest - at) as i64, "commit"))
        }
        _ => String::new(),
    };
    format!("{}  {}{behind}", short(commit), parts.join(", "))
}

/// `6d1e…90`, as a plan says it.
fn digest(hex: &str) -> String {
    match (hex.get(..4), hex.get(hex.len().saturating_sub(2)..)) {
        (Some(first), Some(last)) if hex.len() > 8 => format!("{first}…{last}"),
        _ => hex.to_owned(),
    }
}

/// `alice`, `alice and bob`, `alice, bob and dave`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn fleet(view: &View, paper: &Paper) -> String {
    let all = count(&view.numbers.rows, FLEET);
    if all == 0 {
        return "no instances yet".to_owned();
    }
    let drifted = count(&view.numbers.drifted, FLEET);
    let waiting = view.standing.waiting_of(FLEET) as i64;
    // One that is declared and not taken on waits, and is counted there.
    let unmanaged = (count(&view.numbers.unmanaged, FLEET) - view.standing.foreign_of(FLEET) as i64).max(0);
    let mut parts = vec![format!("{} in sync", thousands((all - drifted - waiting - unmanaged).max(0)))];
    for (number, word) in [(drifted, "drifted"), (waiting, "waiting"), (unmanaged, "not managed")] {
        parts.extend((number > 0).then(|| paper.paint(Style::Warning, &format!("{} {word}", thousands(number)))));
    }
    format!("{}: {} (pintle get instances)", plural(all, "instance"), parts.join(", "))
}

fn objects(view: &View) -> String {
    let kinds: Vec<String> = view
        .numbers
        .rows
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(kind, rows)| format!("{kind} {}", thousands(*rows)))
        .collect();
    let all: i64 = view.numbers.rows.iter().map(|(_, rows)| rows).sum();
    let drifted: i64 = view.numbers.drifted.iter().map(|(_, rows)| rows).sum();
    let waits = view.standing.count();
    format!(
        "{} of {}, {} drifted, {} waiting",
        thousands(all),
        plural(kinds.len() as i64, "kind"),
        thousands(drifted),
        thousands(waits as i64)
    )
}

fn queue(numbers: &Numbers, paper: &Paper) -> String {
    let dead = format!("{} dead", thousands(numbers.dead));
    let dead = if numbers.dead > 0 {
        format!("{} (pintle jobs list --state dead)", paper.paint(Style::Warning, &dead))
    } else {
        dead
    };
    let oldest =
        if numbers.queued + numbers.released > 0 { seconds(numbers.oldest_queued_s) } else { "–".to_owned() };
    format!("{} ready, {} running, {dead}; oldest {oldest}", thousands(numbers.queued), thousands(numbers.released))
}

fn leader(view: &View, paper: &Paper) -> String {
    match &view.numbers.leader {
        Some((holder, left)) => format!("{} (lease {} left)", shown(holder), seconds(left.max(0.0))),
        None => paper.paint(Style::Warning, "nobody: nothing is being applied (pintle run)"),
    }
}

fn count(counts: &[(String, i64)], kind: &str) -> i64 {
    counts.iter().find(|(have, _)| have == kind).map_or(0, |(_, rows)| *rows)
}

/// Seconds of the database as a span.
pub(super) fn seconds(seconds: f64) -> String {
    span(SignedDuration::from_millis((seconds * 1000.0) as i64))
}

fn as_json(view: &View) -> serde_json::Value {
    let numbers = &view.numbers;
    let kinds: Vec<_> = numbers.rows.iter().map(|(kind, rows)| json!({"kind": kind, "rows": rows, "drifted": count(&numbers.drifted, kind), "unmanaged": count(&numbers.unmanaged, kind), "waiting": view.standing.waiting_of(kind)})).collect();
    json!({
        "formatVersion": "1.0",
        "source": view.source,
        "accepted": view.accepted.as_ref().map(|(seq, commit)| json!({"seq": seq, "commit": commit})),
        "applied": view.applied.as_ref().map(|(seq, people, plan)| json!({"seq": seq, "approvedBy": people, "actions": plan})),
        "kinds": kinds,
        "pauses": view.pauses,
        "runs": view.runs,
        "queue": {"ready": numbers.queued, "running": numbers.released, "dead": numbers.dead, "oldestS": numbers.oldest_queued_s},
        "auditRecords": numbers.audit_records,
        "leader": numbers.leader.as_ref().map(|(holder, left)| json!({"holder": holder, "leaseLeftS": left})),
        "waiting": view.standing.entries(REASONS),
        "waitingCount": view.standing.count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_tip_says_what_is_missing_and_the_next_command() {
        let verdict = json!({"verdict": "held", "held": {"commit": "41c09de", "rules": [{"name": "gold", "missing": 1}], "reasons": []}});
        assert_eq!(
            (because(&verdict).as_str(), said(&verdict)),
            ("1 approval missing", ("held", "(pintle verify --explain)"))
        );
        let verdict = json!({"verdict": "invalid", "diagnostics": [{}, {}]});
        assert_eq!((because(&verdict).as_str(), said(&verdict).0), ("2 errors in its documents", "invalid"));
    }

    #[test]
    fn names_are_listed_as_people_do() {
        let names = ["alice", "bob", "dave"].map(str::to_owned);
        assert_eq!(listed(&names), "alice, bob and dave");
        assert_eq!(listed(&names[..1]), "alice");
    }
}
