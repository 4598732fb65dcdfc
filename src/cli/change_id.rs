//! `pintle change-id`: the name of a change, alone on a line, for trailers made by hand.

use super::judge::{open_repository, policy_at};
use super::{CliError, Exit, Out};
use pintle_core::change::Oid;
use pintle_core::model::Catalog;
use pintle_core::trust::{Memory, POLICY_PATH, Session, change_id};
use std::path::PathBuf;

/// From which commit to which.
#[derive(Debug, clap::Args)]
pub struct ChangeIdArgs {
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The accepted commit that the change starts from
    #[arg(long, env = "PINTLE_BASE", value_name = "OID")]
    base: String,
    /// The commit that it ends with
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// The id of the repository; the policy at the base says it if this does not
    #[arg(long, env = "PINTLE_REPO_ID", value_name = "UUID")]
    repo_id: Option<String>,
}

/// Prints the change id.
pub fn run(args: &ChangeIdArgs, out: &Out) -> Result<Exit, CliError> {
    let objects = open_repository(&args.repo)?;
    let commit = |rev: &str| -> Result<Oid, CliError> {
        objects.resolve(rev).map_err(|error| {
            CliError::because(format!("`{rev}` names no commit here"), error).hint("git fetch, or name another")
        })
    };
    let (base, rev) = (commit(&args.base)?, commit(&args.rev)?);
    let repo_id = match &args.repo_id {
        Some(id) => id.as_str().into(),
        None => policy_at(&objects, base)?
            .map(|policy| policy.repo_id)
            .ok_or_else(|| CliError::new(format!("{} has no {POLICY_PATH}", base.short())).hint("--repo-id UUID"))?,
    };
    let mut memory = Memory::default();
    let change = change_id(&mut Session::new(objects.as_ref(), Catalog::standard(), &mut memory), &repo_id, base, rev)
        .map_err(|error| CliError::because("the change has no id", error).hint("repair the tree: pintle validate"))?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "changeId": change, "base": base, "rev": rev, "repoId": repo_id}));
    } else {
        out.text(&change.to_string());
    }
    Ok(Exit::Success)
}
