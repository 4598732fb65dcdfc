//! `pintle approve`: shows a change, asks, and makes the empty signed commit whose trailer counts;
//! also the words that take an approval back, break the glass, or ratify that it was broken. The
//! user's own git signs and pushes; the work tree and the index are never touched.

mod beside;
mod place;
mod refresh;
mod report;
pub(super) mod target;

use super::approvals::{line, of_preview};
use super::judge::{Judge, TrustArgs, accepted_of, fetch_approvals, policy_at};
use super::plan::{Revision, header, read, rendered, unsound};
use super::signing::signing_key;
use super::{CliError, Exit, Out, against};
use crate::git::Git;
use crate::store::Store;
use jiff::Timestamp;
use pintle_core::change::{Digest, Oid};
use pintle_core::plan::Plan;
use pintle_core::trust::{AcceptedCommit, Policy, Preview, PublicKey, Role, Signed, Statement, Word};
pub(super) use place::{approvals_name, empty};
use report::report;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use target::{Target, rewritten, target};

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
    /// Approve a history that does not descend from what is accepted, as trust accept-rewrite lets it be considered
    #[arg(long, env = "PINTLE_REWRITE", conflicts_with_all = ["refresh", "ratify"])]
    rewrite: bool,
    /// Fetch the approvals from a remote first
    #[arg(long, env = "PINTLE_FETCH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    fetch: Option<String>,
    /// Bind the approval to exactly the actions of the plan that is shown: with --database-url of the plan against the live
    /// state, as the daemon would make it now, else of what the change does to what is accepted
    #[arg(long, env = "PINTLE_ACTIONS", conflicts_with_all = ["withdraw", "break_glass", "ratify"])]
    actions: bool,
    /// Renew every approval of yours that no longer counts: too old, or its documents were touched since
    #[arg(long, env = "PINTLE_REFRESH", conflicts_with_all = ["withdraw", "break_glass", "ratify"])]
    refresh: bool,
    /// Take back what was approved of the change so far, by anyone
    #[arg(long, env = "PINTLE_WITHDRAW", conflicts_with_all = ["break_glass", "ratify"])]
    withdraw: bool,
    /// Bring the change at once, with fewer people than its rules ask for; someone must ratify it
    #[arg(long, env = "PINTLE_BREAK_GLASS", value_name = "REASON", conflicts_with = "ratify")]
    break_glass: Option<String>,
    /// Say that glass broken for an accepted commit was broken rightly
    #[arg(long, env = "PINTLE_RATIFY")]
    ratify: bool,
    /// Say that this Pintle reads the accepted commit rightly, where the one before read it as DIGEST
    #[arg(long, env = "PINTLE_READING", value_name = "DIGEST", conflicts_with_all = ["withdraw", "break_glass", "ratify", "refresh", "rewrite", "actions"])]
    reading: Option<Digest>,
    /// Let the commit pass this limit of the guard, with exactly the actions of --for
    #[arg(long, env = "PINTLE_ALLOW_LIMIT", value_name = "LIMIT", requires_all = ["for_actions", "reason"], conflicts_with_all = ["withdraw", "break_glass", "ratify", "refresh", "rewrite", "actions", "reading"])]
    allow_limit: Option<String>,
    /// The actions that may pass it, as the refused plan names them
    #[arg(long = "for", env = "PINTLE_ALLOW_FOR", value_name = "ACTIONS", requires = "allow_limit")]
    for_actions: Option<Digest>,
    /// Why the limit may be passed
    #[arg(long, env = "PINTLE_ALLOW_REASON", value_name = "TEXT", requires = "allow_limit")]
    reason: Option<String>,
}

impl ApproveArgs {
    fn word(&self) -> Word {
        match (self.withdraw, &self.break_glass) {
            (true, _) => Word::Withdraw,
            (_, Some(_)) => Word::BreakGlass,
            _ => Word::Approve,
        }
    }
}

/// A change that someone is about to approve.
struct Case {
    judge: Judge,
    git: Git,
    accepted: AcceptedCommit,
    target: Target,
    preview: Preview,
    signer: Signer,
}

/// Who signs, and with which key.
#[derive(Clone)]
struct Signer {
    person: Arc<str>,
    key: PublicKey,
}

