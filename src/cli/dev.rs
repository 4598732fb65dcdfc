//! `pintle dev`: a private Postgres and Redis, a signed repository if none is given, and the daemon.

use super::{CliError, Exit, Out};
use crate::config::DaemonSettings;
use crate::daemon;
use crate::dev::servers::{Options, Servers};
use crate::freshness::Freshness;
use crate::handlers::WorkArgs;
use crate::limits::Caps;
use crate::notices::Secrets;
use crate::scaffold::{Introduced, make_key, scaffold};
use crate::store::pool::migrate;
use crate::store::release::Limits;
use pintle_core::trust::Introduction;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to start.
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Where servers, mirror and repository live; a temporary folder, removed at the end, if not given
    #[arg(long, env = "PINTLE_DEV_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A signed state repository; its present HEAD becomes the introduction
    #[arg(long, env = "PINTLE_REPO", value_name = "PATH")]
    repo: Option<PathBuf>,
    /// Use this Postgres instead of a private one
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Use this Redis instead of a private one
    #[arg(long, env = "PINTLE_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// Where metrics and health are served; a free port if not given
    #[arg(long, env = "PINTLE_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    work: WorkArgs,
}

/// Starts everything, says how to use it, and runs until it is stopped.
pub async fn run(args: DevArgs, out: &Out) -> Result<Exit, CliError> {
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("pintle-dev-")
                .tempdir()
                .map_err(|error| CliError::because("no temporary folder can be made", error))?,
        ),
    };
    let folder = args.dir.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned())).unwrap_or_default();
    std::fs::create_dir_all(&folder)
        .map_err(|error| CliError::because(format!("{} cannot be made", folder.display()), error))?;
    let folder = folder.canonicalize().map_err(|error| CliError::because("the folder cannot be used", error))?;
    let stop = super::run::stop_on_signals()?;
    let servers = start_servers(&args, &folder).await?;
    let database_url = args
        .database_url
        .clone()
        .or_else(|| servers.as_ref().map(|servers| servers.postgres.url("postgres")))
        .unwrap_or_default();
    let redis_url =
        args.redis_url.clone().or_else(|| servers.as_ref().map(|servers| servers.redis.url())).unwrap_or_default();
    migrate(&database_url).await?;
    let (repo, introduction) = repository(&args, &folder)?;
    announce(out, &folder, &repo, &database_url, &redis_url, &introduction)?;
    let settings = settings(&args, &folder, &repo, database_url, redis_url, &introduction)?;
    let ended =
        daemon::run(settings, stop).await.map_err(|error| CliError::because("the daemon refuses to act", error));
    if let Some(servers) = servers {
        servers.stop().await.map_err(|error| CliError::because("the servers did not stop", error))?;
    }
    ended.map(|()| Exit::Success)
}

async fn start_servers(args: &DevArgs, folder: &Path) -> Result<Option<Servers>, CliError> {
    if args.database_url.is_some() && args.redis_url.is_some() {
        return Ok(None);
    }
    let servers = Servers::start_with(&folder.join("servers"), Options::default()).await;
    servers.map(Some).map_err(|error| CliError::because("the private servers cannot be started", error))
}

fn repository(args: &DevArgs, folder: &Path) -> Result<(PathBuf, Introduced), CliError> {
    let failed = |error| CliError::because("the repository cannot be used", error);
    if let Some(repo) = &args.repo {
        let repo = repo
            .canonicalize()
            .map_err(|error| CliError::because(format!("there is nothing at {}", repo.display()), error))?;
        let introduction = introduced_at(&repo)?;
        return Ok((repo, introduction));
    }
    let repo = folder.join("repo");
    if repo.join(".pintle").exists() {
        let first = crate::git::Git::at(&repo)
            .run(&["rev-list", "--max-parents=0", "HEAD"])
            .map_err(|error| failed(error.into()))?;
        return Ok((repo.clone(), at_commit(&repo, &first)?));
    }
    let signer = make_key(&folder.join("keys/you"), "you").map_err(failed)?;
    let introduction = scaffold(&repo, &signer, &uuid::Uuid::new_v4().to_string()).map_err(failed)?;
    Ok((repo, introduction))
}

