//! `pintle apply`: shows the plan, asks the daemon to look now, and waits. It never writes anything
//! itself: what is applied is what the daemon accepts.

use super::database::{Database, os_user, writing};
use super::follow::{Place, follow};
use super::plan::{Revision, header, read, rendered, unsound};
use super::table::short;
use super::wait::{Patience, until_applied};
use super::{CliError, Exit, Format, Out, against};
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the daemon may take to fetch what was just pushed.
const FETCH: Duration = Duration::from_secs(5);

/// Which revision.
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// The revision: the tip of the watched branch, or an ancestor of it
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    rev: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    database: Database,
}

/// Plans, asks, waits.
pub async fn run(args: &ApplyArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let revision = read(&args.repo, &args.rev)?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    // A program gets one answer: how it ended.
    if out.format != Format::Json {
        out.text(&planned(&store, &args.repo, &revision, out).await?);
    }
    let oid = revision.oid.to_string();
    let seen = follow(&store, &oid, Some(&revision.objects), Instant::now() + FETCH, |place| {
        !matches!(place, Place::Unseen(_))
    })
    .await?;
    if let Place::Unseen(tip) = seen {
        let tip = tip.as_deref().map_or("nothing", short).to_owned();
        return Err(CliError::new(format!(
            "{} is not on the watched branch: the daemon has fetched {tip}",
            short(&oid)
        ))
        .hint("git push, then pintle apply; pintle status says whether fetching works"));
    }
    let origin = format!("cli:{}", os_user());
    store
        .record_request(&origin, "reconcile", Some(&format!("pintle apply {}", short(&oid))))
        .await
        .map_err(writing)?;
    if out.format != Format::Json {
        eprintln!("asked the daemon to reconcile now; waiting for {}", short(&oid));
    }
    until_applied(&store, &oid, Some(&revision.objects), &args.patience, out).await
}

async fn planned(store: &Store, repo: &Path, revision: &Revision, out: &Out) -> Result<String, CliError> {
    let plan = against::rows(store, repo, revision).await?;
    let approvals = super::approvals::needed(store, revision).await;
    Ok(rendered(&plan, &header(revision), approvals.as_ref(), out))
}
