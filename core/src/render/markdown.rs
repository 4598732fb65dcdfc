//! The comment on a pull request: the numbers in the title, a table, the approvals, every field
//! folded away. It never passes the forge's limit, and nothing is cut before a deletion.

use super::ago::minute;
use super::approvals::{Approvals, RuleLine};
use super::blocks::{block, value_column};
use super::group::{groups, is_heal};
use super::head::Header;
use super::markdown_table::table;
use super::markdown_text::{Page, code, fenced, word};
use super::style::Paper;
use super::text::{clipped, counted, grouped};
use crate::plan::Plan;

/// What forges accept as one comment, with room for a mark before it and a line after it. Held in
/// bytes, which are never fewer than characters.
pub const COMMENT_LIMIT: usize = 65_536 - 256;
/// Rules and names that are printed.
const RULES_SHOWN: usize = 10;
const NAMES_SHOWN: usize = 12;
/// Columns of the fields below the fold.
const FOLD_COLUMNS: usize = 100;
const FOLD: (&str, &str) = ("\n<details><summary>Fields</summary>\n\n", "\n</details>\n");

/// The plan as a comment of at most [`COMMENT_LIMIT`] characters.
pub fn plan_markdown(plan: &Plan, header: &Header, approvals: Option<&Approvals>) -> String {
    let mut page = Page::new(COMMENT_LIMIT);
    page.push(&title(plan), 0);
    if header.of_snapshot {
        page.push(&format!("Against a snapshot of the live state of {}.\n", minute(plan.live_read_at())), 0);
    }
    for one in plan.refused().iter().take(RULES_SHOWN) {
        page.push(&format!("\n⛔ {}\n\n", word(&one.sentence())), 0);
    }
    table(plan, header, &mut page);
    if let Some(approvals) = approvals {
        approval_lines(approvals, &mut page);
    }
    details(plan, header, &mut page);
    page.finish()
}

fn title(plan: &Plan) -> String {
    let counts = plan.counts();
    let actions = code(&plan.actions().short());
    if plan.is_empty() && counts.waiting == 0 {
        return format!(
            "### Pintle plan: no changes          {actions}\n{} as declared.\n",
            counted(plan.objects(), "object")
        );
    }
    let words = [
        (counts.create, "create"),
        (counts.change, "change"),
        (counts.delete, "delete"),
        (counts.remove, "remove"),
        (counts.terminate, "terminate"),
        (counts.heal, "heal"),
        (counts.waiting, "waiting"),
    ];
    let words = words.into_iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = words
        .map(|(number, what)| {
            let text = format!("{} {what}", grouped(number));
            if matches!(what, "delete" | "remove") { format!("**{text}**") } else { text }
        })
        .collect();
    let refused = if plan.refused().is_empty() { "" } else { " · **refused**" };
    format!("### Pintle plan: {}{refused}          {actions}\n", words.join(", "))
}

/// A line for each rule, as long as there is room; a rule too long for it keeps its numbers.
fn approval_lines(approvals: &Approvals, page: &mut Page) {
    page.push("\n", 0);
    for rule in approvals.rules.iter().take(RULES_SHOWN) {
        let command = approvals.approve_with.as_ref().filter(|_| rule.lacking() > 0);
        let command = command.map(|text| format!(" · to approve: {}", code(&clipped(text, 200)))).unwrap_or_default();
        let numbers = format!("Approvals: {} of {}", rule.have.len(), rule.needed);
        if !page.push(&format!("{numbers}{}{command}\n\n", rule_line(rule)), RULES_SHOWN * 64) {
            page.push(&format!("{numbers}\n\n"), 0);
        }
    }
    if approvals.rules.len() > RULES_SHOWN {
        page.push(
            &format!("and {}: `pintle verify --explain`\n", counted(approvals.rules.len() - RULES_SHOWN, "more rule")),
            0,
        );
    }
}

fn rule_line(rule: &RuleLine) -> String {
    let names = |names: &[String], after: &str| {
        names
            .iter()
            .take(NAMES_SHOWN)
            .map(|name| format!("{}{after}", word(&clipped(name, 80))))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut parts = vec![format!(" ({}, rule {})", names(&rule.from, ""), word(&clipped(&rule.name, 80)))];
    if !rule.have.is_empty() {
        parts.push(names(&rule.have, " ✓"));
    }
    if rule.lacking() > 0 && !rule.missing.is_empty() {
        parts.push(format!("missing: {} of {}", rule.lacking(), names(&rule.missing, "")));
    }
    parts.join(" · ")
}

/// Every field of every change, folded, as long as there is room.
fn details(plan: &Plan, header: &Header, page: &mut Page) {
    let changed = groups(plan.steps(), |change| !(change.action.ends() || is_heal(change) && change.fields.is_empty()));
    let paper = Paper::plain(FOLD_COLUMNS, plan.made_at());
    let column = value_column(&changed);
    let blocks: Vec<String> = changed.iter().map(|group| block(group, column, header, &paper).join("\n")).collect();
    if blocks.is_empty() {
        return;
    }
    // The fence and the note about what did not fit.
    let mut room = page.room(FOLD.0.len() + FOLD.1.len() + 256);
    let mut shown = Vec::new();
    for text in &blocks {
        // A fence grows with the longest run of backticks: counted twice, it cannot surprise.
        let cost = text.len() + 2 + 2 * text.matches('`').count();
        if cost > room {
            break;
        }
        room -= cost;
        shown.push(text.as_str());
    }
    if shown.is_empty() {
        return;
    }
    let rest = blocks.len() - shown.len();
    let more = if rest > 0 {
        format!("\n{} did not fit: `pintle plan` shows all.\n", counted(rest, "more change"))
    } else {
        String::new()
    };
    page.push(&format!("{}{}{more}{}", FOLD.0, fenced("text", &shown.join("\n\n")), FOLD.1), 0);
}
