//! `pintle approve`: shows a change, asks, and makes the empty signed commit whose trailer counts.
//! The user's own git signs and pushes; the work tree and the index are never touched.

mod report;
mod target;

use super::approvals::{line, of_preview};
use super::judge::{Judge, TrustArgs};
use super::plan::{Revision, header, read, rendered, unsound};
use super::signing::signing_key;
use super::{CliError, Exit, Out};
use crate::git::{Git, GitError};
use jiff::Timestamp;
use pintle_core::change::{Digest, Oid};
use pintle_core::diff::LiveState;
use pintle_core::plan::Plan;
use pintle_core::trust::{AcceptedCommit, Approval, Policy, Preview, Signed, Verdict, approve_message};
use report::report;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use target::{Target, target};

/// What to approve.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The branch or revision to approve
    #[arg(value_name = "BRANCH | REV", default_value = "HEAD")]
    what: String,
    /// Do not ask
    #[arg(short, long, env = "PINTLE_YES")]
    yes: bool,
    /// Push the approval, to the branch and to refs/pintle/approvals/
    #[arg(long, env = "PINTLE_PUSH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    push: Option<String>,
    /// Bind the approval to exactly the actions of the plan that is shown
    #[arg(long, env = "PINTLE_ACTIONS")]
    actions: bool,
}

/// A change that someone is about to approve.
struct Case {
    judge: Judge,
    git: Git,
    verdict: Verdict,
    target: Target,
    preview: Preview,
    person: Arc<str>,
    fido: bool,
}

/// Shows, asks, signs, pushes, and says whether it counts.
pub async fn run(args: &ApproveArgs, out: &Out) -> Result<Exit, CliError> {
    let opened = opened(args).await?;
    let revision = read(opened.judge.objects.path(), &opened.target.candidate.to_string())?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let mut case = case(opened)?;
    let plan = planned(&case, &revision)?;
    if !out.is_json() {
        out.text(&rendered(&plan, &title(&case, &revision)?, Some(&of_preview(&case.preview)), out));
    }
    if case
        .preview
        .counted
        .iter()
        .any(|one| one.person == case.person && one.role == pintle_core::trust::Role::Approver)
    {
        report(out, &case, &case.preview, None, false);
        return Ok(Exit::Success);
    }
    asked(&case, args)?;
    let commit = signed(&case, args.actions.then(|| plan.actions().0))?;
    case.judge.evidence.push(commit);
    let after = case.judge.preview(&case.verdict, case.target.candidate, case.target.candidate)?;
    if !after.counted.iter().any(|one| one.person == case.person) {
        let why = after
            .reasons
            .iter()
            .find(|reason| reason.commit == Some(commit))
            .map_or_else(|| "no rule that the change needs asks you".to_owned(), |reason| reason.message.clone());
        return Err(CliError::new(format!("the approval {} was made and does not count: {why}", commit.short()))
            .hint("nothing was put on a branch; pintle trust show says who may approve what")
            .exit(Exit::Untrusted));
    }
    placed(&case, commit)?;
    if let Some(remote) = &args.push {
        pushed(&case, commit, remote)?;
    }
    report(out, &case, &after, Some(commit), args.push.is_some());
    Ok(Exit::Success)
}

/// What is asked about, before anything is judged.
struct Opened {
    judge: Judge,
    git: Git,
    verdict: Verdict,
    accepted: AcceptedCommit,
    person: Arc<str>,
    fido: bool,
    target: Target,
}

async fn opened(args: &ApproveArgs) -> Result<Opened, CliError> {
    let mut judge = Judge::open(&args.trust, None).await?;
    let git = Git::at(&judge.objects.work_tree().unwrap_or_else(|| judge.objects.path().to_owned()));
    let key = signing_key(&git)?;
    let watched = judge.tip(None).or_else(|_| judge.tip(Some(&args.what)))?;
    let verdict = judge.verdict(watched)?;
    judge.times = pintle_core::trust::Times::Clock;
    let Some(accepted) = verdict.accepted.clone() else {
        let why = verdict.refused.as_ref().map(|refused| refused.reason.message.clone()).unwrap_or_default();
        return Err(CliError::new(format!("nothing is accepted yet: {why}"))
            .hint("pintle doctor checks the introduction")
            .exit(Exit::Untrusted));
    };
    let fido = key.key.is_fido();
    let person = who(accepted.policy(), key.key)?;
    let target = target(&judge, &git, &accepted, &args.what)?;
    Ok(Opened { judge, git, verdict, accepted, person, fido, target })
}

fn case(opened: Opened) -> Result<Case, CliError> {
    let Opened { judge, git, verdict, accepted, person, fido, target } = opened;
    let preview = judge.preview(&verdict, target.candidate, target.candidate)?;
    if preview.rules.is_empty() && preview.reasons.is_empty() {
        return Err(CliError::new(format!("{} changes nothing that needs an approval", target.tip.short()))
            .hint("pintle verify"));
    }
    may(&person, &preview, accepted.policy())?;
    Ok(Case { judge, git, verdict, target, preview, person, fido })
}

