//! `pintle approve --ratify`: says of an accepted commit that the glass was broken rightly.

use super::place::{approvals_ref, placed, pushed, signed};
use super::target::Target;
use super::{ApproveArgs, Signer, asked, who};
use crate::cli::judge::{Judge, accepted_of};
use crate::cli::signing::signing_key;
use crate::cli::{CliError, Exit, Out};
use pintle_core::trust::{OpenGlass, Statement, Word};

/// Finds the open glass, asks, signs, and puts it in its place.
pub(super) async fn run(args: &ApproveArgs, out: &Out) -> Result<Exit, CliError> {
    let judge = Judge::open(&args.trust, None).await?;
    let git = judge.git();
    let key = signing_key(&git)?.key;
    let tip = judge.tip(None)?;
    let accepted = accepted_of(judge.verdict(tip)?)?;
    let open = accepted.unratified();
    let meant = judge.objects.resolve(&args.what).ok();
    let glass = match open {
        [only] if args.what == "HEAD" => only,
        _ => open.iter().find(|glass| Some(glass.commit) == meant).ok_or_else(|| nothing(open))?,
    };
    let signer = Signer { person: who(accepted.policy(), &key)?, key };
    let people = glass.people.join(" and ");
    if !out.is_json() {
        out.text(&format!("{people} broke the glass for {}: \"{}\"", glass.commit.short(), glass.reason));
    }
    asked(&format!("Ratify that as {}?", signer.person), args.yes)?;
    let binding = &judge.introduction;
    let statement =
        Statement::new(Word::Ratify, binding.repo_id.clone(), binding.git_ref.clone(), accepted.commit(), glass.change);
    let branch = judge.objects.resolve(&binding.git_ref).is_ok_and(|oid| oid == tip);
    let target = Target { tip, branch: branch.then(|| binding.git_ref.to_string()), candidate: tip };
    let commit = signed(&git, &signer, tip, statement, &format!("what broke the glass: {}", glass.commit.short()))?;
    let name = approvals_ref(Word::Ratify, &glass.change.to_string(), &signer.person);
    placed(&git, &target, &name, commit)?;
    if let Some(remote) = &args.push {
        pushed(&git, &target, &name, commit, remote)?;
    }
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "commit": commit, "ratifies": glass.commit, "person": signer.person, "ref": name, "pushed": args.push.is_some()}));
    } else {
        out.text(&format!(
            "{} ratifies {}, by {}. It closes when everyone whom the rules ask has.",
            signer.person,
            glass.commit.short(),
            commit.short()
        ));
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
