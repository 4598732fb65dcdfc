//! `pintle plan`: what a revision would change. Reads any revision, and needs no authority.

use super::{CliError, Exit, Format, Out};
use crate::reconcile::all_diagnostics;
use crate::source::{GitObjects, LoadedTree, TreeLoader};
use crate::store::Store;
use crate::store::acceptance::SOURCE;
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diagnostic::has_errors;
use pintle_core::diff::{Differing, LiveState};
use pintle_core::model::Catalog;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::render::{
    Approvals, Checked, Header, diagnostics_human, diagnostics_markdown, plan_human, plan_json, plan_markdown,
};
use pintle_core::resolve::{Resolved, resolve};
use pintle_core::trust::{Commit, ObjectKind, ObjectStore};
use std::path::PathBuf;
use std::sync::Arc;

/// Which revision, against what.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// The revision to plan
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// Plan against the live state in this Postgres (reading suffices)
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Plan as if this revision had been applied
    #[arg(long, env = "PINTLE_AGAINST", value_name = "REV", conflicts_with = "live")]
    against: Option<String>,
    /// Plan against a snapshot that `pintle snapshot` wrote
    #[arg(long, env = "PINTLE_LIVE", value_name = "FILE")]
    live: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long, env = "PINTLE_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// Write the answer to a file as well
    #[arg(long, env = "PINTLE_OUT", value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A revision, read and resolved.
pub(super) struct Revision {
    pub objects: Arc<GitObjects>,
    pub oid: Oid,
    pub commit: Commit,
    pub loaded: LoadedTree,
    pub resolved: Resolved,
}

/// Reads `rev` of the repository at `path`.
pub(super) fn read(path: &std::path::Path, rev: &str) -> Result<Revision, CliError> {
    let objects = GitObjects::open(path).map_err(|error| {
        CliError::because(format!("there is no Git repository at {}", path.display()), error)
            .hint("pintle init makes one")
    })?;
    let objects = Arc::new(objects);
    let oid = objects.resolve(rev).map_err(|error| {
        CliError::because(format!("`{rev}` names no commit"), error)
            .hint("give a commit id, a branch or a tag that this repository has; git fetch gets those it lacks")
    })?;
    let raw =
        objects.raw(oid, ObjectKind::Commit).map_err(|error| CliError::because("the commit cannot be read", error))?;
    let commit = Commit::parse(&raw).map_err(|error| CliError::because("the commit cannot be read", error))?;
    let loaded = TreeLoader::default()
        .load(&objects, oid)
        .map_err(|error| CliError::because("the tree cannot be read", error))?;
    let resolved = resolve(&loaded.tree, Catalog::standard(), None, Timestamp::now());
    Ok(Revision { objects, oid, commit, loaded, resolved })
}

/// Plans and prints.
pub async fn run(args: PlanArgs, out: &Out) -> Result<Exit, CliError> {
    let revision = read(&args.repo, &args.rev)?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let plan = planned(&revision, &live_side(&args, &revision).await?);
    let approvals = match &args.database_url {
        Some(url) if args.against.is_none() && args.live.is_none() => {
            super::approvals::needed(&Store::open(url, 2)?, &revision).await
        }
        _ => None,
    };
    let text = rendered(&plan, &header(&revision), approvals.as_ref(), out);
    out.text(&text);
    if let Some(file) = &args.out {
        std::fs::write(file, &text)
            .map_err(|error| CliError::because(format!("{} cannot be written", file.display()), error))?;
    }
    Ok(if args.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Success })
}

/// What a revision would do to `live`.
pub(super) fn planned(revision: &Revision, live: &LiveState) -> Plan {
    plan(PlanInput {
        commit: &revision.oid.to_string(),
        desired: &revision.resolved,
        live,
        differing: &Differing::of(&revision.resolved, live),
        catalog: Catalog::standard(),
        now: Timestamp::now(),
    })
}

/// The rows, with the bodies of those that a revision would change.
pub(super) async fn live_rows(store: &Store, revision: &Revision) -> Result<LiveState, CliError> {
    Ok(store.snapshot(SOURCE, |live| Differing::of(&revision.resolved, live).needs_bodies(live)).await?)
}

/// Prints what is wrong with a revision, if anything is.
pub(super) fn unsound(revision: &Revision, out: &Out) -> Option<Exit> {
    let diagnostics = all_diagnostics(&revision.loaded, &revision.resolved);
    if !has_errors(&diagnostics) {
        return None;
    }
    let checked =
        Checked { documents: revision.loaded.tree.files.iter().map(|file| file.parsed.documents.len()).sum() };
    match out.format {
        Format::Json => out.json(&serde_json::json!({"formatVersion": "1.0", "diagnostics": diagnostics})),
        Format::Markdown => out.text(&diagnostics_markdown(&diagnostics, &revision.loaded.texts, checked)),
        Format::Human => out.text(&diagnostics_human(&diagnostics, &revision.loaded.texts, checked, &out.paper())),
    }
    Some(Exit::Failure)
}

async fn live_side(args: &PlanArgs, revision: &Revision) -> Result<LiveState, CliError> {
    if let Some(against) = &args.against {
        let base = read(&args.repo, against)?;
        return Ok(LiveState::as_applied(&base.resolved, &base.oid.to_string(), Timestamp::now()));
    }
    if let Some(file) = &args.live {
        return super::snapshot::read(file);
    }
    let Some(url) = &args.database_url else {
        return Err(CliError::new("nothing to plan against").hint("--database-url URL, --live FILE or --against REV"));
    };
    let store = Store::open(url, 2)?;
    store.check_schema().await?;
    live_rows(&store, revision).await
}

pub(super) fn header(revision: &Revision) -> Header {
    let commit = &revision.commit;
    Header {
        subject: Some(commit.subject().to_owned()),
        author: Some(commit.author.name.to_string()),
        committed_at: Timestamp::from_second(commit.committer.seconds).ok(),
        ..Header::of(revision.oid.short())
    }
}

pub(super) fn rendered(plan: &Plan, header: &Header, approvals: Option<&Approvals>, out: &Out) -> String {
    match out.format {
        Format::Human => plan_human(plan, header, approvals, &out.paper()),
        Format::Markdown => plan_markdown(plan, header, approvals),
        Format::Json => serde_json::to_string_pretty(&plan_json(plan, header, approvals)).unwrap_or_default(),
    }
}
