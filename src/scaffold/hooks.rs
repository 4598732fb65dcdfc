//! Hooks for people who write state: documents are checked before a commit, and nothing unsigned is
//! pushed. They help their owner; what counts is decided by the daemon.

use super::ScaffoldError;
use crate::git::Git;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const HOOKS: &[(&str, &str)] =
    &[("pre-commit", include_str!("files/pre-commit")), ("pre-push", include_str!("files/pre-push"))];

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