/// Shows, asks, signs, pushes, and says whether it counts.
pub async fn run(args: &ApproveArgs, out: &Out) -> Result<Exit, CliError> {
    if let Some(remote) = &args.fetch {
        fetch_approvals(&args.trust.repo, remote)?;
    }
    if args.ratify {
        return beside::ratify(args, out).await;
    }
    if let Some(before) = args.reading {
        return beside::reading(args, before, out).await;
    }
    if let Some(limit) = &args.allow_limit {
        return beside::allow_limit(args, limit, out).await;
    }
    if args.refresh {
        return refresh::run(args, out).await;
    }
    one(args, &args.what, out).await
}

/// Says the word about one change.
async fn one(args: &ApproveArgs, what: &str, out: &Out) -> Result<Exit, CliError> {
    let opened = opened(args, what).await?;
    let revision = read(opened.judge.objects.path(), &opened.target.candidate.to_string())?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let mut case = case(opened, args.word())?;
    let plan = match args.trust.database_url.as_ref().filter(|_| args.actions) {
        Some(url) => against::rows(&Store::open(url, 2)?, case.judge.objects.path(), &revision).await?,
        None => plan_after(&case.accepted, &case.judge, &revision)?,
    };
    if !out.is_json() {
        let title = title(case.target.tip, &case.judge, &revision)?;
        out.text(&rendered(&plan, &title, Some(&of_preview(&case.preview)), out));
    }
    if args.word() == Word::Approve && nothing_to_add(&case) {
        report(out, &case, &case.preview, None, args);
        return Ok(Exit::Success);
    }
    asked(&question(args, &case), args.yes)?;
    let mut statement = statement(&case, args.word());
    statement.actions = args.actions.then(|| plan.actions().0);
    statement.reason = args.break_glass.as_deref().map(Into::into);
    let subject =
        case.git.run(&["show", "--no-patch", "--format=%s", &case.target.tip.to_string()]).unwrap_or_default();
    let commit = place::signed(&case.git, &case.signer, case.target.tip, statement, &subject)?;
    case.judge.evidence.push(commit);
    let after = case.judge.preview(&case.accepted, case.target.candidate, case.target.candidate)?;
    refuse_if_vain(args.word(), &case, &after, commit)?;
    let name = place::approvals_ref(args.word(), &case.preview.change.to_string(), &case.signer.person);
    place::placed(&case.git, &case.target, &name, commit)?;
    if let Some(remote) = &args.push {
        place::pushed(&case.git, &case.target, &name, commit, remote)?;
    }
    report(out, &case, &after, Some(commit), args);
    Ok(Exit::Success)
}

/// Whether this person's approval counts for every rule that it could count for.
fn nothing_to_add(case: &Case) -> bool {
    let own = |one: &&pintle_core::trust::Counted| one.person == case.signer.person && one.role == Role::Approver;
    let policy = case.accepted.policy();
    let asks = |rule: &&pintle_core::trust::RuleState| policy.in_groups(&case.signer.person, &rule.from);
    let counts = |rule: &pintle_core::trust::RuleState| {
        case.preview.counted.iter().filter(own).any(|one| one.rules.contains(&rule.name))
    };
    case.preview.counted.iter().any(|one| own(&one)) && case.preview.rules.iter().filter(asks).all(counts)
}

/// An approval that was signed and does not count is said to be in vain; nothing is put on a branch.
fn refuse_if_vain(word: Word, case: &Case, after: &Preview, commit: Oid) -> Result<(), CliError> {
    let counts = match word {
        Word::Approve => after.counted.iter().any(|one| one.person == case.signer.person) || case.proves(after),
        Word::BreakGlass => after.accepted,
        Word::Withdraw | Word::Ratify | Word::AllowLimit => true,
    };
    if counts {
        return Ok(());
    }
    let told = after.reasons.iter().find(|reason| reason.commit == Some(commit));
    let told =
        told.or_else(|| after.reasons.iter().find(|reason| reason.code == pintle_core::diagnostic::Code::GlassHolds));
    let why = told.map_or_else(|| "no rule that the change needs asks you".to_owned(), |reason| reason.message.clone());
    let what = if word == Word::BreakGlass { "word" } else { "approval" };
    Err(CliError::new(format!("the {what} {} was made and does not count: {why}", commit.short()))
        .hint("nothing was put on a branch; pintle trust show says who may approve what")
        .exit(Exit::Untrusted))
}

