//! `pintle trust`: the trust policy for people: in words, checked, and as git's allowed signers; and
//! what is said of keys and histories beside it.

mod orders;
mod signed;
mod words;

use super::explain::wrapped;
use super::judge::{open_repository, policy_at};
use super::{CliError, Exit, Format, Out};
use pintle_core::diagnostic::Diagnostic;
use pintle_core::render::{Checked, Style, diagnostics_human, diagnostics_markdown, visible};
use pintle_core::resolve::Sources;
use pintle_core::trust::{POLICY_PATH, Person, Policy, PolicyKey, read_policy};
use std::path::PathBuf;
use std::sync::Arc;
use words::{key_notes, matching_words, policy_json, rule_words};

/// What to do with the policy.
#[derive(Debug, clap::Args)]
pub struct TrustCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The file that `git log --show-signature` wants; for people, never read by pintle
    AllowedSigners(AtArgs),
    /// The policy in words: who may approve what
    Show(AtArgs),
    /// Check .pintle/trust.yaml of a folder, before it is committed
    Check(CheckArgs),
    /// Let a change or a key count for nothing on this daemon's host, at once
    Deny(orders::DenyArgs),
    /// Revoke a key at once, signed by one root person
    Revoke(signed::RevokeArgs),
    /// Let the daemon of this host consider a history that does not descend from what is accepted
    AcceptRewrite(orders::RewriteArgs),
    /// Sign where the branch stands: a remote that shows less raises an alarm
    Heartbeat(signed::HeartbeatArgs),
}

#[derive(Debug, clap::Args)]
struct AtArgs {
    /// The state repository
    #[arg(long, env = "PINTLE_REPO", value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The revision whose policy is meant
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    rev: String,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The folder of the state repository
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// Does it.
pub async fn run(command: &TrustCommand, out: &Out) -> Result<Exit, CliError> {
    match &command.command {
        Command::AllowedSigners(args) => say_signers(&policy(args)?, out),
        Command::Show(args) => show(&policy(args)?, out),
        Command::Check(args) => return check(args, out),
        Command::Deny(args) => return orders::deny(args, out),
        Command::Revoke(args) => return signed::revoke(args, out).await,
        Command::AcceptRewrite(args) => return orders::accept_rewrite(args, out),
        Command::Heartbeat(args) => return signed::heartbeat(args, out).await,
    }
    Ok(Exit::Success)
}

fn policy(args: &AtArgs) -> Result<Policy, CliError> {
    let objects = open_repository(&args.repo)?;
    let commit = objects.resolve(&args.rev).map_err(|error| {
        CliError::because(format!("`{}` names no commit here", args.rev), error).hint("git fetch, or --rev REV")
    })?;
    policy_at(&objects, commit)?.ok_or_else(|| {
        CliError::new(format!("{} has no {POLICY_PATH}", commit.short()))
            .hint("pintle init makes a repository that has one")
    })
}

fn usable<'p>(policy: &'p Policy, person: &'p Person) -> impl Iterator<Item = &'p PolicyKey> {
    person.keys.iter().filter(|key| !policy.revoked.contains_key(&key.key.fingerprint()))
}

fn say_signers(policy: &Policy, out: &Out) {
    if !out.is_json() {
        out.text(&allowed_signers(policy).join("\n"));
        return;
    }
    let mut signers = Vec::new();
    for (name, person) in &policy.people {
        let principal = principal(person.email.as_deref().unwrap_or(name));
        signers.extend(usable(policy, person).map(|key| serde_json::json!({"person": name, "principal": principal, "key": key.key.to_line(), "fingerprint": key.key.fingerprint(), "notAfter": key.not_after})));
    }
    out.json(&serde_json::json!({"formatVersion": "1.0", "policyVersion": policy.version, "signers": signers}));
}

/// The lines of the file that `gpg.ssh.allowedSignersFile` names.
pub(super) fn allowed_signers(policy: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, person) in &policy.people {
        let principal = principal(person.email.as_deref().unwrap_or(name));
        lines.extend(usable(policy, person).map(|key| {
            let until = key.not_after.map(|end| format!(",valid-before=\"{}\"", end.strftime("%Y%m%d%H%M%SZ")));
            format!("{principal} namespaces=\"git\"{} {}", until.unwrap_or_default(), key.key.to_line())
        }));
    }
    lines
}

