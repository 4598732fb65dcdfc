//! A block for each object, or for each group of like changes: its name and place, then what
//! happens to it. Names and places are printed whole, whatever the width.

use super::field;
use super::group::Group;
use super::head::Header;
use super::scalar;
use super::style::{Paper, Style};
use super::text::{columns, counted, grouped, visible, wrapped};
use crate::change::{ObjectKey, Value};
use crate::diff::{Action, Change};

/// Where places stand, when the name leaves room.
const PLACE_COLUMN: usize = 53;
/// Longer paths do not push the values of the others to the right.
const PATH_COLUMN: usize = 32;
/// Names of a group that are printed.
const NAMES_SHOWN: usize = 3;
/// Fields of a new object that are printed.
const TELLING_SHOWN: usize = 4;
/// What tells most about a new object, first things first.
const TELLING: &[&str] = &[
    "type",
    "component",
    "version",
    "mode",
    "partner",
    "instance",
    "displayName",
    "update.channel",
    "update.pin.version",
    "update.target",
    "target",
    "appliesTo",
    "timezone",
    "cron",
    "resources.memory",
];

/// The column at which the values of all blocks begin.
pub(super) fn value_column(groups: &[Group<'_>]) -> usize {
    let paths = groups.iter().filter(|group| group.first().action != Action::Create).flat_map(|group| &group.fields);
    paths.map(|change| columns(&field::path(change))).filter(|length| *length <= PATH_COLUMN).max().unwrap_or(0) + 2
}

/// The lines of `group`.
pub(super) fn block(group: &Group<'_>, column: usize, header: &Header, paper: &Paper) -> Vec<String> {
    let change = group.first();
    let mut lines = match group.changes.len() {
        1 => heading(change, paper),
        number => vec![format!(
            "  {}",
            paper.paint(Style::Heading, &format!("{} {}", grouped(number), visible(&change.key.kind)))
        )],
    };
    match change.action {
        Action::Create => lines.extend(telling_lines(change, group, paper)),
        Action::Delete => lines.push(signed(
            '-',
            Style::Removed,
            &format!("tombstone now, deleted after {} unless restored", header.grace("")),
            paper,
        )),
        Action::Remove => {
            lines.push(signed('-', Style::Removed, "its grace is over: the row goes for good", paper));
        }
        Action::Restore => lines.push(signed('+', Style::Added, "restored from its tombstone", paper)),
        Action::Adopt => lines.push(signed('=', Style::Muted, "is as declared already; only recorded", paper)),
        Action::Update if change.is_destructive() => {
            lines.push(signed('-', Style::Removed, "terminated: it ends with this", paper));
        }
        Action::Update => {}
    }
    if change.action != Action::Create {
        lines.extend(group.fields.iter().flat_map(|one| field::lines(one, column, paper)));
    }
    if group.changes.len() > 1 {
        let most = if change.is_destructive() { usize::MAX } else { NAMES_SHOWN };
        lines.extend(
            names(group.changes.iter().map(|change| &change.key), most, paper)
                .into_iter()
                .map(|line| format!("      {line}")),
        );
    }
    lines
}

fn signed(sign: char, style: Style, text: &str, paper: &Paper) -> String {
    format!("  {} {text}", paper.paint(style, &sign.to_string()))
}

fn heading(change: &Change, paper: &Paper) -> Vec<String> {
    let name = visible(&change.key.to_string());
    let painted = paper.paint(Style::Heading, &name);
    let place = match (&change.source, change.action) {
        (Some(source), Action::Delete) => format!("{} (removed)", visible(&source.to_string())),
        (Some(source), _) => visible(&source.to_string()),
        (None, _) => "(removed)".to_owned(),
    };
    let gap = PLACE_COLUMN.saturating_sub(2 + columns(&name)).max(2);
    let muted = paper.paint(Style::Muted, &place);
    if 2 + columns(&name) + gap + columns(&place) <= paper.columns() {
        vec![format!("  {painted}{}{muted}", " ".repeat(gap))]
    } else {
        vec![format!("  {painted}"), format!("    {muted}")]
    }
}

/// The few most telling fields of a new object, and how many more there are.
fn telling_lines(change: &Change, group: &Group<'_>, paper: &Paper) -> Vec<String> {
    let (told, all) = telling(group, TELLING_SHOWN);
    let rest = all - told.len();
    let mut words: Vec<String> = told.into_iter().map(|(path, value)| format!("{path} {value}")).collect();
    if rest > 0 {
        words.push(counted(rest, "more field"));
    }
    if words.is_empty() {
        words.push(format!("a new {}", visible(&change.key.kind)));
    }
    let lines = wrapped(&words.join(", "), paper.columns().saturating_sub(4));
    lines
        .iter()
        .enumerate()
        .map(|(at, text)| if at == 0 { signed('+', Style::Added, text, paper) } else { format!("    {text}") })
        .collect()
}

/// At most `most` of the telling fields of a new object, and how many fields it has in all.
pub(super) fn telling(group: &Group<'_>, most: usize) -> (Vec<(String, String)>, usize) {
    let mut leaves = Vec::new();
    let spec = group.fields.iter().find(|one| one.path.to_string() == "spec");
    if let Some(value) = spec.and_then(|one| one.after.as_ref()) {
        flatten(value, "", &mut leaves);
    }
    let told = TELLING.iter().filter_map(|wanted| leaves.iter().find(|(path, _)| path == wanted));
    let told = told.filter_map(|(path, value)| Some((visible(path), scalar::inline(value)?)));
    (told.take(most).collect(), leaves.len())
}

fn flatten<'v>(value: &'v Value, path: &str, leaves: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Map(map) => {
            for (key, item) in map.iter() {
                let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                flatten(item, &below, leaves);
            }
        }
        leaf => leaves.push((path.to_owned(), leaf)),
    }
}

/// At most `most` of `keys`, wrapped, and how many more there are.
pub(super) fn names<'k>(keys: impl ExactSizeIterator<Item = &'k ObjectKey>, most: usize, paper: &Paper) -> Vec<String> {
    let rest = keys.len().saturating_sub(most);
    let text = keys.take(most).map(|key| visible(&key.to_string())).collect::<Vec<_>>().join(", ");
    let more = if rest > 0 { format!(" and {} more", grouped(rest)) } else { String::new() };
    wrapped(&format!("{text}{more}"), paper.columns().saturating_sub(6))
}
