//! `pintle unblock`: a branch with one signed commit that takes back everything held. Its tree is
//! exactly that of the accepted commit, so it changes nothing that is accepted and needs no approval.

use super::judge::{Judge, TrustArgs, fetch_approvals};
use super::signing::{not_made, signing_key};
use super::{CliError, Exit, Out};
use crate::git::Git;
use pintle_core::change::Oid;

/// Which tip, trusted from where.
#[derive(Debug, clap::Args)]
pub struct UnblockArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The held tip, instead of that of the ref
    #[arg(value_name = "REV")]
    rev: Option<String>,
    /// The branch to make
    #[arg(long, env = "PINTLE_BRANCH", value_name = "NAME")]
    branch: Option<String>,
    /// Fetch the approvals from a remote first: one may have arrived
    #[arg(long, env = "PINTLE_FETCH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    fetch: Option<String>,
}

/// Makes the branch, and says what to push.
pub async fn run(args: &UnblockArgs, out: &Out) -> Result<Exit, CliError> {
    if let Some(remote) = &args.fetch {
        fetch_approvals(&args.trust.repo, remote)?;
    }
    let judge = Judge::open(&args.trust, None).await?;
    let tip = judge.tip(args.rev.as_deref())?;
    let verdict = judge.verdict(tip)?;
    if let Some(refused) = &verdict.refused {
        return Err(CliError::new(format!("{} is refused, not held: {}", tip.short(), refused.reason.message))
            .hint(refused.reason.hint.clone())
            .exit(Exit::Untrusted));
    }
    let accepted = verdict.accepted.as_ref().map(pintle_core::trust::AcceptedCommit::commit);
    let (Some(accepted), Some(held)) = (accepted, &verdict.held) else {
        if out.is_json() {
            out.json(&serde_json::json!({"formatVersion": "1.0", "branch": null, "commit": null, "accepted": accepted, "tip": tip}));
        } else {
            out.text("Nothing is held.");
        }
        return Ok(Exit::Success);
    };
    let git = judge.git();
    signing_key(&git)?;
    let branch = args.branch.clone().unwrap_or_else(|| format!("unblock-{}", held.commit.short()));
    let commit = reverted(&git, accepted, tip, &branch)?;
    let target = judge.introduction.git_ref.trim_start_matches("refs/heads/").to_owned();
    said(out, &Done { accepted, tip, commit, branch, target });
    Ok(Exit::Success)
}

fn reverted(git: &Git, accepted: Oid, tip: Oid, branch: &str) -> Result<String, CliError> {
    let failed = |error| not_made("the revert cannot be made", error);
    let tree = git.run(&["rev-parse", &format!("{accepted}^{{tree}}")]).map_err(failed)?;
    let held = git.run(&["rev-list", "--topo-order", &format!("{accepted}..{tip}")]).map_err(failed)?;
    let commits: Vec<String> = held.lines().map(|oid| format!("This reverts commit {oid}.")).collect();
    let message = format!("Take back what is held after {}\n\n{}\n", accepted.short(), commits.join("\n"));
    let commit = git.signed_commit(&tree, &tip.to_string(), &message).map_err(failed)?;
    git.new_branch(branch, &commit, "pintle unblock").map_err(failed)?;
    Ok(commit)
}

struct Done {
    accepted: Oid,
    tip: Oid,
    commit: String,
    branch: String,
    target: String,
}

fn said(out: &Out, done: &Done) {
    let Done { accepted, tip, commit, branch, target } = done;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "branch": branch, "commit": commit, "accepted": accepted, "tip": tip}));
        return;
    }
    out.text(&format!(
        "The branch {branch} takes back everything between {} (accepted) and {} (held), in one signed commit.\n\
         It restores what is accepted, so it needs no approval.\n\n\
         look  git diff {} {branch}\n\
         next  git push origin {branch}:{target}\n\
        \x20     or a pull request, merged by rebase, squash or fast-forward; a merge commit moves nothing",
        accepted.short(),
        tip.short(),
        tip.short(),
    ));
}
