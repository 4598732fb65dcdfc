//! `pintle ci`: what a pull request would do and which approvals it has, for a required check.
//! It judges with what is in the repository and never writes; posting comments to a forge is not built.

use super::approvals::of_preview;
use super::approve::target::{Target, target};
use super::approve::{plan_after, title};
use super::judge::{Judge, TrustArgs, accepted_of, fetch_approvals};
use super::plan::{read, rendered, unsound};
use super::{CliError, Exit, Format, Out};
use pintle_core::render::plan_json;
use pintle_core::trust::{AcceptedCommit, Preview, RuleState};

/// What is checked.
#[derive(Debug, clap::Args)]
pub struct CiArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The branch or revision that would be merged
    #[arg(long, env = "PINTLE_REV", value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// What the check asks for beyond sound documents
    #[arg(long, env = "PINTLE_REQUIRE", value_enum)]
    require: Option<Require>,
    /// Fetch the approvals from a remote first
    #[arg(long, env = "PINTLE_FETCH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    fetch: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Require {
    /// Every approval that the accepted policy asks for: pending (4) until it is there
    Approved,
}

/// 0 when it may be merged, 4 when approvals are asked for and missing, 1 when it is invalid.
pub async fn run(args: &CiArgs, out: &Out) -> Result<Exit, CliError> {
    if let Some(remote) = &args.fetch {
        fetch_approvals(&args.trust.repo, remote)?;
    }
    let mut judge = Judge::open(&args.trust, None).await?;
    let tip = judge.tip(Some(&args.rev))?;
    let watched = judge.tip(None).unwrap_or(tip);
    let accepted = accepted_of(judge.verdict(watched)?)?;
    judge.times = pintle_core::trust::Times::Clock;
    if judge.objects.descends(accepted.commit(), tip) {
        return Ok(already(&accepted, out));
    }
    let Target { candidate, .. } = target(&judge, &judge.git(), &accepted, &args.rev)?;
    let revision = read(judge.objects.path(), &candidate.to_string())?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let plan = plan_after(&accepted, &judge, &revision)?;
    let preview = judge.preview(&accepted, candidate, candidate)?;
    let approvals = of_preview(&preview);
    let head = title(tip, &judge, &revision)?;
    if out.format == Format::Json {
        let mut json = plan_json(&plan, &head, Some(&approvals));
        json["check"] = check(&preview);
        out.json(&json);
    } else {
        let text = rendered(&plan, &head, Some(&approvals), out);
        out.text(&format!("{text}\n{}", sentence(&preview, &args.rev)));
    }
    let pending = args.require == Some(Require::Approved) && !preview.accepted;
    Ok(if pending { Exit::Untrusted } else { Exit::Success })
}

fn already(accepted: &AcceptedCommit, out: &Out) -> Exit {
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "check": {"state": "approved", "reasons": []}, "accepted": accepted.commit()}));
    } else {
        out.text(&format!("This is accepted already, by {}.", accepted.commit().short()));
    }
    Exit::Success
}

/// The state of the check, as a commit status would say it.
fn check(preview: &Preview) -> serde_json::Value {
    let state = if preview.accepted { "approved" } else { "pending" };
    let rules: Vec<_> = preview
        .rules
        .iter()
        .map(|rule| serde_json::json!({"name": rule.name, "needed": rule.needed, "have": rule.have, "from": rule.from}))
        .collect();
    let reasons: Vec<_> = preview
        .reasons
        .iter()
        .map(|one| serde_json::json!({"code": one.code, "message": one.message, "hint": one.hint}))
        .collect();
    serde_json::json!({"state": state, "changeId": preview.change, "rules": rules, "reasons": reasons})
}

fn sentence(preview: &Preview, rev: &str) -> String {
    if preview.accepted {
        return "Everything that it needs is there: it may be merged.".to_owned();
    }
    let missing: u32 = preview.rules.iter().map(RuleState::missing).sum();
    match (missing, preview.reasons.first()) {
        (0, Some(reason)) => format!("Pending: {} ({})", reason.message, reason.hint),
        (1, _) => format!("Pending: 1 approval is missing (pintle approve {rev})."),
        _ => format!("Pending: {missing} approvals are missing (pintle approve {rev})."),
    }
}
