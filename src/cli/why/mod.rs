//! `pintle why`: what became of an object or a commit, and what would move it.

mod commit;
mod object;

use super::database::Database;
use super::{CliError, Exit, Out, target};
use std::path::PathBuf;

/// What is asked about.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// An object, such as `Instance/acme-prod`, or a commit
    #[arg(value_name = "KIND/NAME | COMMIT")]
    what: String,
    /// The repository in which names of commits are looked up
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    database: Database,
}

/// Explains.
pub async fn run(args: &WhyArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    if target::is_object(&args.what) {
        return object::explain(&store, &target::object(&args.what)?, out).await;
    }
    let oid = match target::commit(&args.repo, &args.what) {
        Err(_) if args.what.contains('/') => {
            return Err(target::object(&args.what).err().unwrap_or_else(|| CliError::new("nothing is called so")));
        }
        other => other?,
    };
    commit::explain(&store, &oid, &args.repo, out).await
}
