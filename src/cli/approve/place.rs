//! The signed commit, and where it is put: on the branch, under the approvals ref, on the remote.

use super::{Signer, Target};
use crate::cli::CliError;
use crate::git::{Git, GitError};
use crate::source::APPROVALS;
use pintle_core::change::Oid;
use pintle_core::trust::{PublicKey, Statement, Trailer, Word, message_of};

/// An empty commit on `tip` that says `statement`, signed by the user's git.
pub(super) fn signed(
    git: &Git,
    signer: &Signer,
    tip: Oid,
    statement: Statement,
    subject: &str,
) -> Result<Oid, CliError> {
    let verb = match statement.word {
        Word::Approve => "Approve",
        Word::Withdraw => "Withdraw",
        Word::BreakGlass => "Break the glass for",
        Word::Ratify => "Ratify",
        Word::AllowLimit => "Let a limit be passed by",
    };
    empty(git, &signer.key, tip, &Trailer::Statement(statement), &format!("{verb} {subject}"))
}

/// An empty commit on `tip` that says `trailer`.
pub(in crate::cli) fn empty(
    git: &Git,
    key: &PublicKey,
    tip: Oid,
    trailer: &Trailer,
    subject: &str,
) -> Result<Oid, CliError> {
    if key.is_fido() {
        eprintln!("Touch the token when it blinks.");
    }
    let failed = |error: GitError| {
        CliError::because("git could not sign it", error)
            .hint("touch or unlock the key, see that ssh-agent holds it (ssh-add -l), and run it again")
    };
    let tip = tip.to_string();
    let tree = git.run(&["rev-parse", &format!("{tip}^{{tree}}")]).map_err(failed)?;
    let commit = git.signed_commit(&tree, &tip, &message_of(trailer, subject)).map_err(failed)?;
    commit.parse().map_err(|_| CliError::new("git named no commit"))
}

/// Puts it on the branch, and under the approvals ref, where squash and rebase do not reach.
pub(super) fn placed(git: &Git, target: &Target, name: &str, commit: Oid) -> Result<(), CliError> {
    let failed = |error: GitError| {
        CliError::because("the approval cannot be put in its place", error)
            .hint("the branch moved meanwhile: run it again")
    };
    if let Some(branch) = &target.branch {
        git.run(&["update-ref", "-m", "pintle approve", branch, &commit.to_string(), &target.tip.to_string()])
            .map_err(failed)?;
    }
    git.run(&["update-ref", "-m", "pintle approve", name, &commit.to_string()]).map_err(failed).map(drop)
}

/// Pushes it to where it stands here.
pub(super) fn pushed(git: &Git, target: &Target, name: &str, commit: Oid, remote: &str) -> Result<(), CliError> {
    let mut arguments = vec!["push".to_owned(), "--quiet".to_owned(), remote.to_owned(), format!("+{commit}:{name}")];
    arguments.extend(target.branch.as_ref().map(|branch| format!("{commit}:{branch}")));
    git.run(&arguments).map(drop).map_err(|error| {
        let again = arguments.iter().skip(3).map(String::as_str).collect::<Vec<_>>().join(" ");
        CliError::because(format!("the approval is made, and could not be pushed to {remote}"), error)
            .hint(format!("git push {remote} {again}"))
    })
}

/// A name under the approvals ref, of what git lets a name be made of.
pub(in crate::cli) fn approvals_name(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("{APPROVALS}{name}")
}

/// The ref under which a word about `change` by `person` stands.
pub(super) fn approvals_ref(word: Word, change: &str, person: &str) -> String {
    let suffix = match word {
        Word::Approve => "",
        Word::Withdraw => "-withdraw",
        Word::BreakGlass => "-break-glass",
        Word::Ratify => "-ratify",
        Word::AllowLimit => "-allow-limit",
    };
    approvals_name(&format!("{change}-{person}{suffix}"))
}
