//! When silence and standstill become alarms: a remote that does not answer, a heartbeat that does
//! not come, a tip that nobody approves. Alarms only: what was accepted stays as it is.

use std::time::Duration;

/// When the daemon raises its voice.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Alarms")]
pub struct FreshnessArgs {
    /// Seconds without a fetch after which the remote counts as silent
    #[arg(long, env = "PINTLE_STALE_AFTER", value_name = "SECONDS", default_value_t = Freshness::default().stale_after.as_secs())]
    stale_after: u64,
    /// Seconds for which a tip may be held before main counts as blocked
    #[arg(long, env = "PINTLE_BLOCKED_AFTER", value_name = "SECONDS", default_value_t = Freshness::default().blocked_after.as_secs())]
    blocked_after: u64,
    /// Seconds that the newest heartbeat may be old (pintle trust heartbeat signs one); none are expected by default
    #[arg(long, env = "PINTLE_HEARTBEAT_LIMIT", value_name = "SECONDS")]
    heartbeat_limit: Option<u64>,
}

/// The same, resolved.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// Without a fetch.
    pub stale_after: Duration,
    /// With a held tip.
    pub blocked_after: Duration,
    /// Without a heartbeat, where one is expected.
    pub heartbeat_limit: Option<Duration>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { stale_after: Duration::from_mins(15), blocked_after: Duration::from_hours(1), heartbeat_limit: None }
    }
}

impl From<FreshnessArgs> for Freshness {
    fn from(args: FreshnessArgs) -> Self {
        Self {
            stale_after: Duration::from_secs(args.stale_after),
            blocked_after: Duration::from_secs(args.blocked_after),
            heartbeat_limit: args.heartbeat_limit.map(Duration::from_secs),
        }
    }
}
