//! `pintle trust revoke` and `heartbeat`: signed words that are about no change.

use crate::cli::approve::{approvals_name, empty};
use crate::cli::judge::{Judge, TrustArgs, accepted_of};
use crate::cli::signing::signing_key;
use crate::cli::{CliError, Exit, Out};
use crate::git::{Git, GitError};
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::trust::{Fingerprint, Heartbeat, PublicKey, Revocation, Signed, Trailer};
use std::sync::Arc;

/// Which key.
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The fingerprint, as ssh-keygen -l prints it
    fingerprint: Fingerprint,
    /// Why
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    push: PushArgs,
}

/// Where the branch stands.
#[derive(Debug, clap::Args)]
pub(super) struct HeartbeatArgs {
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    push: PushArgs,
}

#[derive(Debug, clap::Args)]
struct PushArgs {
    /// Push it to refs/pintle/approvals/
    #[arg(long, env = "PINTLE_PUSH", value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    push: Option<String>,
}

/// Someone of the policy who signs.
struct Signing {
    judge: Judge,
    git: Git,
    key: PublicKey,
    person: Arc<str>,
    root: bool,
    tip: Oid,
}

/// Revokes a key at once, as one root person.
pub(super) async fn revoke(args: &RevokeArgs, out: &Out) -> Result<Exit, CliError> {
    let signing = signing(&args.trust).await?;
    if !signing.root {
        return Err(CliError::new(format!("{} is not root in the trust policy", signing.person))
            .hint(
                "someone who may change .pintle/trust.yaml revokes a key; on the daemon's host: pintle trust deny key",
            )
            .exit(Exit::Untrusted));
    }
    let reason: Arc<str> = args.reason.as_str().into();
    let repo_id = signing.judge.introduction.repo_id.clone();
    let trailer = Trailer::Revocation(Revocation { repo_id, fingerprint: args.fingerprint, reason });
    if Trailer::parse(&trailer.to_string()).as_ref() != Some(&trailer) {
        return Err(CliError::new("the reason must be one line of at most 500 bytes").hint("--reason TEXT"));
    }
    let digits: String = args.fingerprint.to_string().chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    let name = approvals_name(&format!("revoke-{digits}"));
    let said = format!(
        "{} revokes {}. It counts for nothing as soon as the daemon has seen this.\nnext  write it down in .pintle/trust.yaml: revoked: [{{fingerprint: \"{}\", reason: …}}]",
        signing.person, args.fingerprint, args.fingerprint
    );
    put(&signing, &trailer, &format!("Revoke {}", args.fingerprint), &name, &args.push, out, &said)
}

/// Signs where the branch stands, so that a remote which shows less is noticed.
pub(super) async fn heartbeat(args: &HeartbeatArgs, out: &Out) -> Result<Exit, CliError> {
    let signing = signing(&args.trust).await?;
    let binding = &signing.judge.introduction;
    let beat = Heartbeat { repo_id: binding.repo_id.clone(), git_ref: binding.git_ref.clone(), tip: signing.tip };
    let name = approvals_name(&format!("heartbeat-{}", signing.person));
    let said = format!("{} saw the branch at {}.", signing.person, signing.tip.short());
    put(&signing, &Trailer::Heartbeat(beat), "Heartbeat", &name, &args.push, out, &said)
}

async fn signing(trust: &TrustArgs) -> Result<Signing, CliError> {
    let judge = Judge::open(trust, None).await?;
    let git = judge.git();
    let key = signing_key(&git)?.key;
    let tip = judge.tip(None)?;
    let accepted = accepted_of(judge.verdict(tip)?)?;
    let signed = Signed { key: key.clone(), touched: true, pin: true };
    let person = accepted.policy().signer(&signed, Timestamp::now()).map_err(|why| {
        CliError::new(format!("your signature would not count: {why}")).hint("pintle trust show").exit(Exit::Untrusted)
    })?;
    let root = accepted.policy().is_root(&person);
    Ok(Signing { judge, git, key, person, root, tip })
}

fn put(
    signing: &Signing,
    trailer: &Trailer,
    subject: &str,
    name: &str,
    push: &PushArgs,
    out: &Out,
    said: &str,
) -> Result<Exit, CliError> {
    let commit = empty(&signing.git, &signing.key, signing.tip, trailer, subject)?;
    let failed = |error: GitError| CliError::because("the signed commit cannot be put in its place", error);
    signing.git.run(&["update-ref", "-m", "pintle trust", name, &commit.to_string()]).map_err(failed)?;
    if let Some(remote) = &push.push {
        let hint = format!("git push {remote} +{commit}:{name}");
        let pushed = signing.git.run(&["push", "--quiet", remote, &format!("+{commit}:{name}")]);
        pushed.map_err(|error| failed(error).hint(hint))?;
    }
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "commit": commit, "ref": name, "person": signing.person, "pushed": push.push.is_some()}));
    } else if push.push.is_some() {
        out.text(said);
    } else {
        out.text(&format!("{said}\nnext  git push origin {name}"));
    }
    Ok(Exit::Success)
}
