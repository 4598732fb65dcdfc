//! The words that carry authority: one grammar, one line, alone in the last paragraph of an empty
//! signed commit. It says what a commit claims; whether the claim counts is decided elsewhere.

use super::commit::Commit;
use super::keys::Fingerprint;
use super::session::{HistoryFault, Session};
use crate::change::{ChangeId, Digest, Oid};
use std::fmt;
use std::sync::Arc;

/// What is said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It may come.
    Approve,
    /// What was approved of it so far no longer counts.
    Withdraw,
    /// It must come at once, with fewer people than its rules ask for.
    BreakGlass,
    /// It came by breaking the glass, and that was right.
    Ratify,
    /// It may pass a limit of the guard, with exactly the actions that are named.
    AllowLimit,
}

impl Word {
    const ALL: [Self; 5] = [Self::Approve, Self::Withdraw, Self::BreakGlass, Self::Ratify, Self::AllowLimit];

    /// How the trailer begins.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Withdraw => "Withdraw",
            Self::BreakGlass => "Break-Glass",
            Self::Ratify => "Ratify",
            Self::AllowLimit => "Allow-Limit",
        }
    }
}

/// A word about a change, bound to where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Which.
    pub word: Word,
    /// The repository.
    pub repo_id: Arc<str>,
    /// The full ref, such as `refs/heads/main`.
    pub git_ref: Arc<str>,
    /// The accepted commit that whoever says it saw.
    pub base: Oid,
    /// The change.
    pub change: ChangeId,
    /// The actions that an approver saw, if the approval insists on them.
    pub actions: Option<Digest>,
    /// Why the glass was broken; which limit is passed, and why.
    pub reason: Option<Arc<str>>,
}

/// A key that must count for nothing from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The repository.
    pub repo_id: Arc<str>,
    /// The key.
    pub fingerprint: Fingerprint,
    /// Why.
    pub reason: Arc<str>,
}

/// That a branch stood at a commit when this was signed: who sees less is shown less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The repository.
    pub repo_id: Arc<str>,
    /// The full ref.
    pub git_ref: Arc<str>,
    /// Where it stood.
    pub tip: Oid,
}

/// A line that carries authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trailer {
    /// About a change.
    Statement(Statement),
    /// About a key.
    Revocation(Revocation),
    /// About where the branch stood.
    Heartbeat(Heartbeat),
}

/// Why a commit that uses one of the words says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTrailer {
    /// More than one such line in the last paragraph.
    #[error("its last paragraph holds more than one line that would carry authority")]
    Several,
    /// The line is not in the grammar.
    #[error("its {0} line is malformed")]
    Malformed(&'static str),
    /// It changes something, or has not exactly one parent.
    #[error("it is not an empty commit on one parent")]
    NotEmpty,
}

const REVOKE: &str = "Revoke";
const HEARTBEAT: &str = "Heartbeat";
/// The most bytes of a reason.
const MAX_REASON: usize = 500;

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, repo_id, git_ref, base, change, actions, reason } = self;
        write!(f, "{}: v1 repo={repo_id} ref={git_ref} base={base} change={change}", word.as_str())?;
        if let Some(actions) = actions {
            write!(f, " actions={actions}")?;
        }
        reason.iter().try_for_each(|reason| write!(f, " -- {reason}"))
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{REVOKE}: v1 repo={} fingerprint={} -- {}", self.repo_id, self.fingerprint, self.reason)
    }
}

impl fmt::Display for Trailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(one) => one.fmt(f),
            Self::Revocation(one) => one.fmt(f),
            Self::Heartbeat(one) => {
                write!(f, "{HEARTBEAT}: v1 repo={} ref={} tip={}", one.repo_id, one.git_ref, one.tip)
            }
        }
    }
}

impl Statement {
    /// A word about a change in `repo_id`, seen from `base`, without actions or reason.
    pub fn new(
        word: Word,
        repo_id: impl Into<Arc<str>>,
        git_ref: impl Into<Arc<str>>,
        base: Oid,
        change: ChangeId,
    ) -> Self {
        Self { word, repo_id: repo_id.into(), git_ref: git_ref.into(), base, change, actions: None, reason: None }
    }

    /// Which limit it lets which actions pass, if it does.
    pub(super) fn allows(&self) -> Option<(&str, Digest)> {
        let (limit, _) = self.reason.as_deref()?.split_once(" -- ")?;
        (self.word == Word::AllowLimit).then_some((limit, self.actions?))
    }
}