/// A principal is a pattern to OpenSSH: nothing of a name may act as one.
fn principal(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "@._+-".contains(c) { c } else { '_' }).collect()
}

fn show(policy: &Policy, out: &Out) {
    if out.is_json() {
        out.json(&policy_json(policy));
        return;
    }
    let paper = out.paper();
    let mut lines = vec![
        format!("Trust policy, version {}, of the repository {}.", policy.version, visible(&policy.repo_id)),
        String::new(),
        paper.paint(Style::Heading, "People"),
    ];
    for (name, person) in &policy.people {
        let groups: Vec<&str> =
            policy.groups.iter().filter(|(_, members)| members.contains(name)).map(|(group, _)| &**group).collect();
        let machine = if person.machine { ", a machine" } else { "" };
        lines.push(format!("  {:<12} {}{machine}", visible(name), visible(&groups.join(", "))));
        lines.extend(
            person.keys.iter().map(|key| format!("  {:<12} {}{}", "", key.key.fingerprint(), key_notes(policy, key))),
        );
    }
    lines.extend([
        String::new(),
        paper.paint(Style::Heading, "A change needs, for every rule that one of its entries matches"),
    ]);
    lines.extend(policy.rules.iter().map(|rule| {
        wrapped(&rule_words(rule), paper.width.saturating_sub(4))
            .lines()
            .enumerate()
            .map(|(at, line)| format!("  {}{line}", if at > 0 { "  " } else { "" }))
            .collect::<Vec<_>>()
            .join("\n")
    }));
    lines.extend([
        String::new(),
        format!("An approval counts for {} days after it was signed.", policy.approval_max_age.as_hours() / 24),
    ]);
    if let Some(glass) = &policy.break_glass {
        lines.push(format!(
            "In an emergency {} of {} may act alone on {}, to be ratified within {} h.",
            glass.approvals,
            glass.from.join(", "),
            matching_words(&glass.matching),
            glass.ratify_within.as_hours()
        ));
    }
    out.text(&lines.join("\n"));
}

/// The text of the one file that is checked.
struct OneFile(Arc<str>);

impl Sources for OneFile {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        (file == POLICY_PATH).then(|| self.0.clone())
    }
}

fn check(args: &CheckArgs, out: &Out) -> Result<Exit, CliError> {
    let path = args.dir.join(POLICY_PATH);
    let bytes = std::fs::read(&path).map_err(|error| {
        CliError::because(format!("{} cannot be read", path.display()), error)
            .hint("pintle trust check DIR; pintle init makes a repository with a policy")
    })?;
    let result = read_policy(&bytes, jiff::Timestamp::now());
    let diagnostics: Vec<Diagnostic> = result.as_ref().err().cloned().unwrap_or_default();
    let text = OneFile(String::from_utf8_lossy(&bytes).into());
    match (out.format, &result) {
        (Format::Json, _) => out.json(&serde_json::json!({"formatVersion": "1.0", "diagnostics": diagnostics})),
        (Format::Human, Ok(policy)) => out.text(&format!(
            "The trust policy is sound: version {}, {} people, {} rules.",
            policy.version,
            policy.people.len(),
            policy.rules.len()
        )),
        (Format::Human, Err(_)) => {
            out.text(&diagnostics_human(&diagnostics, &text, Checked { documents: 1 }, &out.paper()));
        }
        (Format::Markdown, _) => out.text(&diagnostics_markdown(&diagnostics, &text, Checked { documents: 1 })),
    }
    Ok(if result.is_ok() { Exit::Success } else { Exit::Failure })
}
