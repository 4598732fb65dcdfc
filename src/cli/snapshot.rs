//! `pintle snapshot`: the live state as a file, stamped with its time, so that CI plans without a database.

use super::{CliError, Exit, Out};
use crate::snapshot::Snapshot;
use crate::store::Store;
use std::path::{Path, PathBuf};

/// Where from, where to.
#[derive(Debug, clap::Args)]
pub struct SnapshotArgs {
    /// Postgres; reading suffices
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: String,
    /// The file; standard output if there is none
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Writes a snapshot of everything live.
pub async fn run(args: &SnapshotArgs, out: &Out) -> Result<Exit, CliError> {
    let store = Store::open(&args.database_url, 2)?;
    store.check_schema().await?;
    let text = Snapshot::of(&store)
        .await?
        .json()
        .map_err(|error| CliError::because("the snapshot cannot be written", error))?;
    match &args.file {
        None => out.text(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| CliError::because(format!("{} cannot be written", path.display()), error))?,
    }
    Ok(Exit::Success)
}

/// Reads a snapshot back.
pub(super) fn read(path: &Path) -> Result<Snapshot, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::because(format!("{} cannot be read", path.display()), error))?;
    Snapshot::read(&text).map_err(|error| {
        CliError::because(format!("{} is no snapshot", path.display()), error).hint("pintle snapshot FILE writes one")
    })
}
