//! The machine and the introduction: git, keys, the first trusted commit, the state folder.

use super::{DoctorArgs, Finding};
use crate::cli::judge::{open_repository, policy_at};
use crate::cli::signing::signing_key;
use crate::git::Git;
use crate::source::GitObjects;
use pintle_core::change::{Digest, Oid};
use pintle_core::trust::{Introduction, Memory, POLICY_PATH, Question, Session, Times, accept};
use std::path::Path;
use std::process::Command;

/// The repository id that the example carries: nobody's production.
const EXAMPLE: &str = "00000000-0000-4000-8000-706e746c6501";

/// git, ssh-keygen, and the key that the user signs with.
pub(super) fn machine(args: &DoctorArgs) -> Vec<Finding> {
    vec![git(), ssh_keygen(), key(&args.repo)]
}

fn git() -> Finding {
    let said = Command::new("git")
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let Ok(said) = said else { return Finding::fail("git", "git is not installed", "install git 2.34 or newer") };
    match version(&said) {
        Some(version) if version >= (2, 34) => Finding::ok("git", said),
        _ => Finding::fail("git", format!("{said}: it cannot sign with SSH keys"), "install git 2.34 or newer"),
    }
}

fn version(said: &str) -> Option<(u32, u32)> {
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut parts = number.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

fn ssh_keygen() -> Finding {
    // It has no flag for its version: being there is what can be asked.
    match Command::new("ssh-keygen").arg("-?").output() {
        Ok(_) => Finding::ok("ssh-keygen", "found"),
        Err(_) => Finding::fail(
            "ssh-keygen",
            "it is not installed, so git cannot sign",
            "install the OpenSSH client, 8.2 or newer",
        ),
    }
}

fn key(repo: &Path) -> Finding {
    let git = Git::at(if repo.is_dir() { repo } else { Path::new(".") });
    let signing = match signing_key(&git) {
        Ok(signing) => signing,
        Err(error) => {
            return Finding::warn(
                "signing key",
                format!("{} (a daemon needs none; people do)", error.said()),
                error.advice(),
            );
        }
    };
    let what = format!(
        "{} {}",
        if signing.key.is_fido() { "Ed25519 on a FIDO token," } else { "Ed25519," },
        signing.key.fingerprint()
    );
    match git.config("commit.gpgSign").as_deref() {
        Some("true") => Finding::ok("signing key", format!("{what}; every commit is signed")),
        _ => Finding::warn(
            "signing key",
            format!("{what}; commits are signed only with -S"),
            "git config commit.gpgSign true",
        ),
    }
}

/// The introduction: that commit, that policy, signed by root, and not the example's.
pub(super) fn introduction(args: &DoctorArgs) -> Vec<Finding> {
    const CHECK: &str = "introduction";
    let source = &args.source;
    let (Some(commit), Some(policy)) = (source.trusted.introduction_commit, source.trusted.introduction_policy) else {
        return vec![Finding::warn(
            CHECK,
            "not checked: --introduction-commit and --introduction-policy are not set",
            "pintle init prints them; they belong in the daemon's settings",
        )];
    };
    let objects = match open_repository(&args.repo) {
        Ok(objects) => objects,
        Err(error) => {
            return vec![Finding::warn(CHECK, format!("not checked: {}", error.said()), "pintle doctor --repo CLONE")];
        }
    };
    let found = match policy_at(&objects, commit) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return vec![Finding::fail(
                CHECK,
                format!("{} has no {POLICY_PATH}", commit.short()),
                "name the commit that begins with a policy: git log --diff-filter=A -- .pintle/trust.yaml",
            )];
        }
        Err(error) => {
            return vec![Finding::fail(
                CHECK,
                error.said(),
                "git fetch in the clone, or correct --introduction-commit",
            )];
        }
    };
    let repo_id = source.trusted.repo_id.clone().unwrap_or_else(|| found.repo_id.to_string());
    let mut findings = vec![proven(&objects, &source.trusted.git_ref, commit, policy, &repo_id)];
    if found.repo_id.to_ascii_lowercase() == EXAMPLE || repo_id.to_ascii_lowercase() == EXAMPLE {
        findings.push(Finding::fail(
            "repo id",
            "it is the example's: approvals for one copy would count for every other",
            "pintle init makes a repository with an id of its own",
        ));
    } else {
        findings.push(Finding::ok("repo id", repo_id));
    }
    if source.trusted.repo_id.is_none() {
        findings.push(Finding::warn(
            "settings",
            "--repo-id is not set; the daemon needs it",
            format!("repo-id = \"{}\"", found.repo_id),
        ));
    }
    findings
}

/// Asks trust itself about the introduction alone.
fn proven(objects: &GitObjects, git_ref: &str, commit: Oid, policy_sha256: Digest, repo_id: &str) -> Finding {
    let introduction = Introduction { repo_id: repo_id.into(), git_ref: git_ref.into(), commit, policy_sha256 };
    let mut memory = Memory::default();
    let question = Question { times: Times::Signed, ..Question::new(&introduction, commit, jiff::Timestamp::now()) };
    let verdict = accept(&question, &mut Session::new(objects, pintle_core::model::Catalog::standard(), &mut memory));
    match verdict.refused {
        None => {
            let who = verdict
                .steps()
                .first()
                .and_then(|step| step.counted.first())
                .map(|one| one.person.to_string())
                .unwrap_or_default();
            Finding::ok(
                "introduction",
                format!("{} is signed by {who}, and its policy is the one that the settings name", commit.short()),
            )
        }
        Some(refused) => Finding::fail(
            "introduction",
            format!("{}: {}", commit.short(), refused.reason.message),
            format!(
                "git show {}:{POLICY_PATH} | sha256sum, and compare with the settings; pintle explain {}",
                commit.short(),
                refused.reason.code
            ),
        ),
    }
}

/// The state folder can be written to.
pub(super) fn state_dir(args: &DoctorArgs) -> Vec<Finding> {
    let Some(folder) = &args.state_dir else { return Vec::new() };
    let shown = folder.display();
    let written = std::fs::create_dir_all(folder).and_then(|()| tempfile::NamedTempFile::new_in(folder));
    vec![match written {
        Ok(_) => Finding::ok("state folder", format!("{shown} can be written to")),
        Err(error) => Finding::fail(
            "state folder",
            format!("{shown} cannot be written to: {error}"),
            format!("install -d -o pintle {shown}, or another --state-dir"),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_git_says() {
        assert_eq!(version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("nonsense"), None);
    }
}
