//! The two sections below the blocks: what drifted, and what waits. Like ones are told together;
//! whatever is left out is counted, with the command that tells it.

use super::field;
use super::group::{Group, is_heal};
use super::scalar;
use super::style::{Paper, Style};
use super::text::{clipped, columns, counted, grouped, visible, wrapped};
use crate::change::FieldChange;
use crate::diff::Action;
use crate::plan::{Exceeded, Plan, Waiting};

/// Drifted fields of one object that are printed.
const FIELDS_SHOWN: usize = 3;
/// Waiting objects of one reason that are printed, when there are more.
const WAITS_SHOWN: usize = 3;
/// Longer names do not push the text of the others to the right.
const NAME_COLUMN: usize = 30;
/// Columns of a value inside a sentence.
const VALUE_COLUMNS: usize = 48;
/// Where text begins below the tag.
const INDENT: usize = 9;

/// The drift section: what was changed behind the repository's back.
pub(super) fn drift(groups: &[Group<'_>], paper: &Paper) -> Vec<String> {
    let drifted: Vec<&Group<'_>> =
        groups.iter().filter(|group| is_heal(group.first()) || !group.drift.is_empty()).collect();
    let column =
        drifted.iter().map(|group| columns(&who(group))).filter(|length| *length <= NAME_COLUMN).max().unwrap_or(0);
    drifted
        .iter()
        .enumerate()
        .flat_map(|(at, group)| {
            tagged(if at == 0 { "drift" } else { "" }, &who(group), column, &drift_sentence(group), paper)
        })
        .collect()
}

fn who(group: &Group<'_>) -> String {
    let first = visible(&group.first().key.to_string());
    match group.changes.len() {
        1 => first,
        number => format!("{first} and {} more", grouped(number - 1)),
    }
}

fn drift_sentence(group: &Group<'_>) -> String {
    let told = if group.drift.is_empty() { &group.fields } else { &group.drift };
    let mut parts: Vec<String> = told.iter().take(FIELDS_SHOWN).map(drifted_field).collect();
    let rest = told.len().saturating_sub(FIELDS_SHOWN);
    if rest > 0 {
        parts.push(counted(rest, "more field"));
    }
    let overwritten = group.drift.iter().any(|drift| group.fields.iter().any(|field| field.path.overlaps(&drift.path)));
    let end = match (is_heal(group.first()), overwritten) {
        (true, _) => "will be healed",
        (false, true) => "the documents changed too; will be overwritten",
        (false, false) => "the documents now say so too",
    };
    format!("{}; {end}", parts.join(", "))
}

fn drifted_field(drift: &FieldChange) -> String {
    let path = field::path(drift);
    match &drift.after {
        None => format!("{path} was removed by hand"),
        Some(value) => format!("{path} was set to {} by hand", clipped(&scalar::flow(value), VALUE_COLUMNS)),
    }
}

/// The waits section, like reasons together.
pub(super) fn waits(plan: &Plan, paper: &Paper) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&Waiting>)> = Vec::new();
    for waiting in plan.waiting() {
        let code = waiting.reason.code();
        match reasons.iter_mut().find(|(have, _)| *have == code) {
            Some((_, list)) => list.push(waiting),
            None => reasons.push((code, vec![waiting])),
        }
    }
    let names = plan.waiting().iter().map(|waiting| columns(&visible(&waiting.change.key.to_string())));
    let column = names.filter(|length| *length <= NAME_COLUMN).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (code, mut list) in reasons {
        list.sort_by_key(|waiting| !is_deletion(waiting));
        let deletions = list.iter().filter(|waiting| is_deletion(waiting)).count();
        let most = if list.len() <= WAITS_SHOWN + 1 { list.len() } else { WAITS_SHOWN.max(deletions) };
        for waiting in &list[..most] {
            let tag = if lines.is_empty() { "waits" } else { "" };
            lines.extend(tagged(
                tag,
                &visible(&waiting.change.key.to_string()),
                column,
                &reason_sentence(waiting),
                paper,
            ));
        }
        if list.len() > most {
            let kind = visible(&list[most].change.key.kind);
            let text = format!("{} more {} (pintle why {kind}/NAME)", grouped(list.len() - most), more(code));
            lines.extend(
                wrapped(&text, paper.columns().saturating_sub(INDENT))
                    .into_iter()
                    .map(|line| format!("{}{line}", " ".repeat(INDENT))),
            );
        }
    }
    lines
}

/// The limits that the plan would pass.
pub(super) fn refusals(plan: &Plan, paper: &Paper) -> Vec<String> {
    let tag = |at: usize| if at == 0 { "limit" } else { "" };
    let line = |(at, one): (usize, &Exceeded)| {
        let rest = one.sentence();
        let (name, text) = rest.split_once(": ").unwrap_or((&rest, ""));
        tagged(tag(at), &visible(name), 0, &visible(text), paper)
    };
    plan.refused().iter().enumerate().flat_map(line).collect()
}

/// Why it waits, and what lifts that.
pub(super) fn reason_sentence(waiting: &Waiting) -> String {
    let lead = match (is_deletion(waiting), waiting.change.action) {
        (false, _) => "",
        (true, Action::Update) => "to be terminated; ",
        (true, _) => "to be deleted; ",
    };
    format!("{lead}{} (lifted by: {})", visible(&waiting.reason.sentence()), visible(&waiting.reason.lifted_by()))
}

/// Whether it goes as soon as the reason does: never left out, as no deletion is. A protected object
/// does not go.
pub(super) fn is_deletion(waiting: &Waiting) -> bool {
    waiting.change.is_destructive() && waiting.reason.code() != "protected"
}

/// What the others of a reason do, after "4 more".
fn more(code: &str) -> String {
    match code {
        "in-flight" => "wait for the end of their job".to_owned(),
        "dead-letter" => "failed for good".to_owned(),
        "dependency" => "wait for what they refer to".to_owned(),
        "protected" => "are protected".to_owned(),
        "software" => "differ only in a default of this Pintle".to_owned(),
        "reported" => "drifted and are only reported".to_owned(),
        "foreign" => "have a row that Pintle never applied".to_owned(),
        "grace" => "go when their grace is over".to_owned(),
        "mode" => "are kept by the guard's mode".to_owned(),
        "closed" => "wait for a window".to_owned(),
        "paused" => "are paused".to_owned(),
        "wave" => "wait for their wave".to_owned(),
        "fight" => "drift again and again".to_owned(),
        "limited" => "would be healed beyond a limit".to_owned(),
        "newer-tip" => "go once nothing newer is held".to_owned(),
        "glass-broken" => "go once broken glass is ratified".to_owned(),
        "left-out" => "are left out".to_owned(),
        other => format!("wait: {other}"),
    }
}

fn tagged(tag: &str, name: &str, column: usize, text: &str, paper: &Paper) -> Vec<String> {
    let tag = format!("  {}{}", paper.paint(Style::Warning, tag), " ".repeat(7_usize.saturating_sub(tag.len())));
    let start = INDENT + columns(name).max(column) + 2;
    let lead = format!("{tag}{}", paper.paint(Style::Heading, name));
    let room = paper.columns().saturating_sub(start);
    if room < 24 {
        let below = wrapped(text, paper.columns().saturating_sub(INDENT + 2));
        return std::iter::once(lead)
            .chain(below.into_iter().map(|line| format!("{}{line}", " ".repeat(INDENT + 2))))
            .collect();
    }
    let gap = " ".repeat(start - INDENT - columns(name));
    wrapped(text, room)
        .into_iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { format!("{lead}{gap}{line}") } else { format!("{}{line}", " ".repeat(start)) })
        .collect()
}
