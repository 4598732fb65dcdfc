//! The `Approve` trailer: its one grammar, and the commit that may carry it.
//! It says what a commit claims; whether the claim counts for a change is decided by the quorum.

use super::commit::Commit;
use super::session::{HistoryFault, Session};
use crate::change::{ChangeId, Digest, Oid};
use std::sync::Arc;

const PREFIX: &str = "Approve:";

/// What an approval binds itself to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The repository.
    pub repo_id: Arc<str>,
    /// The full ref, such as `refs/heads/main`.
    pub git_ref: Arc<str>,
    /// The accepted commit that the approver saw.
    pub base: Oid,
    /// The change.
    pub change: ChangeId,
    /// The actions that the approver saw, if the approval insists on them.
    pub actions: Option<Digest>,
}

/// Why a commit that carries the word is no approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoApproval {
    /// More than one such line in the last paragraph.
    #[error("its last paragraph holds more than one Approve line")]
    Several,
    /// The line is not in the grammar.
    #[error("its Approve line is malformed")]
    Malformed,
    /// It changes something, or has not exactly one parent.
    #[error("it is not an empty commit on one parent")]
    NotEmpty,
}

impl Approval {
    /// The trailer line, without a newline.
    pub fn line(&self) -> String {
        let actions = self.actions.map(|digest| format!(" actions={digest}")).unwrap_or_default();
        format!(
            "{PREFIX} v1 repo={} ref={} base={} change={}{actions}",
            self.repo_id, self.git_ref, self.base, self.change
        )
    }

    /// Reads a trailer line; one that it would not write itself is refused.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix(PREFIX)?.strip_prefix(" v1 ")?.split(' ');
        let mut field = |name: &str| words.next()?.strip_prefix(name);
        let repo_id = field("repo=")?.into();
        let git_ref = field("ref=")?.into();
        let base = field("base=")?.parse().ok()?;
        let change = field("change=")?.parse().ok()?;
        let actions = match words.next() {
            Some(word) => Some(word.strip_prefix("actions=")?.parse().ok()?),
            None => None,
        };
        let approval = Self { repo_id, git_ref, base, change, actions };
        (approval.line() == line).then_some(approval)
    }

    /// The approval that the last paragraph of a message holds: `None` when it does not use the word.
    pub fn of_message(commit: &Commit) -> Option<Result<Self, NoApproval>> {
        let mut lines = commit.trailers().filter(|line| line.starts_with(PREFIX));
        let line = lines.next()?;
        if lines.next().is_some() {
            return Some(Err(NoApproval::Several));
        }
        Some(Self::parse(line).ok_or(NoApproval::Malformed))
    }
}

/// The approval that the commit `oid` is; `None` when it does not use the word.
pub(super) fn approval_of(
    session: &mut Session<'_>,
    oid: Oid,
) -> Result<Option<Result<Approval, NoApproval>>, HistoryFault> {
    let commit = session.commit(oid)?;
    match Approval::of_message(&commit) {
        Some(Ok(_)) if !is_empty(session, &commit)? => Ok(Some(Err(NoApproval::NotEmpty))),
        other => Ok(other),
    }
}

/// Whether a commit changes nothing: exactly one parent and the same tree.
pub(super) fn is_empty(session: &mut Session<'_>, commit: &Commit) -> Result<bool, HistoryFault> {
    match commit.parents.as_slice() {
        [parent] => Ok(session.commit(*parent)?.tree == commit.tree),
        _ => Ok(false),
    }
}

/// The message of an approval commit: a subject for people, then the trailer.
pub fn approve_message(approval: &Approval, subject: &str) -> String {
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    format!("Approve {}\n\n{}\n", subject.trim(), approval.line())
}