impl Case {
    /// Whether the signature only proves that a key which the change adds is held by someone.
    fn proves(&self, after: &Preview) -> bool {
        let fingerprint = self.signer.key.fingerprint().to_string();
        let refused = pintle_core::diagnostic::Code::PolicyRefused;
        let asked = |preview: &Preview| {
            preview.reasons.iter().any(|reason| reason.code == refused && reason.message.contains(&fingerprint))
        };
        asked(&self.preview) && !asked(after)
    }
}

/// What is asked about, before anything is judged.
struct Opened {
    judge: Judge,
    git: Git,
    accepted: AcceptedCommit,
    key: PublicKey,
    target: Target,
}

async fn opened(args: &ApproveArgs, what: &str) -> Result<Opened, CliError> {
    let mut judge = Judge::open(&args.trust, None).await?;
    let git = judge.git();
    let key = signing_key(&git)?.key;
    let watched = judge.tip(None).or_else(|_| judge.tip(Some(what)))?;
    let accepted = accepted_of(judge.verdict(watched)?)?;
    judge.times = pintle_core::trust::Times::Clock;
    let target = if args.rewrite { rewritten(&judge, &git, what)? } else { target(&judge, &git, &accepted, what)? };
    Ok(Opened { judge, git, accepted, key, target })
}

fn case(opened: Opened, word: Word) -> Result<Case, CliError> {
    let Opened { judge, git, accepted, key, target } = opened;
    let preview = judge.preview(&accepted, target.candidate, target.candidate)?;
    if preview.rules.is_empty() && preview.reasons.is_empty() {
        return Err(CliError::new(format!("{} changes nothing that needs an approval", target.tip.short()))
            .hint("pintle verify"));
    }
    let (person, known) = match who(accepted.policy(), &key) {
        Ok(person) => (person, true),
        Err(unknown) => (newcomer(&judge, target.candidate, &key, unknown)?, false),
    };
    if known && word != Word::BreakGlass {
        may(&person, &preview, accepted.policy())?;
    }
    Ok(Case { judge, git, accepted, target, preview, signer: Signer { person, key } })
}

/// Whose key it is, by the accepted policy.
fn who(policy: &Policy, key: &PublicKey) -> Result<Arc<str>, CliError> {
    let signed = Signed { key: key.clone(), touched: true, pin: true };
    policy.signer(&signed, Timestamp::now()).map_err(|why| {
        CliError::new(format!("your signature would not count: {why}"))
            .hint("sign with a key of the policy (pintle trust show), or have yours added to .pintle/trust.yaml")
            .exit(Exit::Untrusted)
    })
}

/// The holder of a key that the change itself adds to the policy: signing proves possession.
fn newcomer(judge: &Judge, candidate: Oid, key: &PublicKey, unknown: CliError) -> Result<Arc<str>, CliError> {
    let brought = policy_at(&judge.objects, candidate).ok().flatten();
    brought.and_then(|policy| policy.holder(key).cloned()).ok_or(unknown)
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
pub(super) fn plan_after(accepted: &AcceptedCommit, judge: &Judge, revision: &Revision) -> Result<Plan, CliError> {
    against::revision(&read(judge.objects.path(), &accepted.commit().to_string())?, revision, &against::nobody)
}

/// The head of the plan names the commit that people know, not the merge that was tried.
pub(super) fn title(tip: Oid, judge: &Judge, revision: &Revision) -> Result<pintle_core::render::Header, CliError> {
    if tip == revision.oid {
        return Ok(header(revision));
    }
    Ok(header(&read(judge.objects.path(), &tip.to_string())?))
}

fn question(args: &ApproveArgs, case: &Case) -> String {
    let person = &case.signer.person;
    match args.word() {
        Word::Withdraw => format!("Withdraw the approvals of this as {person}?"),
        Word::BreakGlass => format!("Break the glass for this as {person}?"),
        Word::Approve | Word::Ratify | Word::AllowLimit => format!("Approve this as {person}?"),
    }
}

/// Asks at the terminal, unless it was answered already.
fn asked(question: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::new("nobody can be asked here").hint("pintle approve --yes, after reading the plan"));
    }
    eprint!("\n{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::new("nothing was signed").hint("run it again to be asked again")),
    }
}

fn statement(case: &Case, word: Word) -> Statement {
    let accepted = case.accepted.commit();
    let introduction = &case.judge.introduction;
    Statement::new(word, introduction.repo_id.clone(), introduction.git_ref.clone(), accepted, case.preview.change)
}
