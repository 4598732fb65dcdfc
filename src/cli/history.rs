//! `pintle history`: accepted commits, newest first, and what they changed.

use super::database::Database;
use super::table::{Cell, Table, short};
use super::{CliError, Exit, Out};
use crate::source::GitObjects;
use crate::store::history::HistoryRow;
use pintle_core::change::Oid;
use pintle_core::render::{Style, ago};
use pintle_core::trust::{Acceptance, Commit, Counted, ObjectKind, ObjectStore};
use serde_json::json;
use std::path::PathBuf;

/// How many.
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// At most so many
    #[arg(short = 'n', long, env = "PINTLE_LIMIT", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// A repository that has the commits: their subjects are shown
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    database: Database,
}

/// Prints the newest accepted commits.
pub async fn run(args: &HistoryArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let rows = store.history("", args.limit).await?;
    let repo = GitObjects::open(&args.repo).ok();
    let subjects: Vec<Option<String>> = rows.iter().map(|row| subject(repo.as_ref()?, row.acceptance.commit)).collect();
    if out.is_json() {
        let items: Vec<_> =
            rows.iter().zip(&subjects).map(|(row, subject)| json!({"acceptance": row, "subject": subject})).collect();
        out.json(&json!({"formatVersion": "1.0", "commits": items}));
    } else if rows.is_empty() {
        out.text("Nothing is accepted yet. (pintle status)");
    } else {
        out.text(&table(&rows, &subjects, out));
    }
    Ok(Exit::Success)
}

fn table(rows: &[HistoryRow], subjects: &[Option<String>], out: &Out) -> String {
    let paper = out.paper();
    let mut table = Table::new(&["seq", "commit", "accepted", "objects", "by", "subject"]);
    for (row, subject) in rows.iter().zip(subjects) {
        let step = &row.acceptance;
        table.row([
            step.seq.to_string().into(),
            Cell::from(step.commit.short()).styled(Style::Bold),
            ago(step.accepted_at, paper.now).into(),
            row.objects.to_string().into(),
            by(step).into(),
            subject.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(&paper)
}

/// The first line of a commit's message, when the repository has it.
pub(super) fn subject(repo: &GitObjects, commit: Oid) -> Option<String> {
    let raw = repo.raw(commit, ObjectKind::Commit).ok()?;
    Some(Commit::parse(&raw).ok()?.subject().to_owned())
}

/// The people whose word counted, authors first, each once.
pub(super) fn people(step: &Acceptance) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    let mut counted: Vec<&Counted> = step.counted.iter().collect();
    counted.sort_by_key(|one| one.role);
    for one in counted {
        if !people.iter().any(|have| have == &*one.person) {
            people.push(one.person.to_string());
        }
    }
    people
}

/// Who made a commit count. Nobody has to for one without a change of its own, such as an approval.
pub(super) fn by(step: &Acceptance) -> String {
    match (step.counted.is_empty(), step.seq) {
        (false, _) => counted(&step.counted),
        (true, 1) => "the introduction".to_owned(),
        (true, _) => "nobody (no change of its own)".to_owned(),
    }
}

/// `alice (author), bob: gold`: who counted, in which role, for which rules.
fn counted(counted: &[Counted]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for one in counted {
        let rules = one.rules.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        let role = if one.role.as_str() == "author" { " (author)" } else { "" };
        let part =
            if rules.is_empty() { format!("{}{role}", one.person) } else { format!("{}{role}: {rules}", one.person) };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join("; ")
}

/// The newest accepted commit whose id begins with `prefix`, refusing a prefix that two begin with.
pub(super) async fn one(store: &crate::store::Store, prefix: &str) -> Result<Option<HistoryRow>, CliError> {
    let mut rows = store.history(prefix, 2).await?;
    if rows.len() > 1 {
        let both: Vec<String> = rows.iter().map(|row| short(&row.acceptance.commit.to_string()).to_owned()).collect();
        return Err(CliError::new(format!("`{prefix}` begins more than one accepted commit"))
            .hint(format!("give more digits: {}", both.join(", "))));
    }
    Ok(rows.pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::trust::Role;

    #[test]
    fn who_counted_is_said_once_with_role_and_rules() {
        let one = |person: &str, role, rules: &[&str]| Counted {
            person: person.into(),
            fingerprint: serde_json::from_value(json!(format!("SHA256:{}", "A".repeat(43)))).unwrap(),
            commit: Oid([1; 20]),
            role,
            rules: rules.iter().map(|rule| (*rule).into()).collect(),
        };
        let all = [
            one("alice", Role::Author, &["gold"]),
            one("bob", Role::Approver, &["gold", "ops"]),
            one("bob", Role::Approver, &["gold", "ops"]),
        ];
        assert_eq!(counted(&all), "alice (author): gold; bob: gold, ops");
    }
}
