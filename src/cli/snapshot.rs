//! `pintle snapshot`: the live state as a file, stamped with its time, so that CI plans without a
//! database. Secrets are never in it: documents hold only their names.

use super::{CliError, Exit, Out};
use crate::store::Store;
use crate::store::acceptance::SOURCE;
use pintle_core::change::ObjectKey;
use pintle_core::diff::{Bodies, LiveObject, LiveState, PacedRun, Pause, PendingJob};
use serde::{Deserialize, Serialize};
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

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SnapshotFile {
    format_version: String,
    read_at: jiff::Timestamp,
    objects: Vec<LiveObject>,
    jobs: Vec<PendingJob>,
    #[serde(default)]
    pauses: Vec<Pause>,
    #[serde(default)]
    runs: Vec<PacedRun>,
    bodies: Vec<(ObjectKey, Bodies)>,
}

/// Writes a snapshot of everything live.
pub async fn run(args: &SnapshotArgs, out: &Out) -> Result<Exit, CliError> {
    let store = Store::open(&args.database_url, 2)?;
    store.check_schema().await?;
    let live = store.snapshot(SOURCE, |live| live.objects.iter().map(|object| object.key.clone()).collect()).await?;
    let mut bodies: Vec<_> = live.bodies.into_iter().collect();
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    let file = SnapshotFile {
        format_version: "1.0".into(),
        read_at: live.read_at,
        objects: live.objects,
        jobs: live.jobs,
        pauses: live.pauses,
        runs: live.runs,
        bodies,
    };
    let text =
        serde_json::to_string(&file).map_err(|error| CliError::because("the snapshot cannot be written", error))?;
    match &args.file {
        None => out.text(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| CliError::because(format!("{} cannot be written", path.display()), error))?,
    }
    Ok(Exit::Success)
}

/// Reads a snapshot back.
pub(super) fn read(path: &Path) -> Result<LiveState, CliError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CliError::because(format!("{} is no snapshot", path.display()), error).hint("pintle snapshot FILE writes one")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.into()))?;
    let file: SnapshotFile = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    if file.format_version != "1.0" {
        return Err(failed(format!("its format is {}", file.format_version).into()));
    }
    let mut live = LiveState {
        objects: file.objects,
        jobs: file.jobs,
        read_at: file.read_at,
        pauses: file.pauses,
        runs: file.runs,
        parent: None,
        bodies: file.bodies.into_iter().collect(),
    };
    live.objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(live)
}