/// The introduction of a repository at its present HEAD, whether it has a work tree or is bare.
fn introduced_at(repo: &Path) -> Result<Introduced, CliError> {
    let git = crate::git::Git::at(repo);
    let head = git
        .run(&["rev-parse", "HEAD"])
        .map_err(|error| CliError::because("the repository has no commit", error).hint("pintle init makes one"))?;
    at_commit(repo, &head)
}

fn at_commit(repo: &Path, commit: &str) -> Result<Introduced, CliError> {
    use pintle_core::trust::read_policy;
    let failed = |error: crate::git::GitError| {
        CliError::because("the repository has no trust policy", error).hint("pintle init makes one")
    };
    let output = std::process::Command::new("git")
        .args(["show", &format!("{commit}:.pintle/trust.yaml")])
        .current_dir(repo)
        .output()
        .map_err(|error| failed(crate::git::GitError::Run(error)))?;
    let policy = read_policy(&output.stdout, jiff::Timestamp::now()).map_err(|diagnostics| {
        CliError::new(format!(
            "the trust policy of {commit} is invalid: {}",
            diagnostics.first().map(|one| one.message.as_str()).unwrap_or_default()
        ))
        .hint("pintle init makes one")
    })?;
    Ok(Introduced {
        repo_id: policy.repo_id.to_string(),
        commit: commit.to_owned(),
        policy_sha256: pintle_core::change::Digest::of(&output.stdout).to_string(),
    })
}

/// Says where everything is, and leaves it in a file that a shell can read.
fn announce(
    out: &Out,
    folder: &Path,
    repo: &Path,
    database_url: &str,
    redis_url: &str,
    introduction: &Introduced,
) -> Result<(), CliError> {
    let env = folder.join("env");
    let lines = [
        format!("export PINTLE_DATABASE_URL='{database_url}'"),
        format!("export PINTLE_REDIS_URL='{redis_url}'"),
        "export PINTLE_DEV='true'".to_owned(),
        format!("export PINTLE_REPO='{}'", repo.display()),
        format!("export PINTLE_REPO_ID='{}'", introduction.repo_id),
        format!("export PINTLE_INTRODUCTION_COMMIT='{}'", introduction.commit),
        format!("export PINTLE_INTRODUCTION_POLICY='{}'", introduction.policy_sha256),
    ];
    std::fs::write(&env, lines.join("\n") + "\n")
        .map_err(|error| CliError::because("the env file cannot be written", error))?;
    out.text(&format!(
        "repository  {}\nsettings    {}\n\nIn another terminal:\n  . {}\n  cd {}\n  $EDITOR instances/acme/acme-prod.yaml && git commit -a -S && pintle status\n",
        repo.display(),
        env.display(),
        env.display(),
        repo.display()
    ));
    Ok(())
}

fn settings(
    args: &DevArgs,
    folder: &Path,
    repo: &Path,
    database_url: String,
    redis_url: String,
    introduction: &Introduced,
) -> Result<DaemonSettings, CliError> {
    let invalid = |what: &str| CliError::new(format!("the introduction's {what} is malformed"));
    Ok(DaemonSettings {
        api_token: None,
        forge: None,
        secrets: Secrets::default(),
        work: args.work.clone(),
        database_url,
        redis_url,
        repo_url: repo.display().to_string(),
        introduction: Introduction {
            repo_id: introduction.repo_id.as_str().into(),
            git_ref: "refs/heads/main".into(),
            commit: introduction.commit.parse().map_err(|_| invalid("commit"))?,
            policy_sha256: introduction.policy_sha256.parse().map_err(|_| invalid("policy"))?,
        },
        max_fetch_bytes: crate::source::MAX_FETCH_BYTES,
        caps: Caps::default(),
        freshness: Freshness::default(),
        state_dir: folder.join("state"),
        poll_interval: Duration::from_secs(5),
        concurrency: 4,
        max_concurrency: 16,
        limits: Limits::default(),
        grace: Duration::from_secs(10),
        metrics: Some(args.metrics.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))),
        reconciles: true,
        works: true,
    })
}
