//! The caps on the verifier's work, as settings. None of them makes a tip unacceptable for good:
//! whoever meets one raises it, and the message names it.

use pintle_core::trust::{Limits, ObjectLimits};
use std::time::Duration;

/// How much work one verdict may take.
#[allow(clippy::struct_field_names, reason = "the fields are the flags' names")]
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Seconds that one verdict may take; then the tip is held
    #[arg(long, env = "PINTLE_MAX_VERIFY_SECONDS", value_name = "N", default_value_t = Caps::default().verdict.as_secs(), value_parser = clap::value_parser!(u64).range(1..), hide_short_help = true)]
    max_verify_seconds: u64,
    /// Bytes of one commit object
    #[arg(long, env = "PINTLE_MAX_COMMIT_BYTES", value_name = "N", default_value_t = ObjectLimits::default().commit, hide_short_help = true)]
    max_commit_bytes: usize,
    /// Bytes of one tree object
    #[arg(long, env = "PINTLE_MAX_TREE_BYTES", value_name = "N", default_value_t = ObjectLimits::default().tree, hide_short_help = true)]
    max_tree_bytes: usize,
    /// Bytes of one file
    #[arg(long, env = "PINTLE_MAX_BLOB_BYTES", value_name = "N", default_value_t = ObjectLimits::default().blob, hide_short_help = true)]
    max_blob_bytes: usize,
    /// Bytes of all document files of one tree
    #[arg(long, env = "PINTLE_MAX_DOCUMENT_BYTES", value_name = "N", default_value_t = Limits::default().document_bytes, hide_short_help = true)]
    max_document_bytes: usize,
    /// Files and folders of one tree
    #[arg(long, env = "PINTLE_MAX_FILES", value_name = "N", default_value_t = Limits::default().files, hide_short_help = true)]
    max_files: usize,
    /// Folders in each other
    #[arg(long, env = "PINTLE_MAX_DEPTH", value_name = "N", default_value_t = Limits::default().depth, hide_short_help = true)]
    max_depth: usize,
    /// Bytes of one path
    #[arg(long, env = "PINTLE_MAX_PATH_BYTES", value_name = "N", default_value_t = Limits::default().path_bytes, hide_short_help = true)]
    max_path_bytes: usize,
    /// Commits that one walk through history visits
    #[arg(long, env = "PINTLE_MAX_WALK", value_name = "N", default_value_t = Limits::default().walk, hide_short_help = true)]
    max_walk: usize,
    /// Commits of the branch that are judged for one step, beside those that somebody approves
    #[arg(long, env = "PINTLE_MAX_CANDIDATES", value_name = "N", default_value_t = Limits::default().candidates, hide_short_help = true)]
    max_candidates: usize,
    /// Approvals refs that are read
    #[arg(long, env = "PINTLE_MAX_EVIDENCE", value_name = "N", default_value_t = Limits::default().evidence, hide_short_help = true)]
    max_evidence: usize,
    /// Approvals stacked on each other
    #[arg(long, env = "PINTLE_MAX_STACK", value_name = "N", default_value_t = Limits::default().stack, hide_short_help = true)]
    max_stack: usize,
    /// Approvals of one change, by known keys, that are looked at
    #[arg(long, env = "PINTLE_MAX_CLAIMS", value_name = "N", default_value_t = Limits::default().claims, hide_short_help = true)]
    max_claims: usize,
    /// Bytes of commits that the verifier remembers
    #[arg(long, env = "PINTLE_MAX_MEMORY_BYTES", value_name = "N", default_value_t = Limits::default().memory_bytes, hide_short_help = true)]
    max_memory_bytes: usize,
}

/// The caps, resolved.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Of the pure verifier.
    pub trust: Limits,
    /// Of single objects.
    pub objects: ObjectLimits,
    /// Of the time that a verdict takes.
    pub verdict: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self { trust: Limits::default(), objects: ObjectLimits::default(), verdict: Duration::from_mins(10) }
    }
}

impl From<LimitArgs> for Caps {
    fn from(args: LimitArgs) -> Self {
        Self {
            trust: Limits {
                walk: args.max_walk,
                candidates: args.max_candidates,
                evidence: args.max_evidence,
                stack: args.max_stack,
                claims: args.max_claims,
                files: args.max_files,
                depth: args.max_depth,
                path_bytes: args.max_path_bytes,
                document_bytes: args.max_document_bytes,
                memory_bytes: args.max_memory_bytes,
                ..Limits::default()
            },
            objects: ObjectLimits {
                commit: args.max_commit_bytes,
                tree: args.max_tree_bytes,
                blob: args.max_blob_bytes,
            },
            verdict: Duration::from_secs(args.max_verify_seconds),
        }
    }
}
