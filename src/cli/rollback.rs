//! `pintle rollback`: a branch with one signed commit that takes an accepted commit back. A rollback is
//! a change like any other: the policy may ask fewer people for it, and nothing fights it afterwards.

use super::judge::{open_repository, user_git};
use super::signing::{not_made, signing_key};
use super::{CliError, Exit, Out};
use pintle_core::change::Oid;
use std::path::PathBuf;

/// What to take back, onto what.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// The commit to take back; of a merge, everything that it brought
    #[arg(value_name = "COMMIT")]
    commit: String,
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// What the rollback comes after
    #[arg(long, env = "PINTLE_ONTO", value_name = "REV", default_value = "main")]
    onto: String,
    /// The branch to make
    #[arg(long, env = "PINTLE_BRANCH", value_name = "NAME")]
    branch: Option<String>,
    /// Why; becomes part of the message
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: Option<String>,
}

/// Makes the branch, and says what to do with it.
pub fn run(args: &RollbackArgs, out: &Out) -> Result<Exit, CliError> {
    let objects = open_repository(&args.repo)?;
    let named = |rev: &str| {
        objects.resolve(rev).map_err(|error| {
            CliError::because(format!("`{rev}` names no commit here"), error)
                .hint("git fetch; pintle history lists what is accepted")
        })
    };
    let (bad, onto) = (named(&args.commit)?, named(&args.onto)?);
    if !objects.descends(onto, bad) {
        return Err(CliError::new(format!("{} is not part of {}", bad.short(), args.onto))
            .hint("--onto REV names another branch"));
    }
    let git = user_git(&objects);
    signing_key(&git)?;
    let branch = args.branch.clone().unwrap_or_else(|| format!("rollback-{}", bad.short()));
    let subject = git.run(&["show", "--no-patch", "--format=%s", &bad.to_string()]).unwrap_or_default();
    let reason = args.reason.as_ref().map(|reason| format!("{reason}\n\n")).unwrap_or_default();
    let message = format!("Take back \"{subject}\"\n\n{reason}This reverts commit {bad}.\n");
    let failed = |error| not_made("the rollback cannot be made", error);
    let tree = reverted(objects.path(), bad, onto)?;
    let commit = git.signed_commit(&tree, &onto.to_string(), &message).map_err(failed)?;
    git.new_branch(&branch, &commit, "pintle rollback").map_err(failed)?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "branch": branch, "commit": commit, "takesBack": bad, "onto": onto}));
    } else {
        out.text(&format!(
            "The branch {branch} takes {} back, in one signed commit on {}.\n\nlook  pintle plan --rev {branch} --against {}\nnext  git push origin {branch}, and a pull request; approvals as the policy asks: pintle approve {branch}",
            bad.short(), args.onto, args.onto
        ));
    }
    Ok(Exit::Success)
}

/// The tree of `onto` without what `bad` brought.
fn reverted(repository: &std::path::Path, bad: Oid, onto: Oid) -> Result<String, CliError> {
    let failed = |error: git2::Error| CliError::because("the revert cannot be computed", error).hint("git fsck");
    let open = || -> Result<_, git2::Error> {
        let repository = git2::Repository::open(repository)?;
        let find = |oid: Oid| repository.find_commit(git2::Oid::from_bytes(&oid.0)?);
        let (bad, onto) = (find(bad)?, find(onto)?);
        let mainline = u32::from(bad.parent_count() > 1);
        let mut index = repository.revert_commit(&bad, &onto, mainline, None)?;
        if index.has_conflicts() {
            let paths =
                index.conflicts()?.filter_map(Result::ok).filter_map(|one| one.our.or(one.their).or(one.ancestor));
            let mut paths: Vec<String> = paths.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect();
            paths.dedup();
            return Ok(Err(paths));
        }
        Ok(Ok(index.write_tree_to(&repository)?.to_string()))
    };
    open().map_err(failed)?.map_err(|paths| {
        CliError::new(format!("later commits changed the same lines: {}", paths.join(", ")))
            .hint(format!("git revert {} and solve it by hand", bad.short()))
    })
}
