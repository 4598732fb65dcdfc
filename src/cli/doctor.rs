//! `pintle doctor`: one line for each thing that must be right, with the command that makes it so.

mod checks;
mod servers;

use super::{CliError, Exit, Out};
use crate::config::{ServerArgs, SourceArgs};
use pintle_core::render::{Style, visible};
use std::path::PathBuf;

/// What to check: the settings of a daemon, and the machine it is asked on.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// A clone of the state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// Where the daemon keeps its mirror
    #[arg(long, env = "PINTLE_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The servers are those of `pintle dev`, where one role does everything
    #[arg(long, env = "PINTLE_DEV")]
    dev: bool,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, serde::Serialize)]
struct Finding {
    status: Status,
    check: &'static str,
    message: String,
    /// The command that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { status: Status::Ok, check, message: message.into(), next: None }
    }

    fn warn(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: Status::Warn, check, message: message.into(), next: Some(next.into()) }
    }

    fn fail(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: Status::Fail, ..Self::warn(check, message, next) }
    }
}

/// Checks everything; 1 if something fails.
pub async fn run(args: &DoctorArgs, out: &Out) -> Result<Exit, CliError> {
    let mut findings = checks::machine(args);
    findings.extend(servers::postgres(args).await);
    findings.extend(servers::redis(args).await);
    findings.extend(checks::introduction(args));
    findings.extend(checks::state_dir(args));
    let failed = findings.iter().any(|one| one.status == Status::Fail);
    let next = next(&findings);
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "healthy": !failed, "findings": findings, "next": next}));
    } else {
        let paper = out.paper();
        let mut lines: Vec<String> = Vec::new();
        for one in &findings {
            let (word, style) = match one.status {
                Status::Ok => ("ok  ", Style::Added),
                Status::Warn => ("warn", Style::Warning),
                Status::Fail => ("FAIL", Style::Removed),
            };
            lines.push(format!("{}  {:<13} {}", paper.paint(style, word), one.check, visible(&one.message)));
            lines.extend(one.next.iter().map(|next| format!("      {:<13} → {}", "", visible(next))));
        }
        lines.extend([String::new(), format!("next: {next}")]);
        out.text(&lines.join("\n"));
    }
    Ok(if failed { Exit::Failure } else { Exit::Success })
}

/// The first thing to repair; what to run when nothing needs repair.
fn next(findings: &[Finding]) -> String {
    let of = |status| findings.iter().find(|one| one.status == status).and_then(|one| one.next.clone());
    of(Status::Fail)
        .or_else(|| of(Status::Warn))
        .unwrap_or_else(|| "pintle verify --explain, then pintle run".to_owned())
}
