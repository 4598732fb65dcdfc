//! `pintle plan`: what a revision would change. Reads any revision, and needs no authority.

use super::against::AgainstArgs;
use super::judge::open_repository;
use super::mistakes::mistakes;
use super::selector::selectors;
use super::{CliError, Exit, Format, Out, against};
use crate::source::{GitObjects, LoadedTree, TreeLoader};
use crate::store::Store;
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::diff::{Cause, Change, Selector};
use pintle_core::model::Catalog;
use pintle_core::plan::Plan;
use pintle_core::render::{Approvals, Header, plan_human, plan_json, plan_markdown};
use pintle_core::resolve::{Resolved, resolve};
use pintle_core::trust::{Commit, ObjectKind, ObjectStore};
use std::path::PathBuf;
use std::sync::Arc;

/// Which revision, against what.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    side: AgainstArgs,
    /// The revision that is accepted before: guardrails compare with it, and with --live its guard judges too. A database
    /// knows whose guard does
    #[arg(long, env = "PINTLE_BASE", value_name = "REV", conflicts_with = "against")]
    base: Option<String>,
    /// Only these: KIND, KIND/NAME, or a NAME=VALUE label; more than one may be given
    #[arg(long, env = "PINTLE_TARGET", value_name = "SELECTOR", value_delimiter = ',')]
    target: Vec<String>,
    /// All but these
    #[arg(long, env = "PINTLE_EXCLUDE", value_name = "SELECTOR", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Only what differs for this reason
    #[arg(long, env = "PINTLE_ONLY", value_enum)]
    only: Option<Only>,
    /// Exit with 2 when there are changes
    #[arg(long, env = "PINTLE_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// Write the answer to a file as well
    #[arg(long, env = "PINTLE_OUT", value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// Changed behind the repository's back
    Drift,
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
    read_after(path, rev, None)
}

/// The same, with what was accepted `before`: guardrails compare with that.
fn read_after(path: &std::path::Path, rev: &str, before: Option<&Revision>) -> Result<Revision, CliError> {
    let objects = open_repository(path)?;
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
    let before = before.map(|before| &before.resolved);
    let resolved = resolve(&loaded.tree, Catalog::standard(), before, Timestamp::now());
    Ok(Revision { objects, oid, commit, loaded, resolved })
}

/// Plans and prints.
pub async fn run(args: PlanArgs, out: &Out) -> Result<Exit, CliError> {
    let base = args.base.as_ref().map(|base| read(&args.side.repo, base)).transpose()?;
    let revision = read_after(&args.side.repo, &args.side.rev, base.as_ref())?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let plan = narrowed(&args, made(&args, base.as_ref(), &revision).await?)?;
    let approvals = match &args.side.database_url {
        Some(url) if args.side.against.is_none() && args.side.live.is_none() && args.side.server.server.is_none() => {
            super::approvals::needed(&Store::open(url, 2)?, &revision).await
        }
        _ => None,
    };
    let header = Header { of_snapshot: args.side.live.is_some(), ..header(&revision) };
    let text = rendered(&plan, &header, approvals.as_ref(), out);
    out.text(&text);
    if let Some(file) = &args.out {
        std::fs::write(file, &text)
            .map_err(|error| CliError::because(format!("{} cannot be written", file.display()), error))?;
    }
    Ok(match () {
        () if !plan.refused().is_empty() => Exit::Refused,
        () if args.detailed_exitcode && !plan.is_empty() => Exit::Changes,
        () => Exit::Success,
    })
}

/// The plan without what was not asked for.
fn narrowed(args: &PlanArgs, plan: Plan) -> Result<Plan, CliError> {
    let (target, exclude) = (selectors(&args.target)?, selectors(&args.exclude)?);
    if target.is_empty() && exclude.is_empty() && args.only.is_none() {
        return Ok(plan);
    }
    let any = |list: &[Selector], change: &Change| list.iter().any(|one| one.covers(&change.subject()));
    Ok(plan.only(|change| {
        let drift = !change.drift.is_empty() || change.cause == Cause::Drift;
        (target.is_empty() || any(&target, change)) && !any(&exclude, change) && (args.only.is_none() || drift)
    }))
}

/// Prints what is wrong with a revision, if anything is.
pub(super) fn unsound(revision: &Revision, out: &Out) -> Option<Exit> {
    mistakes(&revision.loaded, &revision.resolved, out)
}

async fn made(args: &PlanArgs, base: Option<&Revision>, revision: &Revision) -> Result<Plan, CliError> {
    if let Some(against) = &args.side.against {
        return against::revision(&read(&args.side.repo, against)?, revision, &against::nobody);
    }
    if let Some(snapshot) = args.side.snapshot().await? {
        return against::snapshot(&snapshot, base, &args.side.repo, revision);
    }
    let Some(url) = &args.side.database_url else {
        return Err(against::nothing());
    };
    let store = Store::open(url, 2)?;
    store.check_schema().await?;
    against::rows(&store, &args.side.repo, revision).await
}

pub(super) fn header(revision: &Revision) -> Header {
    let commit = &revision.commit;
    Header {
        subject: Some(commit.subject().to_owned()),
        author: Some(commit.author.name.to_string()),
        committed_at: Timestamp::from_second(commit.committer.seconds).ok(),
        delete_grace: against::grace(revision),
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
