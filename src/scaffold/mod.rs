//! A new state repository: the layout, a policy that one person can satisfy, a first partner and
//! instance, signed and ready to be watched.

mod hooks;

pub use hooks::{help_to_sign, install_hooks};

use crate::git::{Git, GitError};
use pintle_core::change::Digest;
use std::path::Path;

/// The files of a fresh repository; `{…}` is filled in.
const FILES: &[(&str, &str)] = &[
    (".pintle/trust.yaml", include_str!("files/trust.yaml")),
    (".pintle/guard.yaml", include_str!("files/guard.yaml")),
    (".pintle/ignore", include_str!("files/ignore")),
    ("README.md", include_str!("files/README.md")),
    ("platform/config.yaml", include_str!("files/config.yaml")),
    ("partners/acme.yaml", include_str!("files/partner.yaml")),
    ("instances/acme/acme-prod.yaml", include_str!("files/instance.yaml")),
];

/// Why a repository cannot be scaffolded.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// A file cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The folder holds something already.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// git.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A key cannot be made.
    #[error("ssh-keygen failed: {0}")]
    Key(String),
}

/// Who signs.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The name in the policy: a DNS label.
    pub person: String,
    /// The name that git writes into commits.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// The public key as `ssh-ed25519 AAAA…`.
    pub public_key: String,
    /// What `user.signingKey` is set to.
    pub signing_key: String,
}

/// What the daemon must be told of a fresh repository.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Introduced {
    /// The repository's id.
    pub repo_id: String,
    /// The first trusted commit.
    pub commit: String,
    /// The SHA-256 of the trust policy in it.
    pub policy_sha256: String,
}

/// Writes, signs and commits a fresh repository in `folder`.
pub fn scaffold(folder: &Path, signer: &Signer, repo_id: &str) -> Result<Introduced, ScaffoldError> {
    if folder.join(".pintle").exists() {
        return Err(ScaffoldError::NotEmpty(folder.display().to_string()));
    }
    for (path, template) in FILES {
        let text = template
            .replace("{repo_id}", repo_id)
            .replace("{person}", &signer.person)
            .replace("{email}", &signer.email)
            .replace("{public_key}", &signer.public_key);
        write(&folder.join(path), &text)?;
    }
    let git = Git::at(folder);
    if !folder.join(".git").exists() {
        git.run(&["init", "--quiet", "--initial-branch=main"])?;
    }
    sign_with(&git, signer)?;
    git.run(&["add", "--all"])?;
    git.run(&["commit", "--quiet", "--gpg-sign", "--message=Begin the platform's state"])?;
    introduced(folder, repo_id)
}

/// Sets `git` up to sign every commit as `signer`.
pub fn sign_with(git: &Git, signer: &Signer) -> Result<(), GitError> {
    for (key, value) in [
        ("user.name", signer.name.as_str()),
        ("user.email", &signer.email),
        ("gpg.format", "ssh"),
        ("user.signingKey", &signer.signing_key),
        ("commit.gpgSign", "true"),
    ] {
        git.run(&["config", key, value])?;
    }
    Ok(())
}

/// The introduction of the repository at its present HEAD.
pub fn introduced(folder: &Path, repo_id: &str) -> Result<Introduced, ScaffoldError> {
    let git = Git::at(folder);
    let commit = git.run(&["rev-parse", "HEAD"])?;
    let policy = folder.join(".pintle/trust.yaml");
    let bytes =
        std::fs::read(&policy).map_err(|source| ScaffoldError::Write { path: policy.display().to_string(), source })?;
    Ok(Introduced { repo_id: repo_id.to_owned(), commit, policy_sha256: Digest::of(&bytes).to_string() })
}

/// Makes an Ed25519 key without a passphrase at `path`: for trying things, never for production.
pub fn make_key(path: &Path, person: &str) -> Result<Signer, ScaffoldError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| ScaffoldError::Write { path: folder.display().to_string(), source })?;
    }
    let output = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"])
        .arg(path)
        .output()
        .map_err(|error| ScaffoldError::Key(error.to_string()))?;
    if !output.status.success() {
        return Err(ScaffoldError::Key(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let public = path.with_extension("pub");
    let line = std::fs::read_to_string(&public)
        .map_err(|source| ScaffoldError::Write { path: public.display().to_string(), source })?;
    let key: Vec<&str> = line.split_whitespace().take(2).collect();
    Ok(Signer {
        person: person.to_owned(),
        name: person.to_owned(),
        email: format!("{person}@localhost.localdomain"),
        public_key: key.join(" "),
        signing_key: path.display().to_string(),
    })
}

fn write(path: &Path, text: &str) -> Result<(), ScaffoldError> {
    let failed = |source| ScaffoldError::Write { path: path.display().to_string(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
