//! `pintle ci`: what a pull request would do and which approvals it has, for a required check. It
//! judges with what is in the repository; on a forge it keeps one comment and one status up to date.

mod post;

use super::against::Lifted;
use super::approvals::of_preview;
use super::approve::target::{Target, target};
use super::approve::title;
use super::judge::{Judge, TrustArgs, accepted_of, fetch_approvals, policy_at};
use super::plan::{Revision, read, rendered, unsound};
use super::{CliError, Exit, Format, Out, against};
use crate::forge::ForgeArgs;
use crate::reconcile::all_diagnostics;
use crate::store::Store;
use pintle_core::change::{ChangeId, Oid};
use pintle_core::diagnostic::has_errors;
use pintle_core::gate::Allowance;
use pintle_core::model::guard::Guards;
use pintle_core::plan::Plan;
use pintle_core::render::{Approvals, Header, diagnostics_markdown, plan_json, plan_markdown};
use pintle_core::trust::{AcceptedCommit, Preview, RuleState, allowances_of};
use post::Post;

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
    /// Keep a comment with the plan on the pull request, updated in place
    #[arg(long, env = "PINTLE_COMMENT")]
    comment: bool,
    /// Set the status of the commit
    #[arg(long, env = "PINTLE_STATUS")]
    status: bool,
    /// The number of the pull request; in CI the forge says it
    #[arg(long, env = "PINTLE_PULL", value_name = "N")]
    pull: Option<u64>,
    #[command(flatten)]
    forge: ForgeArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Require {
    /// Every approval that the accepted policy asks for: pending (4) until it is there
    Approved,
}

/// How the check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// It may be merged.
    Approved,
    /// Approvals are missing, or something else that people do.
    Pending,
    /// A limit of the guard refuses it.
    Refused,
    /// Its documents are not sound.
    Invalid,
}

impl Check {
    fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
        }
    }
}

/// 0 when it may be merged, 4 when approvals are asked for and missing, 3 when a limit refuses it, 1
/// when it is invalid.
pub async fn run(args: &CiArgs, out: &Out) -> Result<Exit, CliError> {
    let post = Post::of(args)?;
    if let Some(remote) = &args.fetch {
        fetch_approvals(&args.trust.repo, remote)?;
    }
    let mut judge = Judge::open(&args.trust, None).await?;
    let tip = judge.tip(Some(&args.rev))?;
    let watched = judge.watched(args.fetch.as_deref().unwrap_or("origin")).unwrap_or(tip);
    let accepted = accepted_of(judge.verdict(watched)?)?;
    judge.times = pintle_core::trust::Times::Clock;
    if judge.objects.descends(accepted.commit(), tip) {
        let revision = read(judge.objects.path(), &tip.to_string())?;
        return Ok(unsound(&revision, out).unwrap_or_else(|| already(&accepted, out)));
    }
    let Target { candidate, .. } = target(&judge, &judge.git(), &accepted, &args.rev)?;
    let revision = read(judge.objects.path(), &candidate.to_string())?;
    if let Some(exit) = unsound(&revision, out) {
        post.say(tip, Check::Invalid, "its documents are invalid", &mistakes(&revision)).await?;
        return Ok(exit);
    }
    let preview = judge.preview(&accepted, candidate, candidate)?;
    let lifted = |guards: &Guards| lifted(&judge, &accepted, candidate, preview.change, guards);
    let plan = planned(args, &judge, &accepted, &revision, &lifted).await?;
    let answer = Answer { approvals: of_preview(&preview), head: title(tip, &judge, &revision)?, plan, preview };
    let (check, sentence) = (answer.check(), answer.sentence(&args.rev));
    if out.format == Format::Json {
        out.json(&answer.json());
    } else {
        let text = rendered(&answer.plan, &answer.head, Some(&answer.approvals), out);
        out.text(&format!("{text}\n{sentence}"));
    }
    let comment = format!("{}\n{sentence}\n", plan_markdown(&answer.plan, &answer.head, Some(&answer.approvals)));
    post.say(tip, check, &sentence, &comment).await?;
    Ok(match check {
        Check::Refused => Exit::Refused,
        Check::Pending if args.require == Some(Require::Approved) => Exit::Untrusted,
        _ => Exit::Success,
    })
}

