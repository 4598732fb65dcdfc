//! What a revision is planned against: the rows of a database, a snapshot, or another revision; with
//! the guards that hold there. The same stations as in the daemon, without authority.

use super::CliError;
use super::judge::open_repository;
use super::plan::{Revision, read};
use super::server::ServerSide;
use crate::planner::needed;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::store::acceptance::SOURCE;
use crate::store::motion::Motion;
use jiff::{SignedDuration, Timestamp};
use pintle_core::check::{check, check_judged};
use pintle_core::diff::{Differing, LiveState};
use pintle_core::gate::{Allowance, Circumstances, judge};
use pintle_core::model::Catalog;
use pintle_core::model::guard::{Guard, Guards};
use pintle_core::plan::{Plan, PlanInput, plan};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which revision, against what.
#[derive(Debug, clap::Args)]
pub struct AgainstArgs {
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH", default_value = ".")]
    pub(super) repo: PathBuf,
    /// The revision
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    pub(super) rev: String,
    /// Against the live state in this Postgres (reading suffices)
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(super) database_url: Option<String>,
    /// As if this revision had been applied
    #[arg(long, env = "PINTLE_AGAINST", value_name = "REV", conflicts_with = "live")]
    pub(super) against: Option<String>,
    /// Against a snapshot that `pintle snapshot` wrote
    #[arg(long, env = "PINTLE_LIVE", value_name = "FILE")]
    pub(super) live: Option<PathBuf>,
    #[command(flatten)]
    pub(super) server: ServerSide,
}

