//! Hooks for people who write state: documents are checked before a commit, and nothing unsigned is
//! pushed. They help their owner; what counts is decided by the daemon.

use super::ScaffoldError;
use crate::git::Git;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const HOOKS: &[(&str, &str)] =
    &[("pre-commit", include_str!("files/pre-commit")), ("pre-push", include_str!("files/pre-push"))];

/// Sets the clone at `folder` up to sign with SSH and to check signatures: where nothing else is set,
/// and for this clone alone. What it set, for people.
pub fn help_to_sign(folder: &Path, key: Option<&str>, allowed_signers: &str) -> Result<Vec<String>, ScaffoldError> {
    let git = Git::at(folder);
    let file = git.run(&["rev-parse", "--git-path", "pintle-allowed-signers"])?;
    super::write(&folder.join(&file), allowed_signers)?;
    let settings = [
        ("gpg.format", Some("ssh")),
        ("user.signingKey", key),
        ("commit.gpgSign", Some("true")),
        ("gpg.ssh.allowedSignersFile", Some(file.as_str())),
    ];
    let mut set = Vec::new();
    for (name, value) in settings {
        let local = git.run(&["config", "--local", "--get", name]).is_ok();
        let known = local || (name != "gpg.ssh.allowedSignersFile" && git.config(name).is_some());
        if let (Some(value), false) = (value, known) {
            git.run(&["config", "--local", name, value])?;
            set.push(format!("{name} = {value}"));
        }
    }
    Ok(set)
}

/// Installs the hooks of the repository at `folder`; returns those that stood there already and
/// were left alone.
pub fn install_hooks(folder: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let at = Git::at(folder).run(&["rev-parse", "--git-path", "hooks"])?;
    let hooks = folder.join(at);
    let mut kept = Vec::new();
    for (name, text) in HOOKS {
        let path = hooks.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|have| have != *text) {
            kept.push(path);
            continue;
        }
        super::write(&path, text)?;
        let failed = |source| ScaffoldError::Write { path: path.display().to_string(), source };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(kept)
}
