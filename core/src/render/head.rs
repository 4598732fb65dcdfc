//! The first lines of a plan: which commit, how old the live state is, the name of the actions.

use super::ago::ago;
use super::style::{Paper, Style};
use super::text::{clipped, columns, visible};
use crate::plan::Plan;
use jiff::{SignedDuration, Timestamp};

/// What the shell knows of a plan beside the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The revision, as short as it can be pasted.
    pub short_commit: String,
    /// The first line of its message.
    pub subject: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// How long a deletion can be taken back.
    pub delete_grace: SignedDuration,
    /// Whether the live state is that of a snapshot, which may be old.
    pub of_snapshot: bool,
}

impl Header {
    /// A header of which only the revision is known.
    pub fn of(short_commit: impl Into<String>) -> Self {
        Self {
            short_commit: short_commit.into(),
            subject: None,
            author: None,
            committed_at: None,
            delete_grace: SignedDuration::from_hours(24),
            of_snapshot: false,
        }
    }

    /// The grace as in the settings: `24h`; with a space between, as people write it.
    pub(super) fn grace(&self, between: &str) -> String {
        let minutes = self.delete_grace.as_mins();
        if minutes % 60 == 0 { format!("{}{between}h", minutes / 60) } else { format!("{minutes}{between}min") }
    }
}

/// Wider lines are harder to read than to scroll.
const WIDEST: usize = 100;
/// Less room than this on the left, and the right half gets lines of its own.
const LEFT_NEEDS: usize = 34;

/// The two lines, or four on narrow paper.
pub(super) fn lines(plan: &Plan, header: &Header, paper: &Paper) -> Vec<String> {
    let when = header.committed_at.map(|at| ago(at, paper.now));
    let by = header.author.as_deref().map(visible);
    let written = when.into_iter().chain(by).collect::<Vec<_>>().join(", ");
    let right = [written, format!("actions {}", plan.actions().short())];
    let width = paper.columns().min(WIDEST);
    let column = width.saturating_sub(right.iter().map(|text| columns(text)).max().unwrap_or(0));
    let commit = visible(&header.short_commit);
    let used = columns(&commit) + 10;
    let stacked = column < LEFT_NEEDS.max(used + 2);
    let room = if stacked { width } else { column - 2 }.saturating_sub(used);
    let subject = header.subject.as_deref().map(|text| clipped(&visible(text), room)).unwrap_or_default();
    let live = format!("read {}", ago(plan.live_read_at(), paper.now));
    let left = [
        (
            format!("commit  {commit}  {subject}"),
            format!("{}  {}  {subject}", label("commit", paper), paper.paint(Style::Bold, &commit)),
        ),
        (format!("live    {live}"), format!("{}  {live}", label("live  ", paper))),
    ];
    left.into_iter()
        .zip(right)
        .flat_map(|((plain, painted), right)| {
            let gap = column.saturating_sub(columns(plain.trim_end()));
            let right = paper.paint(Style::Muted, &right);
            match (right.is_empty(), stacked) {
                (true, _) => vec![painted.trim_end().to_owned()],
                (false, true) => vec![painted.trim_end().to_owned(), format!("        {right}")],
                (false, false) => vec![format!("{}{}{right}", painted.trim_end(), " ".repeat(gap))],
            }
        })
        .collect()
}

fn label(text: &str, paper: &Paper) -> String {
    paper.paint(Style::Muted, text)
}