/// Against the rows where there is a database to ask, else against what is accepted.
async fn planned(
    args: &CiArgs,
    judge: &Judge,
    accepted: &AcceptedCommit,
    revision: &Revision,
    lifted: Lifted<'_>,
) -> Result<Plan, CliError> {
    let repo = judge.objects.path();
    let Some(url) = &args.trust.database_url else {
        return against::revision(&read(repo, &accepted.commit().to_string())?, revision, lifted);
    };
    let store = Store::open(url, 2)?;
    store.check_schema().await?;
    against::rows_lifted(&store, repo, revision, lifted).await
}

/// The limits that enough people let the change pass, as the daemon would hear them after the merge.
fn lifted(
    judge: &Judge,
    accepted: &AcceptedCommit,
    candidate: Oid,
    change: ChangeId,
    guards: &Guards,
) -> Result<Vec<Allowance>, CliError> {
    let Some(lift) = guards.lift() else { return Ok(Vec::new()) };
    // A policy that is unfit is told with the approvals: nothing of it is accepted.
    let after = policy_at(&judge.objects, candidate).ok().flatten();
    let after = after.as_ref().unwrap_or_else(|| accepted.policy());
    let heard = judge
        .asked(candidate, |question, session| allowances_of(accepted, (change, after), lift, question, session))?;
    heard.map_err(|error| CliError::because("what was said about limits cannot be read", error).hint("git fsck"))
}

fn mistakes(revision: &Revision) -> String {
    let diagnostics = all_diagnostics(&revision.loaded, &revision.resolved);
    debug_assert!(has_errors(&diagnostics));
    diagnostics_markdown(&diagnostics, &revision.loaded.texts, revision.loaded.checked())
}

fn already(accepted: &AcceptedCommit, out: &Out) -> Exit {
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "check": {"state": "approved", "changeId": null, "rules": [], "reasons": []}, "accepted": accepted.commit()}));
    } else {
        out.text(&format!("This is accepted already, by {}.", accepted.commit().short()));
    }
    Exit::Success
}

/// What is said of a sound change.
struct Answer {
    plan: Plan,
    head: Header,
    approvals: Approvals,
    preview: Preview,
}

impl Answer {
    fn check(&self) -> Check {
        match () {
            () if !self.plan.refused().is_empty() => Check::Refused,
            () if self.preview.accepted => Check::Approved,
            () => Check::Pending,
        }
    }

    /// The plan, and the state of the check as a commit status would say it.
    fn json(&self) -> serde_json::Value {
        let preview = &self.preview;
        let rules: Vec<_> = preview
            .rules
            .iter()
            .map(|rule| {
                serde_json::json!({"name": rule.name, "needed": rule.needed, "have": rule.have, "from": rule.from})
            })
            .collect();
        let reasons: Vec<_> = preview
            .reasons
            .iter()
            .map(|one| serde_json::json!({"code": one.code, "message": one.message, "hint": one.hint}))
            .collect();
        let mut json = plan_json(&self.plan, &self.head, Some(&self.approvals));
        json["check"] = serde_json::json!({"state": self.check().word(), "changeId": preview.change, "rules": rules, "reasons": reasons});
        json
    }

    fn sentence(&self, rev: &str) -> String {
        let rev = quoted(rev);
        let preview = &self.preview;
        if let Some(first) = self.plan.refused().first() {
            let (limit, actions) = (quoted(&first.limit), self.plan.actions());
            return format!(
                "Refused by a limit of .pintle/guard.yaml: {}. Make it smaller; or whom `override` names say: pintle approve {rev} --allow-limit {limit} --for {actions} --reason TEXT --push",
                first.sentence()
            );
        }
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
}

/// As one word of a shell, whatever its author wrote: people paste what stands in a comment.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./@".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_an_author_wrote_is_one_word_of_a_shell() {
        for wicked in ["delete any", "y'; curl x | sh #", "a\nb", "$(id)", "`id`", "\\'", "", "raise-memory"] {
            let said = std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(wicked))]).output();
            assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap(), wicked.replace('\n', ""));
        }
    }
}
