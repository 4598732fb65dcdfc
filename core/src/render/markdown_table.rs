//! The table of a pull request comment: a row for each object or group of like changes. Deletions
//! stand first, and are named or at least counted whatever happens to the rest.

use super::blocks::telling;
use super::field;
use super::group::{Group, groups, is_heal};
use super::head::Header;
use super::markdown_text::{Page, code, code_clipped, sentence, word};
use super::scalar;
use super::sections::{is_deletion, reason_sentence};
use super::text::{columns, counted, grouped};
use crate::change::{FieldChange, ObjectKey};
use crate::diff::{Action, Change};
use crate::plan::{Plan, Step, Waiting};

const HEAD: &str = "| | object | change |\n|---|---|---|\n";
/// Bytes that the approvals and the notes below the table need.
const BELOW: usize = 6 * 1024;
/// Fields of a row.
const FIELDS_SHOWN: usize = 3;
/// Columns of a value in a row.
const VALUE_COLUMNS: usize = 32;
/// Columns of a reason in a row.
const REASON_COLUMNS: usize = 240;
/// Names of a group in a row.
const NAMES_SHOWN: usize = 3;

/// Writes the table, or as much of it as fits.
pub(super) fn table(plan: &Plan, header: &Header, page: &mut Page) {
    let deletions = deletion_rows(plan, header);
    let rows = rows(plan);
    let as_rows = deletions.iter().map(String::len).sum::<usize>() + HEAD.len() <= page.room(BELOW);
    if !as_rows {
        deletion_names(plan, header, page);
    }
    if rows.is_empty() && (!as_rows || deletions.is_empty()) {
        return;
    }
    if !page.push(HEAD, BELOW / 2) {
        return left_out(rows.len(), page);
    }
    if as_rows {
        for row in &deletions {
            page.push(row, 0);
        }
    }
    let shown = rows.iter().take_while(|row| page.push(row, BELOW)).count();
    left_out(rows.len() - shown, page);
}

fn left_out(rows: usize, page: &mut Page) {
    if rows > 0 {
        page.push(&format!("\n{} did not fit: `pintle plan` shows all.\n", counted(rows, "more row")), 0);
    }
}

fn deletes(plan: &Plan) -> impl Iterator<Item = &ObjectKey> {
    plan.steps().iter().filter(|step| step.change.is_destructive()).map(|step| &step.change.key)
}

fn deletion_rows(plan: &Plan, header: &Header) -> Vec<String> {
    let grace = header.grace(" ");
    let when = |step: &Step| match step.change.action {
        Action::Remove => "**removed for good**, its grace is over".to_owned(),
        Action::Update => "**terminated** with the merge".to_owned(),
        _ => format!("**deleted** {grace} after the merge"),
    };
    let ending = plan.steps().iter().filter(|step| step.change.is_destructive());
    ending.map(|step| format!("| 🗑 | {} | {} |\n", object(&step.change.key), when(step))).collect()
}

/// Every deletion as a name; those that even so do not fit are counted.
fn deletion_names(plan: &Plan, header: &Header, page: &mut Page) {
    let total = deletes(plan).count();
    let grace = header.grace(" ");
    page.push(&format!("🗑 **{}**, {grace} after the merge:\n", counted(total, "deletion")), 0);
    let mut kind = "";
    let mut shown = 0;
    for key in deletes(plan) {
        let lead = if *key.kind == *kind { " ".to_owned() } else { format!("\n{}: ", code(&key.kind)) };
        if !page.push(&format!("{lead}{}", code(&key.name)), BELOW) {
            break;
        }
        kind = &key.kind;
        shown += 1;
    }
    page.push("\n\n", 0);
    if shown < total {
        page.push(
            &format!(
                "**{} do not fit here, not even by name.** Read `pintle plan` before approving.\n\n",
                counted(total - shown, "more deletion")
            ),
            0,
        );
    }
}

