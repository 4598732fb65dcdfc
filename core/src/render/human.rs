//! A plan for people at a terminal: head, blocks, deletions, drift, waits, and the numbers last,
//! where the eye is.

use super::approvals::Approvals;
use super::blocks::{block, value_column};
use super::group::{Group, groups, is_heal};
use super::head::{self, Header};
use super::style::{Paper, Style};
use super::summary::summary;
use super::text::{grouped, visible, wrapped};
use super::{blocks, sections};
use crate::diff::Action;
use crate::plan::Plan;

/// New objects of one kind that have a block of their own.
const CREATES_SHOWN: usize = 8;

/// The plan as text for `paper`. The same arguments give the same text.
pub fn plan_human(plan: &Plan, header: &Header, approvals: Option<&Approvals>, paper: &Paper) -> String {
    let mut parts = vec![head::lines(plan, header, paper)];
    let creates = groups(plan.steps(), |change| change.action == Action::Create);
    let updates = groups(plan.steps(), |change| {
        !is_heal(change) && !matches!(change.action, Action::Create | Action::Delete | Action::Remove)
    });
    let deletes = groups(plan.steps(), |change| change.action.ends());
    let heals = groups(plan.steps(), is_heal);
    let column = value_column(&updates);
    parts.extend(creation_blocks(&creates, header, paper));
    parts.extend(updates.iter().chain(&deletes).map(|group| block(group, column, header, paper)));
    let drifted: Vec<Group<'_>> = updates.into_iter().chain(heals).collect();
    let mut sections = sections::drift(&drifted, paper);
    sections.extend(sections::waits(plan, paper));
    sections.extend(sections::refusals(plan, paper));
    parts.push(sections);
    parts.push(closing(plan, approvals, paper));
    let parts = parts.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"));
    parts.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// A block for each of the first new objects of a kind; the others are counted and some named.
fn creation_blocks(creates: &[Group<'_>], header: &Header, paper: &Paper) -> Vec<Vec<String>> {
    let mut kinds: Vec<(&str, Vec<&Group<'_>>)> = Vec::new();
    for group in creates {
        let kind = &*group.first().key.kind;
        match kinds.iter_mut().find(|(have, _)| *have == kind) {
            Some((_, list)) => list.push(group),
            None => kinds.push((kind, vec![group])),
        }
    }
    let mut parts = Vec::new();
    for (kind, list) in kinds {
        let most = if list.len() <= CREATES_SHOWN + 1 { list.len() } else { CREATES_SHOWN };
        parts.extend(list[..most].iter().map(|group| block(group, 0, header, paper)));
        let rest = &list[most..];
        if !rest.is_empty() {
            let title = format!(
                "  {}",
                paper.paint(Style::Heading, &format!("{} more new {}", grouped(rest.len()), visible(kind)))
            );
            let names = blocks::names(rest.iter().map(|group| &group.first().key), 3, paper);
            parts.push(std::iter::once(title).chain(names.into_iter().map(|line| format!("      {line}"))).collect());
        }
    }
    parts
}

fn closing(plan: &Plan, approvals: Option<&Approvals>, paper: &Paper) -> Vec<String> {
    let mut lines: Vec<String> =
        wrapped(&summary(plan), paper.columns()).iter().map(|line| paper.paint(Style::Bold, line)).collect();
    if plan.counts().create > 0 {
        lines.push(paper.paint(Style::Muted, "Every field of what is new: pintle plan -o json"));
    }
    let Some(approvals) = approvals else { return lines };
    for rule in &approvals.rules {
        let style = if rule.lacking() > 0 { Style::Warning } else { Style::Muted };
        lines.extend(wrapped(&rule.sentence(), paper.columns()).iter().map(|line| paper.paint(style, line)));
    }
    if let (Some(command), super::Verdict::Missing) = (&approvals.approve_with, approvals.verdict) {
        lines.push(format!("To approve: {}", visible(command)));
    }
    lines
}
