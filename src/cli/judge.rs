//! What `verify`, `approve` and `unblock` ask trust with: the repository, the introduction from flags
//! or the database, the recorded times, and the approvals that stand under `refs/pintle/approvals/`.

use super::CliError;
use crate::config::TrustedArgs;
use crate::git::Git;
use crate::limits::{Caps, LimitArgs};
use crate::source::{APPROVALS, Bounded, GitObjects, Kept};
use crate::store::Store;
use crate::store::evidence::EvidenceRow;
use jiff::Timestamp;
use pintle_core::change::Oid;
use pintle_core::model::Catalog;
use pintle_core::trust::{
    Acceptance, AcceptedCommit, Introduction, Memory, POLICY_PATH, Policy, Preview, Question, Session, Times, Verdict,
    accept, preview, read_policy,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Which repository, and from where it is trusted.
#[derive(Debug, Clone, clap::Args)]
pub struct TrustArgs {
    /// The state repository: a clone, or a bare repository
    #[arg(long, env = "PINTLE_REPO", value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
    #[command(flatten)]
    pub trusted: TrustedArgs,
    /// Postgres: gives the introduction where the flags do not, and the recorded times (reading suffices)
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Everything that a verdict is a function of, but the tip.
pub(super) struct Judge {
    pub objects: Arc<GitObjects>,
    pub introduction: Introduction,
    pub recorded: Vec<Acceptance>,
    pub evidence: Vec<Oid>,
    pub now: Timestamp,
    pub times: Times,
    kept: Kept,
    caps: Caps,
}

impl Judge {
    /// Reads everything. Without records the signers' times are used, or `at` if that is given.
    pub async fn open(args: &TrustArgs, at: Option<Timestamp>) -> Result<Self, CliError> {
        let caps = Caps::from(args.limits);
        let objects = open_within(&args.repo, caps)?;
        let (introduction, Known { recorded, kept, .. }) = introduction(args, &objects).await?;
        // What stands by itself comes first, as for the daemon: no crowd pushes it out.
        let mut evidence: Vec<Oid> = kept.iter().filter(|one| one.standing).map(|one| one.oid).collect();
        evidence.extend(
            objects
                .approvals()
                .map_err(|error| CliError::because("the approvals of the repository cannot be read", error))?,
        );
        let kept = Kept::of(kept.into_iter().map(|one| (one.oid, one.raw)));
        let times = if recorded.is_empty() && at.is_none() { Times::Signed } else { Times::Clock };
        let now = at.unwrap_or_else(Timestamp::now);
        Ok(Self { objects, introduction, recorded, evidence, now, times, kept, caps })
    }

    /// The commit that is asked about: `rev`, else the tip of the ref.
    pub fn tip(&self, rev: Option<&str>) -> Result<Oid, CliError> {
        let wanted = rev.unwrap_or(&self.introduction.git_ref);
        self.objects.resolve(wanted).map_err(|error| {
            let hint = if rev.is_some() {
                "git fetch, or name another revision"
            } else {
                "git fetch, or: --rev HEAD, --ref refs/heads/BRANCH"
            };
            CliError::because(format!("`{wanted}` names no commit here"), error).hint(hint)
        })
    }

    /// The tip of the watched ref, or, in a checkout without that branch, what `remote` had of it.
    pub fn watched(&self, remote: &str) -> Option<Oid> {
        let branch = self.introduction.git_ref.strip_prefix("refs/heads/")?;
        let remote = format!("refs/remotes/{remote}/{branch}");
        self.tip(None).or_else(|_| self.tip(Some(&remote))).ok()
    }

    /// The user's own git, where the repository is checked out.
    pub fn git(&self) -> Git {
        user_git(&self.objects)
    }

    /// Forgets the records beyond `tip`: for asking about a commit of the past.
    pub fn until(&mut self, tip: Oid) {
        let objects = self.objects.clone();
        self.recorded.retain(|step| objects.descends(tip, step.commit));
    }

    /// What trust says about `tip`. A panic in the verifier means deny.
    pub fn verdict(&self, tip: Oid) -> Result<Verdict, CliError> {
        self.asked(tip, accept)
    }

    /// How `candidate` would stand if it came next after what is accepted.
    pub fn preview(&self, accepted: &AcceptedCommit, candidate: Oid, tip: Oid) -> Result<Preview, CliError> {
        let answer = self.asked(tip, |question, session| preview(accepted, candidate, question, session))?;
        answer.map_err(|error| {
            CliError::because(format!("{} cannot be judged", candidate.short()), error)
                .hint("pintle validate says what is wrong with its documents")
                .exit(super::Exit::Untrusted)
        })
    }

    /// Runs `ask` in a session over the repository.
    pub fn asked<T>(&self, tip: Oid, ask: impl FnOnce(&Question<'_>, &mut Session<'_>) -> T) -> Result<T, CliError> {
        let mut memory = Memory::default();
        let ask = std::panic::AssertUnwindSafe(|| {
            let question = Question {
                recorded: &self.recorded,
                evidence: &self.evidence,
                times: self.times,
                ..Question::new(&self.introduction, tip, self.now)
            };
            let store = Bounded { objects: &self.objects, kept: &self.kept, until: Instant::now() + self.caps.verdict };
            let session = Session::new(&store, Catalog::standard(), &mut memory);
            ask(&question, &mut session.within(self.caps.trust))
        });
        std::panic::catch_unwind(ask).map_err(|_| {
            CliError::new(format!("the verifier panicked on {tip}; that means deny")).exit(super::Exit::Untrusted)
        })
    }
}

/// What is accepted.
pub(super) fn accepted_of(verdict: Verdict) -> Result<AcceptedCommit, CliError> {
    verdict.accepted.ok_or_else(|| {
        let why = verdict.refused.map(|refused| refused.reason.message).unwrap_or_default();
        CliError::new(format!("nothing is accepted yet: {why}"))
            .hint("pintle doctor checks the introduction")
            .exit(super::Exit::Untrusted)
    })
}

/// The repository at or above `path`.
pub(super) fn open_repository(path: &Path) -> Result<Arc<GitObjects>, CliError> {
    open_within(path, Caps::default())
}

fn open_within(path: &Path, caps: Caps) -> Result<Arc<GitObjects>, CliError> {
    let opened = GitObjects::open(path).map(|objects| Arc::new(objects.with_limits(caps.objects)));
    opened.map_err(|error| {
        CliError::because(format!("there is no Git repository at {}", path.display()), error)
            .hint("name one with --repo DIR, or make one: pintle init DIR")
    })
}

/// The user's own git, where the repository is checked out.
pub(super) fn user_git(objects: &GitObjects) -> Git {
    Git::at(&objects.work_tree().unwrap_or_else(|| objects.path().to_owned()))
}

/// Fetches the approvals that stand under the remote's approvals ref.
pub(super) fn fetch_approvals(repo: &Path, remote: &str) -> Result<(), CliError> {
    let fetched = Git::at(repo).run(&["fetch", "--quiet", "--no-tags", remote, &format!("+{APPROVALS}*:{APPROVALS}*")]);
    fetched.map(drop).map_err(|error| {
        CliError::because(format!("the approvals cannot be fetched from {remote}"), error)
            .hint("git remote -v; or leave --fetch out")
    })
}

/// What the database knows.
#[derive(Default)]
struct Known {
    introduction: Option<Introduction>,
    recorded: Vec<Acceptance>,
    kept: Vec<EvidenceRow>,
}

async fn introduction(args: &TrustArgs, objects: &Arc<GitObjects>) -> Result<(Introduction, Known), CliError> {
    let mut database = match &args.database_url {
        None => Known::default(),
        Some(url) => match from_database(url).await {
            Ok(known) => known,
            Err(error) if args.trusted.introduction_commit.is_some() && args.trusted.introduction_policy.is_some() => {
                eprintln!(
                    "note: the database cannot be asked for the recorded times; the signers' own are used ({error})"
                );
                Known::default()
            }
            Err(error) => return Err(error.into()),
        },
    };
    let known = database.introduction.take();
    let commit = args
        .trusted
        .introduction_commit
        .or(known.as_ref().map(|known| known.commit))
        .ok_or_else(|| missing("--introduction-commit"))?;
    let policy_sha256 = match (&known, args.trusted.introduction_policy) {
        (_, Some(policy)) => policy,
        (Some(known), None) if known.commit == commit => known.policy_sha256,
        _ => return Err(missing("--introduction-policy")),
    };
    let git_ref = known
        .as_ref()
        .filter(|_| args.trusted.git_ref == "refs/heads/main")
        .map_or_else(|| args.trusted.git_ref.as_str().into(), |known| known.git_ref.clone());
    let repo_id = match &args.trusted.repo_id {
        Some(id) => id.as_str().into(),
        None => policy_at(objects, commit).ok().flatten().map_or_else(|| "".into(), |policy| policy.repo_id),
    };
    let introduction = Introduction { repo_id, git_ref, commit, policy_sha256 };
    let ours = known.is_some_and(|known| known.commit == introduction.commit && known.repo_id == introduction.repo_id);
    Ok((introduction, if ours { database } else { Known::default() }))
}

async fn from_database(url: &str) -> Result<Known, crate::store::StoreError> {
    let store = Store::open(url, 1)?;
    store.check_schema().await?;
    let (introduction, recorded) = (store.introduction().await?, store.acceptances().await?);
    Ok(Known { introduction, recorded, kept: store.evidence().await? })
}

fn missing(flag: &str) -> CliError {
    let hint = "the daemon's settings hold the introduction: --introduction-commit OID and --introduction-policy SHA256 \
        (git show OID:.pintle/trust.yaml | sha256sum), or --database-url URL";
    CliError::new(format!("{flag} is not set, so there is nothing to trust from")).hint(hint)
}

/// The trust policy that stands in `commit`; `None` when there is none.
pub(super) fn policy_at(objects: &GitObjects, commit: Oid) -> Result<Option<Policy>, CliError> {
    let Some(bytes) = objects
        .file(commit, POLICY_PATH)
        .map_err(|error| CliError::because(format!("{} cannot be read", commit.short()), error))?
    else {
        return Ok(None);
    };
    let invalid = |message: &str| {
        CliError::new(format!("the trust policy of {} is invalid: {message}", commit.short()))
            .hint("pintle trust check says everything that is wrong")
    };
    let at = objects.committed_at(commit).unwrap_or_else(Timestamp::now);
    read_policy(&bytes, at)
        .map(Some)
        .map_err(|wrong| invalid(wrong.first().map(|one| one.message.as_str()).unwrap_or_default()))
}
