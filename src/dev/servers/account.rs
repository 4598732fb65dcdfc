//! The user the servers run as.
//!
//! Owns dropping root and the check that the lesser user can reach a folder. Refuses to open
//! directories that are neither ours nor below the temporary directory.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use super::ServerError;
use super::error::cannot;

const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs a server: the caller, or a lesser user when the caller is root.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The caller's own name, for Postgres's peer authentication.
    pub(super) caller: String,
    lesser: Option<User>,
}

impl Account {
    /// Prefers the owner of data that already exists, so that a folder keeps its user.
    pub(super) fn choose(data: &Path) -> Result<Self, ServerError> {
        let caller = named(geteuid())?.name;
        let lesser = if geteuid().is_root() { Some(lesser(data)?) } else { None };
        Ok(Self { caller, lesser })
    }

    /// Makes a command run as this account.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.lesser {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Makes a private folder of this account.
    pub(super) fn private_folder(&self, path: &Path) -> Result<(), ServerError> {
        if !path.is_dir() {
            fs::create_dir(path).map_err(cannot("create", path))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(cannot("restrict", path))?;
        match &self.lesser {
            Some(user) => {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(cannot("give away", path))
            }
            None => Ok(()),
        }
    }

    /// Makes sure this account can pass through `folder` (absolute) and everything above it.
    pub(super) fn reach(&self, folder: &Path) -> Result<(), ServerError> {
        let Some(user) = &self.lesser else {
            return Ok(());
        };
        for directory in folder.ancestors() {
            let meta = fs::metadata(directory).map_err(cannot("inspect", directory))?;
            if passes(user, &meta) {
                continue;
            }
            if !meta.uid().eq(&geteuid().as_raw()) || !(directory == folder || is_temporary(directory)) {
                return Err(ServerError::Blocked { user: user.name.clone(), directory: directory.to_owned() });
            }
            let mode = meta.permissions().mode() | 0o011;
            fs::set_permissions(directory, fs::Permissions::from_mode(mode)).map_err(cannot("open", directory))?;
        }
        Ok(())
    }
}

fn lesser(data: &Path) -> Result<User, ServerError> {
    let owner = fs::metadata(data).map(|meta| Uid::from_raw(meta.uid()));
    if let Ok(owner) = owner
        && !owner.is_root()
    {
        return named(owner);
    }
    let known = UNPRIVILEGED.into_iter().find_map(|name| User::from_name(name).ok().flatten());
    known.ok_or(ServerError::NoUnprivilegedUser)
}

fn named(uid: Uid) -> Result<User, ServerError> {
    let user = User::from_uid(uid).ok().flatten();
    user.ok_or(ServerError::UnknownUser { uid: uid.as_raw() })
}

fn passes(user: &User, meta: &Metadata) -> bool {
    let bit = if meta.uid() == user.uid.as_raw() {
        0o100
    } else if meta.gid() == user.gid.as_raw() {
        0o010
    } else {
        0o001
    };
    meta.permissions().mode() & bit != 0
}

/// Strictly below a temporary directory: what test harnesses make, closed, for themselves.
fn is_temporary(directory: &Path) -> bool {
    let roots = [std::env::temp_dir(), PathBuf::from("/tmp")];
    roots
        .iter()
        .filter_map(|root| fs::canonicalize(root).ok())
        .any(|root| directory != root && root.parent().is_some() && directory.starts_with(&root))
}
