//! `pintle approve --refresh`: renews each approval of this person that no longer counts, for what
//! is held and for the local branches, one after the other, each shown before it is signed.

use super::{ApproveArgs, one, opened};
use crate::cli::judge::Judge;
use crate::cli::signing::signing_key;
use crate::cli::{CliError, Exit, Out};
use crate::git::Git;
use pintle_core::change::Oid;
use pintle_core::model::Catalog;
use pintle_core::trust::{Commit, Memory, ObjectKind, ObjectStore, PublicKey, Role, Session, Trailer, Word};

/// Looks through everything that is not accepted yet.
pub(super) async fn run(args: &ApproveArgs, out: &Out) -> Result<Exit, CliError> {
    let judge = Judge::open(&args.trust, None).await?;
    let git = judge.git();
    let key = signing_key(&git)?.key;
    let names = git.run(&["for-each-ref", "--format=%(refname)", "refs/heads/"]).unwrap_or_default();
    let mut renewed = 0;
    for branch in names.lines() {
        if lapsed(args, &judge, &git, branch, &key).await? {
            one(args, branch.trim_start_matches("refs/heads/"), out).await?;
            renewed += 1;
        }
    }
    if renewed == 0 && !out.is_json() {
        out.text("Every approval of yours counts, or is of something that is accepted.");
    }
    Ok(Exit::Success)
}

/// Whether this person approved something on the branch, and counts for nothing there now.
async fn lapsed(args: &ApproveArgs, judge: &Judge, git: &Git, branch: &str, key: &PublicKey) -> Result<bool, CliError> {
    let Ok(opened) = opened(args, branch.trim_start_matches("refs/heads/")).await else { return Ok(false) };
    let accepted = opened.accepted.commit();
    let range = format!("{accepted}..{}", opened.target.tip);
    let walked = git.run(&["rev-list", "--max-count=10000", &range]).unwrap_or_default();
    let own: Vec<Oid> =
        walked.lines().filter_map(|line| line.parse().ok()).chain(judge.evidence.iter().copied()).collect();
    let preview = opened.judge.preview(&opened.accepted, opened.target.candidate, opened.target.candidate)?;
    let approved = own.into_iter().any(|oid| approves(judge, oid, key, opened.target.tip, git));
    let person = opened.accepted.policy().holder(key);
    let counts = preview.counted.iter().any(|one| Some(&one.person) == person && one.role == Role::Approver);
    Ok(approved && !counts && !preview.accepted && !preview.rules.is_empty())
}

/// Whether `oid` is an approval by `key` that stands on this branch, or on a commit of it.
fn approves(judge: &Judge, oid: Oid, key: &PublicKey, tip: Oid, git: &Git) -> bool {
    let Ok(raw) = judge.objects.raw(oid, ObjectKind::Commit) else { return false };
    let Ok(commit) = Commit::parse(&raw) else { return false };
    let said = matches!(Trailer::of_message(&commit), Some(Ok(Trailer::Statement(said))) if said.word == Word::Approve);
    let mut memory = Memory::default();
    let mut session = Session::new(judge.objects.as_ref(), Catalog::standard(), &mut memory);
    let mine = session.seal(oid).is_ok_and(|seal| seal.is_ok_and(|signed| signed.key == *key));
    let below = commit
        .parents
        .first()
        .is_some_and(|parent| git.run(&["merge-base", "--is-ancestor", &parent.to_string(), &tip.to_string()]).is_ok());
    said && mine && below
}
