//! The key that the user's git signs with: found, read, and refused early if it could never count.

use super::CliError;
use crate::git::{Git, GitError};
use pintle_core::trust::{KeyError, PublicKey};
use std::path::{Path, PathBuf};

/// A key that git signs with.
pub(super) struct SigningKey {
    pub key: PublicKey,
    /// What `user.signingKey` says, or should say.
    pub setting: String,
}

const SET_UP: &str = "git config --global gpg.format ssh && git config --global user.signingKey ~/.ssh/id_ed25519.pub (no key yet: ssh-keygen -t ed25519)";

/// That git did not make a branch or a signed commit.
pub(super) fn not_made(what: &str, error: GitError) -> CliError {
    CliError::because(what, error)
        .hint("another name for the branch: --branch NAME; a key that cannot sign: pintle doctor")
}

/// The key that git is set up to sign with; a refusal that says what to set otherwise.
pub(super) fn signing_key(git: &Git) -> Result<SigningKey, CliError> {
    match git.config("gpg.format").as_deref() {
        Some("ssh") => {}
        Some(other) => {
            return Err(CliError::new(format!("git signs with {other}; only SSH signatures by Ed25519 keys count"))
                .hint(SET_UP));
        }
        None => {
            return Err(CliError::new("git is not set up to sign with an SSH key: gpg.format is not set").hint(SET_UP));
        }
    }
    let setting = git
        .config("user.signingKey")
        .ok_or_else(|| CliError::new("git is not set up to sign: user.signingKey is not set").hint(SET_UP))?;
    Ok(SigningKey { key: read_setting(&setting)?, setting })
}

/// The public key that a value of `user.signingKey` means: the key itself, or a file.
pub(super) fn read_setting(setting: &str) -> Result<PublicKey, CliError> {
    let literal = setting.strip_prefix("key::").unwrap_or(setting);
    if is_key_line(literal) {
        return read_line(literal, "user.signingKey");
    }
    read_file(&expanded(setting))
}

/// The public key in `path`, or beside the private key there.
pub(super) fn read_file(path: &Path) -> Result<PublicKey, CliError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        CliError::because(format!("the signing key {shown} cannot be read"), error).hint(SET_UP)
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    if is_key_line(&text) {
        return read_line(&text, &shown.to_string());
    }
    let beside = PathBuf::from(format!("{shown}.pub"));
    match std::fs::read_to_string(&beside) {
        Ok(text) => read_line(&text, &beside.display().to_string()),
        Err(_) => derived(path),
    }
}

/// From a private key that stands alone and has no passphrase.
fn derived(path: &Path) -> Result<PublicKey, CliError> {
    let failed = || {
        CliError::new(format!("{} is no public key, and there is none beside it", path.display()))
            .hint(format!("ssh-keygen -y -f {0} > {0}.pub", path.display()))
    };
    let output = std::process::Command::new("ssh-keygen")
        .args(["-y", "-P", "", "-f"])
        .arg(path)
        .output()
        .map_err(|_| failed())?;
    if !output.status.success() {
        return Err(failed());
    }
    read_line(&String::from_utf8_lossy(&output.stdout), &path.display().to_string())
}

fn read_line(text: &str, place: &str) -> Result<PublicKey, CliError> {
    PublicKey::from_line(text.lines().next().unwrap_or_default()).map_err(|error| {
        let hint = match error {
            KeyError::Malformed => SET_UP,
            _ => "ssh-keygen -t ed25519 (or -t ed25519-sk on a FIDO token), and name it in user.signingKey",
        };
        CliError::because(format!("the signing key in {place} can never count"), error).hint(hint)
    })
}

fn is_key_line(text: &str) -> bool {
    ["ssh-", "sk-", "ecdsa-"].iter().any(|kind| text.starts_with(kind))
}

fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// The user's home, if the environment says it.
pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_can_never_count_are_refused_with_what_to_use() {
        for line in ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY="]
        {
            let error = format!("{:?}", read_setting(line).err().unwrap());
            assert!(error.contains("Unsupported") && error.contains("ed25519"), "{error}");
        }
    }

    #[test]
    fn a_key_is_read_from_the_setting_a_public_file_and_beside_a_private_one() {
        let folder = tempfile::tempdir().unwrap();
        let signer = crate::scaffold::make_key(&folder.path().join("id"), "you").unwrap();
        let expected = PublicKey::from_line(&signer.public_key).unwrap().fingerprint();
        let path = folder.path().join("id").display().to_string();
        for setting in
            [signer.public_key.clone(), format!("key::{}", signer.public_key), path.clone(), format!("{path}.pub")]
        {
            assert_eq!(read_setting(&setting).unwrap().fingerprint(), expected, "{setting}");
        }
        std::fs::remove_file(folder.path().join("id.pub")).unwrap();
        assert_eq!(read_setting(&path).unwrap().fingerprint(), expected);
    }
}
