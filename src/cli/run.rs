//! `pintle run`: the daemon.

use super::{CliError, Exit};
use crate::config::{DaemonSettings, ServerArgs, SourceArgs};
use crate::daemon;
use crate::forge::ForgeArgs;
use crate::freshness::FreshnessArgs;
use crate::handlers::{Named, WorkArgs};
use crate::limits::LimitArgs;
use crate::notices::Secrets;
use crate::store::release::Limits;
use pintle_core::model::job::JobKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a daemon is told.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// What this host knows itself: how far it accepted, what an operator ordered, and the mirror
    #[arg(long, env = "PINTLE_STATE_DIR", value_name = "DIR", default_value = "/var/lib/pintle")]
    state_dir: PathBuf,
    /// What this process does
    #[arg(long, env = "PINTLE_ROLE", value_enum, default_value_t = Role::All)]
    role: Role,
    /// How often the repository is asked, in seconds, when nothing rings
    #[arg(long, env = "PINTLE_POLL_INTERVAL", value_name = "SECONDS", default_value_t = 30)]
    poll_interval: u64,
    /// Deliveries applied at one time
    #[arg(long, env = "PINTLE_CONCURRENCY", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Jobs of schedules at one time, when they wait; four times --concurrency if it is not said
    #[arg(long, env = "PINTLE_MAX_CONCURRENCY", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_concurrency: Option<u16>,
    /// Jobs of one kind, or on one queue of others, at one time over all processes: backup=2,queue:mail=5. The leader's counts
    #[arg(long, env = "PINTLE_SLOTS", value_name = "KIND=N", value_delimiter = ',', value_parser = kind_slots)]
    slots: Vec<(String, i64)>,
    /// Jobs of schedules of one partner at one time, over all processes. The leader's counts
    #[arg(long, env = "PINTLE_PARTNER_SLOTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    partner_slots: Option<u32>,
    /// Jobs of schedules for one region (`select.labels.region`) at one time, over all processes. The leader's counts
    #[arg(long, env = "PINTLE_REGION_SLOTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    region_slots: Option<u32>,
    /// How long running work may go on after SIGTERM, in seconds
    #[arg(long, env = "PINTLE_GRACE", value_name = "SECONDS", default_value_t = 20)]
    grace: u64,
    /// Where metrics and health are served
    #[arg(long, env = "PINTLE_METRICS", value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    metrics: SocketAddr,
    /// Whoever holds the token in this file may read what is live, beside the metrics (pintle plan --server); nobody without
    #[arg(long, env = "PINTLE_API_TOKEN_FILE", value_name = "FILE")]
    api_token_file: Option<PathBuf>,
    #[command(flatten)]
    freshness: FreshnessArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    forge: ForgeArgs,
    /// A folder with a file for each secret that `secretRef` names; else PINTLE_SECRET_NAME
    #[arg(long, env = "PINTLE_SECRETS_DIR", value_name = "DIR")]
    secrets_dir: Option<PathBuf>,
    #[command(flatten)]
    work: WorkArgs,
    /// Serve no metrics
    #[arg(long, env = "PINTLE_NO_METRICS")]
    no_metrics: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Reconcile and work
    All,
    /// Reconcile (and lead), but apply nothing
    Reconciler,
    /// Apply only
    Worker,
}

/// `KIND=N`, of a kind that is done here, or `queue:NAME=N`, of a queue that somebody else serves.
fn kind_slots(text: &str) -> Result<(String, i64), String> {
    let slots: Named<u32> = text.parse()?;
    let is_queue = slots.name.strip_prefix("queue:").is_some_and(|name| !name.is_empty());
    let kind = if is_queue { "queue" } else { &slots.name };
    let kind: JobKind = serde_json::from_value(serde_json::json!(kind)).map_err(|error| error.to_string())?;
    match (kind, slots.value) {
        (JobKind::Queue, _) if !is_queue => Err("name the queue: queue:NAME=N".to_owned()),
        (JobKind::Reconcile, _) => Err("reconcile takes no slot here".to_owned()),
        (_, 0) => Err(format!("{} with no slot would never run; pause its Schedules instead", slots.name)),
        (_, most) => Ok((slots.name, i64::from(most))),
    }
}

/// A token that can be guessed is none.
fn api_token(file: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::because(format!("{} cannot be read", file.display()), error))?;
    let token = text.trim();
    if token.len() < 32 {
        return Err(CliError::new(format!("the token in {} is shorter than 32 characters", file.display()))
            .hint("openssl rand -hex 32 > FILE; chmod 600 FILE"));
    }
    Ok(token.to_owned())
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(args: RunArgs) -> Result<Exit, CliError> {
    let stop = stop_on_signals()?;
    let missing = |flag: &str| {
        CliError::new(format!("{flag} is not set"))
            .hint("pintle dev starts everything privately; pintle doctor says what is missing")
    };
    if !args.no_metrics && !args.metrics.ip().is_loopback() {
        return Err(
            CliError::new("metrics are served on loopback only").hint("put a proxy that authenticates before them")
        );
    }
    // Only where it is said: a daemon that runs inside some CI is not told by its variables.
    let place = || args.forge.place(&|name: &str| std::env::var(name).ok());
    let place = if args.forge.forge.is_some() { place() } else { Ok(None) };
    let forge = place.map_err(|why| {
        CliError::new(format!("no status can be set on the forge: {why}")).hint("pintle run --help; docs/ci")
    })?;
    if args.no_metrics && args.api_token_file.is_some() {
        return Err(CliError::new("the live state is read where metrics are served, and none are")
            .hint("leave out --no-metrics"));
    }
    let api_token = args.api_token_file.as_deref().map(api_token).transpose()?;
    let settings = DaemonSettings {
        forge,
        api_token,
        secrets: Secrets { folder: args.secrets_dir },
        work: args.work,
        database_url: args.servers.database_url.ok_or_else(|| missing("--database-url"))?,
        redis_url: args.servers.redis_url.ok_or_else(|| missing("--redis-url"))?,
        introduction: args.source.trusted.introduction().map_err(missing)?,
        repo_url: args.source.repo_url.ok_or_else(|| missing("--repo-url"))?,
        max_fetch_bytes: args.source.max_fetch_bytes,
        caps: args.limits.into(),
        freshness: args.freshness.into(),
        state_dir: args.state_dir,
        poll_interval: Duration::from_secs(args.poll_interval.max(1)),
        concurrency: usize::from(args.concurrency),
        max_concurrency: args.max_concurrency.map_or(4 * usize::from(args.concurrency), usize::from),
        limits: Limits {
            kinds: args.slots,
            partner: args.partner_slots.map(i64::from),
            region: args.region_slots.map(i64::from),
        },
        grace: Duration::from_secs(args.grace),
        metrics: (!args.no_metrics).then_some(args.metrics),
        reconciles: args.role != Role::Worker,
        works: args.role != Role::Reconciler,
    };
    daemon::run(settings, stop).await.map_err(|error| {
        let hint = error.hint();
        CliError::because("the daemon refuses to act", error).hint(hint)
    })?;
    Ok(Exit::Success)
}

/// A token that SIGTERM and SIGINT cancel, from now on.
pub(super) fn stop_on_signals() -> Result<CancellationToken, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| CliError::because("signals cannot be listened for", error);
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}
