//! Which commit is approved, and what would be accepted of it.

use crate::cli::CliError;
use crate::cli::judge::Judge;
use crate::git::{Git, GitError};
use pintle_core::change::Oid;
use pintle_core::trust::AcceptedCommit;

/// What is approved: the commit, the branch it is the tip of, and what would be accepted.
pub(in crate::cli) struct Target {
    pub tip: Oid,
    pub branch: Option<String>,
    /// The tip, or the merge that the merge button would make of it.
    pub candidate: Oid,
}

/// What `what` means: a branch, or a revision.
pub(in crate::cli) fn target(
    judge: &Judge,
    git: &Git,
    accepted: &AcceptedCommit,
    what: &str,
) -> Result<Target, CliError> {
    let Target { tip, branch, .. } = rewritten(judge, git, what)?;
    let base = accepted.commit();
    if judge.objects.descends(base, tip) {
        return Err(CliError::new(format!("{} is accepted already", tip.short())).hint("pintle verify"));
    }
    let candidate = if judge.objects.descends(tip, base) { tip } else { merged(git, base, tip)? };
    Ok(Target { tip, branch, candidate })
}

/// What `what` means where it shall come next as it stands, wherever it does.
pub(super) fn rewritten(judge: &Judge, git: &Git, what: &str) -> Result<Target, CliError> {
    let tip = judge.tip(Some(what))?;
    let head = || git.run(&["symbolic-ref", "--quiet", "HEAD"]).ok();
    let named =
        if what == "HEAD" { head() } else { Some(format!("refs/heads/{}", what.trim_start_matches("refs/heads/"))) };
    let branch = named.filter(|name| judge.objects.resolve(name).is_ok_and(|oid| oid == tip));
    Ok(Target { tip, branch, candidate: tip })
}

/// The merge that the merge button would make: what is accepted in the end, so what is approved.
fn merged(git: &Git, base: Oid, tip: Oid) -> Result<Oid, CliError> {
    let failed = |error: GitError| {
        CliError::because(format!("{} cannot be merged with the accepted {}", tip.short(), base.short()), error)
            .hint(format!("merge what is accepted into it first: git merge {}", base.short()))
    };
    let (base, tip) = (base.to_string(), tip.to_string());
    let tree = git.run(&["merge-tree", "--write-tree", &base, &tip]).map_err(failed)?;
    let tree = tree.lines().next().unwrap_or_default().to_owned();
    // A machine that checks has no name of its own, and nobody ever sees this commit.
    let who = ["-c", "user.name=pintle", "-c", "user.email=pintle@localhost.localdomain"];
    let make = ["commit-tree", "--no-gpg-sign", &tree, "-p", &base, "-p", &tip, "-m", "What a merge would bring"];
    let commit = git.run(&[&who[..], &make[..]].concat()).map_err(failed)?;
    commit.parse().map_err(|_| CliError::new("git named no commit"))
}
