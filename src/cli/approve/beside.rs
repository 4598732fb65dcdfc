//! Words about something that no branch brings: `pintle approve --ratify` says of an accepted commit
//! that the glass was broken rightly, `--reading` that another Pintle reads it rightly, `--allow-limit`
//! that it may pass a limit of the guard.

use super::place::{approvals_ref, placed, pushed, signed};
use super::target::{Target, target};
use super::{ApproveArgs, Signer, asked, plan_after, title, who};
use crate::cli::judge::{Judge, accepted_of};
use crate::cli::plan::{read, rendered};
use crate::cli::signing::signing_key;
use crate::cli::{CliError, Exit, Out};
use pintle_core::change::{ChangeId, Digest, Oid};
use pintle_core::trust::{AcceptedCommit, OpenGlass, Rereading, Statement, Times, Word};
use std::sync::Arc;

/// What somebody is about to say.
struct Saying {
    word: Word,
    commit: Oid,
    change: ChangeId,
    question: String,
    subject: String,
    /// What is told when it is said.
    effect: String,
    actions: Option<Digest>,
    reason: Option<Arc<str>>,
}

/// Finds the open glass, asks, signs, and puts it in its place.
pub(super) async fn ratify(args: &ApproveArgs, out: &Out) -> Result<Exit, CliError> {
    let judge = Judge::open(&args.trust, None).await?;
    let accepted = accepted_of(judge.verdict(judge.tip(None)?)?)?;
    let open = accepted.unratified();
    let meant = judge.objects.resolve(&args.what).ok();
    let glass = match open {
        [only] if args.what == "HEAD" => only,
        _ => open.iter().find(|glass| Some(glass.commit) == meant).ok_or_else(|| nothing(open))?,
    };
    if !out.is_json() {
        let people = glass.people.join(" and ");
        out.text(&format!("{people} broke the glass for {}: \"{}\"", glass.commit.short(), glass.reason));
    }
    let short = glass.commit.short();
    let saying = Saying {
        word: Word::Ratify,
        commit: glass.commit,
        change: glass.change,
        question: "Ratify that".into(),
        subject: format!("what broke the glass: {short}"),
        effect: format!("ratifies {short}. It closes when everyone whom the rules ask has"),
        actions: None,
        reason: None,
    };
    say(args, &judge, &accepted, saying, out)
}

/// Reads the accepted commit with this Pintle, shows what it would do, asks, signs.
pub(super) async fn reading(args: &ApproveArgs, before: Digest, out: &Out) -> Result<Exit, CliError> {
    let judge = Judge::open(&args.trust, None).await?;
    let tip = judge.tip(None)?;
    let accepted = accepted_of(judge.verdict(tip)?)?;
    let commit = judge.tip(Some(&args.what))?;
    if !accepted.steps().iter().any(|step| step.commit == commit) {
        let hint = "name the one that pintle status names".to_owned();
        return Err(CliError::new(format!("{} is not accepted", commit.short())).hint(hint));
    }
    let now = judge.asked(tip, |_, session| session.reading(commit))?;
    let now = now.map_err(|error| CliError::because(format!("{} cannot be read", commit.short()), error))?;
    if now == before {
        return Err(CliError::new("this Pintle reads it as the one before did, so there is nothing to approve")
            .hint("run the version that the daemon runs: pintle --version"));
    }
    if !out.is_json() {
        let revision = read(judge.objects.path(), &commit.to_string())?;
        let plan = plan_after(&accepted, &judge, &revision)?;
        out.text(&rendered(&plan, &title(commit, &judge, &revision)?, None, out));
        out.text(&format!("pintle {} reads it as {}, the one before as {}. pintle plan --rev {} --database-url URL shows what that comes to.", env!("CARGO_PKG_VERSION"), now.short(), before.short(), commit.short()));
    }
    let short = commit.short();
    let saying = Saying {
        word: Word::Approve,
        commit,
        change: Rereading { commit, before, now }.id(&judge.introduction.repo_id),
        question: format!("Approve that pintle {} reads {short} so", env!("CARGO_PKG_VERSION")),
        subject: format!("how pintle {} reads {short}", env!("CARGO_PKG_VERSION")),
        effect: format!("approves how pintle {} reads {short}", env!("CARGO_PKG_VERSION")),
        actions: None,
        reason: None,
    };
    say(args, &judge, &accepted, saying, out)
}

