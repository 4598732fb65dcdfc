//! Settings: flags, then environment, then the file; resolved once, before anything starts.
//! The introduction stands here and never in the repository.

use clap::Args;
use pintle_core::change::{Digest, Oid};
use pintle_core::trust::Introduction;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the two servers are.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Postgres, such as `postgres://pintle@db/pintle`
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Redis, such as `redis://localhost:6379/0` or `redis+unix:///run/redis.sock`
    #[arg(long, env = "PINTLE_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
}

/// From where a repository is trusted.
#[derive(Debug, Clone, Args)]
pub struct TrustedArgs {
    /// The ref that is followed, and that approvals name
    #[arg(long = "ref", env = "PINTLE_REF", value_name = "REF", default_value = "refs/heads/main")]
    pub git_ref: String,
    /// The id of the repository, as its policy says
    #[arg(long, env = "PINTLE_REPO_ID", value_name = "UUID")]
    pub repo_id: Option<String>,
    /// The first trusted commit
    #[arg(long, env = "PINTLE_INTRODUCTION_COMMIT", value_name = "OID")]
    pub introduction_commit: Option<Oid>,
    /// The SHA-256 of the trust policy in that commit
    #[arg(long, env = "PINTLE_INTRODUCTION_POLICY", value_name = "SHA256")]
    pub introduction_policy: Option<Digest>,
}

/// Which repository is watched, and from where it is trusted.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// The repository to watch: a path or anything `git fetch` takes
    #[arg(long, env = "PINTLE_REPO_URL", value_name = "URL")]
    pub repo_url: Option<String>,
    /// From where it is trusted.
    #[command(flatten)]
    pub trusted: TrustedArgs,
}

impl TrustedArgs {
    /// The introduction, or the name of the setting that is missing.
    pub fn introduction(&self) -> Result<Introduction, &'static str> {
        Ok(Introduction {
            repo_id: self.repo_id.clone().ok_or("--repo-id")?.into(),
            git_ref: self.git_ref.clone().into(),
            commit: self.introduction_commit.ok_or("--introduction-commit")?,
            policy_sha256: self.introduction_policy.ok_or("--introduction-policy")?,
        })
    }
}

/// Everything a daemon is told.
#[derive(Debug, Clone)]
pub struct DaemonSettings {
    /// Postgres.
    pub database_url: String,
    /// Redis.
    pub redis_url: String,
    /// What is watched.
    pub repo_url: String,
    /// From where it is trusted.
    pub introduction: Introduction,
    /// The mirror and other state that can be derived again.
    pub state_dir: PathBuf,
    /// How often the repository is asked when nothing rings.
    pub poll_interval: Duration,
    /// Deliveries applied at one time by this process.
    pub concurrency: usize,
    /// How long running work may go on after a stop.
    pub grace: Duration,
    /// Where metrics and health are served; loopback only.
    pub metrics: Option<SocketAddr>,
    /// Whether this process reconciles (and may lead).
    pub reconciles: bool,
    /// Whether this process applies deliveries.
    pub works: bool,
}