/// Whose key it is, by the accepted policy.
fn who(policy: &Policy, key: pintle_core::trust::PublicKey) -> Result<Arc<str>, CliError> {
    let signed = Signed { key, touched: true, pin: true };
    policy.signer(&signed, Timestamp::now()).map_err(|why| {
        CliError::new(format!("your signature would not count: {why}"))
            .hint("sign with a key of the policy (pintle trust show), or have yours added to .pintle/trust.yaml")
            .exit(Exit::Untrusted)
    })
}

/// Refuses someone whom no rule asks, before they sign for nothing.
fn may(person: &str, preview: &Preview, policy: &Policy) -> Result<(), CliError> {
    let asks = |rule: &pintle_core::trust::RuleState| policy.in_groups(person, &rule.from);
    if preview.rules.is_empty() || preview.rules.iter().any(asks) {
        return Ok(());
    }
    let rules: Vec<String> = preview.rules.iter().map(|rule| line(rule).sentence()).collect();
    Err(CliError::new(format!("no rule that this change needs asks {person}"))
        .hint(rules.join(" "))
        .exit(Exit::Untrusted))
}

/// What the change would do to what is accepted.
fn planned(case: &Case, revision: &Revision) -> Result<Plan, CliError> {
    let accepted = case.verdict.accepted.as_ref().map(|accepted| accepted.commit().to_string()).unwrap_or_default();
    let base = read(case.judge.objects.path(), &accepted)?;
    Ok(super::plan::planned(revision, &LiveState::as_applied(&base.resolved, &accepted, Timestamp::now())))
}

/// The head of the plan names the commit that people know, not the merge that was tried.
fn title(case: &Case, revision: &Revision) -> Result<pintle_core::render::Header, CliError> {
    if case.target.tip == revision.oid {
        return Ok(header(revision));
    }
    Ok(header(&read(case.judge.objects.path(), &case.target.tip.to_string())?))
}

fn asked(case: &Case, args: &ApproveArgs) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::new("nobody can be asked here").hint("pintle approve --yes, after reading the plan"));
    }
    eprint!("\nApprove this as {}? [y/N] ", case.person);
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::new("not approved; nothing was signed").hint("run it again to approve")),
    }
}

fn signed(case: &Case, actions: Option<Digest>) -> Result<Oid, CliError> {
    let accepted = case.verdict.accepted.as_ref().map_or(case.target.tip, AcceptedCommit::commit);
    if case.fido {
        eprintln!("Touch the token when it blinks.");
    }
    let introduction = &case.judge.introduction;
    let approval = Approval {
        repo_id: introduction.repo_id.clone(),
        git_ref: introduction.git_ref.clone(),
        base: accepted,
        change: case.preview.change,
        actions,
    };
    let tip = case.target.tip.to_string();
    let failed = |error: GitError| {
        CliError::because("git could not sign the approval", error)
            .hint("touch or unlock the key, see that ssh-agent holds it (ssh-add -l), and run it again")
    };
    let subject = case.git.run(&["show", "--no-patch", "--format=%s", &tip]).unwrap_or_default();
    let tree = case.git.run(&["rev-parse", &format!("{tip}^{{tree}}")]).map_err(failed)?;
    let commit = case.git.signed_commit(&tree, &tip, &approve_message(&approval, &subject)).map_err(failed)?;
    commit.parse().map_err(|_| CliError::new("git named no commit"))
}

/// Puts the approval on the branch, and under the approvals ref, where squash and rebase do not reach.
fn placed(case: &Case, commit: Oid) -> Result<(), CliError> {
    let failed = |error: GitError| {
        CliError::because("the approval cannot be put in its place", error)
            .hint("the branch moved meanwhile: run it again")
    };
    if let Some(branch) = &case.target.branch {
        case.git
            .run(&["update-ref", "-m", "pintle approve", branch, &commit.to_string(), &case.target.tip.to_string()])
            .map_err(failed)?;
    }
    case.git
        .run(&["update-ref", "-m", "pintle approve", &approvals_ref(case), &commit.to_string()])
        .map_err(failed)
        .map(drop)
}

fn pushed(case: &Case, commit: Oid, remote: &str) -> Result<(), CliError> {
    let mut arguments =
        vec!["push".to_owned(), "--quiet".to_owned(), remote.to_owned(), format!("+{commit}:{}", approvals_ref(case))];
    arguments.extend(case.target.branch.as_ref().map(|branch| format!("{commit}:{branch}")));
    case.git.run(&arguments).map(drop).map_err(|error| {
        let again = arguments.iter().skip(3).map(String::as_str).collect::<Vec<_>>().join(" ");
        CliError::because(format!("the approval is made, and could not be pushed to {remote}"), error)
            .hint(format!("git push {remote} {again}"))
    })
}

fn approvals_ref(case: &Case) -> String {
    let person: String =
        case.person.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("refs/pintle/approvals/{}-{person}", case.preview.change)
}