/// Says that a limit may be passed by exactly the actions of a refused plan.
pub(super) async fn allow_limit(args: &ApproveArgs, limit: &str, out: &Out) -> Result<Exit, CliError> {
    let mut judge = Judge::open(&args.trust, None).await?;
    let accepted = accepted_of(judge.verdict(judge.tip(None)?)?)?;
    judge.times = Times::Clock;
    let commit = judge.tip(Some(&args.what))?;
    let change = match accepted.steps().iter().find(|step| step.commit == commit) {
        Some(step) => step.change_id,
        // A change that is still to come.
        None => {
            let Target { candidate, .. } = target(&judge, &judge.git(), &accepted, &args.what)?;
            judge.preview(&accepted, candidate, candidate)?.change
        }
    };
    let actions = args.for_actions.unwrap_or(Digest([0; 32]));
    let reason = format!("{limit} -- {}", args.reason.as_deref().unwrap_or_default());
    let short = commit.short();
    let saying = Saying {
        word: Word::AllowLimit,
        commit,
        change,
        question: format!("Let {short} pass the limit `{limit}`, with exactly the actions {}", actions.short()),
        subject: format!("{short}: {limit}"),
        effect: format!("lets {short} pass the limit `{limit}` with the actions {}", actions.short()),
        actions: Some(actions),
        reason: Some(reason.into()),
    };
    say(args, &judge, &accepted, saying, out)
}

/// Asks, signs, and puts it under the approvals ref.
fn say(
    args: &ApproveArgs,
    judge: &Judge,
    accepted: &AcceptedCommit,
    saying: Saying,
    out: &Out,
) -> Result<Exit, CliError> {
    let Saying { word, commit: about, change, question, subject, effect, actions, reason } = saying;
    let git = judge.git();
    let key = signing_key(&git)?.key;
    let signer = Signer { person: who(accepted.policy(), &key)?, key };
    asked(&format!("{question} as {}?", signer.person), args.yes)?;
    let binding = &judge.introduction;
    let base = accepted.commit();
    let statement = Statement::new(word, binding.repo_id.clone(), binding.git_ref.clone(), base, change);
    let statement = Statement { actions, reason, ..statement };
    let tip = judge.tip(None)?;
    // An approval that stands on the branch is passed with it; ratifying is not.
    let branch = word == Word::Ratify && judge.objects.resolve(&binding.git_ref).is_ok_and(|oid| oid == tip);
    let target = Target { tip, branch: branch.then(|| binding.git_ref.to_string()), candidate: tip };
    let commit = signed(&git, &signer, tip, statement, &subject)?;
    let name = approvals_ref(word, &change.to_string(), &signer.person);
    placed(&git, &target, &name, commit)?;
    if let Some(remote) = &args.push {
        pushed(&git, &target, &name, commit, remote)?;
    }
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "commit": commit, "about": about, "changeId": change, "person": signer.person, "ref": name, "pushed": args.push.is_some()}));
    } else {
        out.text(&format!("{} {effect}, by {}.", signer.person, commit.short()));
    }
    Ok(Exit::Success)
}

fn nothing(open: &[OpenGlass]) -> CliError {
    let names: Vec<String> = open.iter().map(|glass| glass.commit.short()).collect();
    let hint = match names.as_slice() {
        [] => "pintle verify --explain shows what is accepted, and how".to_owned(),
        names => format!("open are: {}", names.join(", ")),
    };
    CliError::new("no broken glass waits for being ratified there").hint(hint)
}