impl Trailer {
    /// Reads a line; one that it would not write itself is refused.
    pub fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(": v1 ")?;
        let (binding, reason) = match rest.split_once(" -- ") {
            Some((binding, reason)) => (binding, Some(sound_reason(reason)?)),
            None => (rest, None),
        };
        let mut words = binding.split(' ');
        let trailer = if word == REVOKE {
            Self::Revocation(revocation(&mut words, reason?)?)
        } else if word == HEARTBEAT {
            Self::Heartbeat(heartbeat(&mut words)?)
        } else {
            let word = Word::ALL.into_iter().find(|one| one.as_str() == word)?;
            Self::Statement(statement(word, &mut words, reason)?)
        };
        (trailer.to_string() == line).then_some(trailer)
    }

    /// What the last paragraph of a message says: `None` when it uses none of the words.
    pub fn of_message(commit: &Commit) -> Option<Result<Self, NoTrailer>> {
        let mut lines = commit.trailers().filter_map(|line| Some((line, named(line)?)));
        let (line, word) = lines.next()?;
        if lines.next().is_some() {
            return Some(Err(NoTrailer::Several));
        }
        Some(Self::parse(line).ok_or(NoTrailer::Malformed(word)))
    }
}

/// Which of the words a line begins with.
fn named(line: &str) -> Option<&'static str> {
    let (word, _) = line.split_once(':')?;
    Word::ALL.into_iter().map(Word::as_str).chain([REVOKE, HEARTBEAT]).find(|one| *one == word)
}

fn sound_reason(reason: &str) -> Option<Arc<str>> {
    let plain = !reason.trim().is_empty() && reason.len() <= MAX_REASON && !reason.contains(char::is_control);
    plain.then(|| reason.into())
}

fn statement<'l>(word: Word, words: &mut impl Iterator<Item = &'l str>, reason: Option<Arc<str>>) -> Option<Statement> {
    let mut field = |name: &str| words.next()?.strip_prefix(name);
    let repo_id = field("repo=")?.into();
    let git_ref = field("ref=")?.into();
    let base = field("base=")?.parse().ok()?;
    let change = field("change=")?.parse().ok()?;
    let actions = match words.next() {
        Some(text) => Some(text.strip_prefix("actions=")?.parse().ok()?),
        None => None,
    };
    let fits = match word {
        Word::Approve => reason.is_none(),
        Word::Withdraw | Word::Ratify => actions.is_none() && reason.is_none(),
        Word::BreakGlass => actions.is_none() && reason.is_some(),
        Word::AllowLimit => actions.is_some() && reason.as_ref().is_some_and(|reason| reason.contains(" -- ")),
    };
    fits.then_some(Statement { word, repo_id, git_ref, base, change, actions, reason })
}

fn revocation<'l>(words: &mut impl Iterator<Item = &'l str>, reason: Arc<str>) -> Option<Revocation> {
    let mut field = |name: &str| words.next()?.strip_prefix(name);
    let repo_id = field("repo=")?.into();
    let fingerprint = field("fingerprint=")?.parse().ok()?;
    words.next().is_none().then_some(Revocation { repo_id, fingerprint, reason })
}

fn heartbeat<'l>(words: &mut impl Iterator<Item = &'l str>) -> Option<Heartbeat> {
    let mut field = |name: &str| words.next()?.strip_prefix(name);
    let (repo_id, git_ref) = (field("repo=")?.into(), field("ref=")?.into());
    let tip = field("tip=")?.parse().ok()?;
    words.next().is_none().then_some(Heartbeat { repo_id, git_ref, tip })
}

/// What the commit `oid` says; `None` when it uses none of the words.
pub(super) fn trailer_of(
    session: &mut Session<'_>,
    oid: Oid,
) -> Result<Option<Result<Trailer, NoTrailer>>, HistoryFault> {
    let commit = session.commit(oid)?;
    match Trailer::of_message(&commit) {
        Some(Ok(_)) if !is_empty(session, &commit)? => Ok(Some(Err(NoTrailer::NotEmpty))),
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

/// The message of a commit that says `trailer`: a subject for people, then the line.
pub fn message_of(trailer: &Trailer, subject: &str) -> String {
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(72).collect();
    format!("{}\n\n{trailer}\n", subject.trim())
}
