//! Settings: flags, then environment, then the file; resolved once, before anything starts.
//! The introduction stands here and never in the repository.

use crate::forge::Place;
use crate::freshness::Freshness;
use crate::handlers::WorkArgs;
use crate::limits::Caps;
use crate::notices::Secrets;
use crate::source::MAX_FETCH_BYTES;
use crate::store::release::Limits;
use clap::Args;
use pintle_core::change::{Digest, Oid};
use pintle_core::trust::Introduction;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Less than this would not hold what git writes for a repository that is almost empty.
const LEAST_FETCH_BYTES: u64 = 1 << 20;

/// Where the two servers are.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Postgres, such as `postgres://pintle@db/pintle`
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Redis, such as `redis://localhost:6379/0`, `redis+unix:///run/redis.sock` or `redis+sentinel://one,two,three/service/0`
    #[arg(long, env = "PINTLE_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
}

/// From where a repository is trusted.
#[derive(Debug, Clone, Args)]
pub struct TrustedArgs {
    /// The branch that is followed, and that approvals name
    #[arg(
        long = "ref",
        env = "PINTLE_REF",
        value_name = "REF",
        default_value = "refs/heads/main",
        value_parser = branch_ref
    )]
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
    /// The most that one fetch may write to a file, in bytes
    #[arg(
        long,
        env = "PINTLE_MAX_FETCH_BYTES",
        value_name = "BYTES",
        default_value_t = MAX_FETCH_BYTES,
        value_parser = clap::value_parser!(u64).range(LEAST_FETCH_BYTES..)
    )]
    pub max_fetch_bytes: u64,
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

/// The full name of a branch. Approvals name it, so that one spelling is right; and a short one, or a
/// pattern, could make git fetch a tag of that name or something else altogether.
fn branch_ref(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("refs/heads/");
    if name.is_some_and(is_branch_name) {
        return Ok(text.to_owned());
    }
    let meant = if name.is_none() && is_branch_name(text) && !text.starts_with("refs/") { text } else { "main" };
    Err(format!("this is not the full name of a branch; write it out, as in `refs/heads/{meant}`"))
}

/// Git's own rules, which forbid most of what has a meaning in a refspec or a revision, and no `+`.
fn is_branch_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "*:+^~?[\\".contains(c);
    let locks = |part: &str| part.rsplit_once('.').is_some_and(|(_, end)| end == "lock");
    let part = |part: &str| !(part.is_empty() || part.starts_with('.') || locks(part));
    name.split('/').all(part)
        && !(name.contains(odd) || name.contains("..") || name.contains("@{") || name.ends_with('.'))
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
    /// The most bytes that one fetch may write to a file.
    pub max_fetch_bytes: u64,
    /// How much work one verdict may take.
    pub caps: Caps,
    /// When silence and standstill become alarms.
    pub freshness: Freshness,
    /// From where it is trusted.
    pub introduction: Introduction,
    /// What this host knows itself: how far it accepted, what an operator ordered, and the mirror.
    pub state_dir: PathBuf,
    /// How often the repository is asked when nothing rings.
    pub poll_interval: Duration,
    /// Deliveries applied at one time by this process, and jobs of work.
    pub concurrency: usize,
    /// Jobs of work at one time, while they wait for long.
    pub max_concurrency: usize,
    /// Who holds it may read what is live over HTTP; nobody without.
    pub api_token: Option<String>,
    /// How much work of one kind or partner may be out at one time, over all processes; the leader's counts.
    pub limits: Limits,
    /// How long running work may go on after a stop.
    pub grace: Duration,
    /// Where metrics and health are served; loopback only.
    pub metrics: Option<SocketAddr>,
    /// Where the status of a commit is set.
    pub forge: Option<Place>,
    /// What signs webhooks and requests.
    pub secrets: Secrets,
    /// What the jobs of schedules may use.
    pub work: WorkArgs,
    /// Whether this process reconciles (and may lead).
    pub reconciles: bool,
    /// Whether this process applies deliveries.
    pub works: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_branch_name_is_taken_as_it_is() {
        for name in ["refs/heads/main", "refs/heads/team/a-b_c.1", "refs/heads/größe", "refs/heads/heads/x"] {
            assert_eq!(branch_ref(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_short_name_is_told_its_full_one() {
        let error = branch_ref("release/2").unwrap_err();
        assert!(error.ends_with("`refs/heads/release/2`"), "{error}");
    }

    #[test]
    fn what_git_could_read_otherwise_is_refused() {
        let odd = ["", "refs/heads/", "refs/tags/main", "refs/heads", "HEAD", "main", "+refs/heads/main"];
        let names = ["*", "a:b", "a+b", "a^", "a~1", "a?", "[a", "a\\b", "a b", "a\tb", "a\u{7f}", "a..b", "a//b"];
        let more = ["/a", "a/", "a.lock", "a.lock/b", ".a", "a/.b", "a.", "a@{1}"];
        let below = names.iter().chain(&more).map(|name| format!("refs/heads/{name}"));
        for name in odd.map(str::to_owned).into_iter().chain(below) {
            assert!(branch_ref(&name).is_err(), "{name:?}");
        }
    }
}