impl AgainstArgs {
    /// The snapshot that is named, as a file or by who can say it.
    pub(super) async fn snapshot(&self) -> Result<Option<Snapshot>, CliError> {
        match (&self.live, &self.server.server) {
            (Some(file), _) => super::snapshot::read(file).map(Some),
            (None, Some(url)) => self.server.snapshot(url).await.map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// That nothing is named.
pub(super) fn nothing() -> CliError {
    CliError::new("nothing to plan against").hint("--database-url URL, --server URL, --live FILE or --against REV")
}

/// The guard that stands in a revision. A broken one is told with the other mistakes.
pub(super) fn guard_of(revision: &Revision) -> Result<Guard, CliError> {
    let bytes = revision
        .objects
        .file(revision.oid, Guard::PATH)
        .map_err(|error| CliError::because(format!("{} cannot be read", Guard::PATH), error))?;
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Ok(Guard::parse(&text).0)
}

/// How long a deletion of a revision can be taken back.
pub(super) fn grace(revision: &Revision) -> SignedDuration {
    let ms = guard_of(revision).unwrap_or_default().grace.delete.as_ms();
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// The plan of a revision against the rows, as the daemon would make it; of one that is accepted, with what the daemon found to
/// be lifted.
pub(super) async fn rows(store: &Store, repo: &Path, revision: &Revision) -> Result<Plan, CliError> {
    rows_lifted(store, repo, revision, &nobody).await
}

/// Which limits people lifted, once it is known whom the guards ask.
pub(super) type Lifted<'a> = &'a dyn Fn(&Guards) -> Result<Vec<Allowance>, CliError>;

/// Nobody lifted any, as far as is asked.
#[allow(clippy::unnecessary_wraps, reason = "it stands where somebody may fail to say")]
pub(super) fn nobody(_: &Guards) -> Result<Vec<Allowance>, CliError> {
    Ok(Vec::new())
}

/// The same, where some limits are `lifted`.
pub(super) async fn rows_lifted(
    store: &Store,
    repo: &Path,
    revision: &Revision,
    lifted: Lifted<'_>,
) -> Result<Plan, CliError> {
    let guards = guards(store, repo, revision).await?;
    let live = store.snapshot(SOURCE, |live| needed(&Differing::of(&revision.resolved, live), &guards, live)).await?;
    let plan = made(revision, &live, &guards);
    let seq = store.seq_of(SOURCE, &revision.oid.to_string()).await?;
    let motion = store.motion(SOURCE, &plan, &guards, &live, since(&live, seq)).await?;
    let mut allowed = lifted(&guards)?;
    if let Some(seq) = seq {
        allowed.extend(store.lifted(SOURCE, seq).await?);
    }
    judged(plan, revision, &live, &guards, (&motion, &allowed), seq)
}

/// From which accepted step on everything that moved is of interest.
pub(super) fn since(live: &LiveState, seq: Option<u64>) -> Option<u64> {
    live.runs.iter().map(|run| run.since).min().or(seq)
}

/// The commit whose guard judges: without it nobody can tell.
pub(super) fn judging(repo: &Path, commit: &str) -> Result<Revision, CliError> {
    open_repository(repo)?.resolve(commit).map_err(|error| {
        CliError::because(format!("the guard of {commit} judges this, and that commit is not at hand"), error)
            .hint(format!("git fetch origin {commit}; in a shallow clone git fetch --unshallow"))
    })?;
    read(repo, commit)
}

/// The guard of the commit that was admitted before a revision, and its own.
pub(super) async fn guards(store: &Store, repo: &Path, revision: &Revision) -> Result<Guards, CliError> {
    let own = Arc::new(guard_of(revision)?);
    let before = match store.guard_commit(SOURCE, &revision.oid.to_string()).await? {
        Some(commit) => Some(guard_of(&judging(repo, &commit)?)?),
        None => None,
    };
    Ok(Guards::new(before.map_or_else(|| own.clone(), Arc::new), own))
}

/// The plan of a revision as if `base` had been applied.
pub(super) fn revision(base: &Revision, revision: &Revision, lifted: Lifted<'_>) -> Result<Plan, CliError> {
    let live = LiveState::as_applied(&base.resolved, &base.oid.to_string(), Timestamp::now());
    judged_over(&Snapshot { live, ..Snapshot::default() }, Some(base), revision, lifted)
}

/// The plan of a revision over a snapshot, under its own guard and that of `base`; of the commit that was admitted, where
/// the snapshot says which, and it is at hand.
pub(super) fn snapshot(
    snapshot: &Snapshot,
    base: Option<&Revision>,
    repo: &Path,
    revision: &Revision,
) -> Result<Plan, CliError> {
    let (judge, _) = snapshot.judges(&revision.oid.to_string());
    let known = judge.filter(|_| base.is_none()).map(|commit| judging(repo, commit)).transpose()?;
    judged_over(snapshot, base.or(known.as_ref()), revision, &nobody)
}

fn judged_over(
    snapshot: &Snapshot,
    base: Option<&Revision>,
    revision: &Revision,
    lifted: Lifted<'_>,
) -> Result<Plan, CliError> {
    let own = Arc::new(guard_of(revision)?);
    let before = base.map(guard_of).transpose()?.map_or_else(|| own.clone(), Arc::new);
    let guards = Guards::new(before, own);
    let (live, lifted) = (&snapshot.live, lifted(&guards)?);
    let (_, seq) = snapshot.judges(&revision.oid.to_string());
    judged(made(revision, live, &guards), revision, live, &guards, (&snapshot.motion, &lifted), seq)
}

/// What should move, before the gate.
pub(super) fn made(revision: &Revision, live: &LiveState, guards: &Guards) -> Plan {
    plan(PlanInput {
        commit: &revision.oid.to_string(),
        desired: &revision.resolved,
        live,
        differing: &Differing::of(&revision.resolved, live),
        guards,
        catalog: Catalog::standard(),
        now: Timestamp::now(),
    })
}

fn judged(
    plan: Plan,
    revision: &Revision,
    live: &LiveState,
    guards: &Guards,
    (motion, allowed): (&Motion, &[Allowance]),
    seq: Option<u64>,
) -> Result<Plan, CliError> {
    let (Motion { moved, standing }, desired) = (motion, &revision.resolved);
    let circumstances = Circumstances { guards, desired, live, moved, standing, seq, keeps: None, allowed };
    let broken = check(&plan);
    let plan = judge(plan, &circumstances);
    match broken.into_iter().chain(check_judged(&plan, &circumstances)).next() {
        None => Ok(plan),
        Some(broken) => Err(CliError::new(format!("the plan breaks an invariant: {broken}"))
            .hint("this is a fault of Pintle, and the daemon would not carry it out either: please report it")),
    }
}