/// Every row but the deletions': deletions that wait, changes, new objects, heals, other waits.
fn rows(plan: &Plan) -> Vec<String> {
    let updates =
        groups(plan.steps(), |change| !is_heal(change) && !change.is_destructive() && change.action != Action::Create);
    let creates = groups(plan.steps(), |change| change.action == Action::Create);
    let heals = groups(plan.steps(), |change| is_heal(change) && !change.is_destructive());
    let (deletions, waiting): (Vec<_>, Vec<_>) = plan.waiting().iter().partition(|waiting| is_deletion(waiting));
    let mut rows: Vec<String> = deletions.into_iter().map(waiting_row).collect();
    rows.extend(updates.iter().map(|group| row(mark(group.first()), &who(group), &update_cell(group))));
    rows.extend(creates.iter().map(|group| row("➕", &who(group), &create_cell(group))));
    rows.extend(heals.iter().map(|group| row("🩹", &who(group), &heal_cell(group))));
    rows.extend(waiting.into_iter().map(waiting_row));
    rows
}

fn row(mark: &str, who: &str, what: &str) -> String {
    format!("| {mark} | {who} | {what} |\n")
}

fn mark(change: &Change) -> &'static str {
    match change.action {
        Action::Restore => "♻️",
        Action::Adopt => "🤝",
        _ => "✏️",
    }
}

fn object(key: &ObjectKey) -> String {
    code(&key.to_string())
}

fn who(group: &Group<'_>) -> String {
    if let [only] = group.changes.as_slice() {
        return object(&only.key);
    }
    let names: Vec<String> = group.changes.iter().take(NAMES_SHOWN).map(|change| object(&change.key)).collect();
    let rest = group.changes.len() - names.len();
    let more = if rest > 0 { format!(" and {} more", grouped(rest)) } else { String::new() };
    format!("**{} {}**: {}{more}", grouped(group.changes.len()), code(&group.first().key.kind), names.join(", "))
}

fn update_cell(group: &Group<'_>) -> String {
    let what = fields_cell(&group.fields);
    let what = match group.first().action {
        Action::Restore if what.is_empty() => "restored".to_owned(),
        Action::Restore => format!("restored; {what}"),
        Action::Adopt => "is as declared already; only recorded".to_owned(),
        _ => what,
    };
    if group.drift.is_empty() { what } else { format!("{what}; was also changed by hand") }
}

fn heal_cell(group: &Group<'_>) -> String {
    format!("healed, was changed by hand: {}", fields_cell(&group.fields))
}

fn create_cell(group: &Group<'_>) -> String {
    let (told, _) = telling(group, FIELDS_SHOWN);
    let told = told.iter().map(|(path, value)| format!(", {} {}", word(path), code_clipped(value, VALUE_COLUMNS)));
    format!("created{}", told.collect::<String>())
}

fn fields_cell(fields: &[FieldChange]) -> String {
    let mut parts: Vec<String> = fields.iter().take(FIELDS_SHOWN).map(field_cell).collect();
    if fields.len() > FIELDS_SHOWN {
        parts.push(counted(fields.len() - FIELDS_SHOWN, "more field"));
    }
    parts.join(", ")
}

fn field_cell(change: &FieldChange) -> String {
    let name = change.path.0.last().map(|key| word(&super::text::clipped(key, VALUE_COLUMNS))).unwrap_or_default();
    let short = field::on_one_line(change).is_some();
    let side = |value: &crate::change::Value| {
        Some(scalar::flow(value)).filter(|text| short && columns(text) <= VALUE_COLUMNS).map(|text| code(&text))
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => match (side(before), side(after)) {
            (Some(before), Some(after)) => format!("{name} {before} → {after}"),
            _ => name,
        },
        (None, Some(after)) => {
            side(after).map_or_else(|| format!("{name} added"), |after| format!("{name} added: {after}"))
        }
        _ => format!("{name} removed"),
    }
}

fn waiting_row(waiting: &Waiting) -> String {
    row("⏳", &object(&waiting.change.key), &format!("waits: {}", sentence(&reason_sentence(waiting), REASON_COLUMNS)))
}
