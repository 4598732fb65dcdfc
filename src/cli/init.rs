//! `pintle init`: a state repository that the user's own key begins, and the settings that introduce it.

use super::signing::{home, read_file, read_setting, signing_key};
use super::trust::allowed_signers;
use super::{CliError, Exit, Out};
use crate::git::Git;
use crate::scaffold::{Introduced, ScaffoldError, Signer, help_to_sign, install_hooks, scaffold};
use pintle_core::trust::{POLICY_PATH, PublicKey, read_policy};
use std::path::{Path, PathBuf};

/// Where, and who begins it.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The folder: new, empty, or an empty clone
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Your name in the trust policy; from git's user.name if not given
    #[arg(long, env = "PINTLE_PERSON", value_name = "NAME")]
    person: Option<String>,
    /// Your public key; what git signs with, or ~/.ssh/id_ed25519.pub, if not given
    #[arg(long, env = "PINTLE_KEY", value_name = "FILE.pub")]
    key: Option<PathBuf>,
    /// Install hooks as well: documents are checked before a commit, nothing unsigned is pushed
    #[arg(long, env = "PINTLE_HOOKS")]
    hooks: bool,
}

/// Scaffolds, signs, and says how to introduce it. Writes nothing outside the folder.
pub fn run(args: &InitArgs, out: &Out) -> Result<Exit, CliError> {
    let exists = args.dir.join(".pintle/trust.yaml").exists();
    if exists && args.hooks {
        hooks(&args.dir, out)?;
        if out.is_json() {
            out.json(&serde_json::json!({"formatVersion": "1.0", "hooks": ["pre-commit", "pre-push"]}));
        }
        return Ok(Exit::Success);
    }
    refuse_full(&args.dir)?;
    let signer = signer(args)?;
    std::fs::create_dir_all(&args.dir).map_err(|error| {
        CliError::because(format!("{} cannot be made", args.dir.display()), error).hint("name another folder")
    })?;
    let introduced = scaffold(&args.dir, &signer, &uuid::Uuid::new_v4().to_string()).map_err(failed)?;
    if args.hooks {
        hooks(&args.dir, out)?;
    }
    say(args, &signer, &introduced, out);
    Ok(Exit::Success)
}

fn failed(error: ScaffoldError) -> CliError {
    let hint = match &error {
        ScaffoldError::NotEmpty(_) => "name a new folder",
        ScaffoldError::Git(_) => {
            "pintle doctor checks git and the key; remove what was begun in the folder and run it again"
        }
        _ => "see that the folder can be written to",
    };
    CliError::because("the repository cannot be made", error).hint(hint)
}

fn refuse_full(dir: &Path) -> Result<(), CliError> {
    let full = std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != ".git"));
    if full {
        Err(CliError::new(format!("{} is not empty", dir.display())).hint("name a new folder: pintle init DIR"))
    } else {
        Ok(())
    }
}

fn hooks(dir: &Path, out: &Out) -> Result<(), CliError> {
    let kept = install_hooks(dir).map_err(failed)?;
    for path in kept {
        eprintln!("note: {} exists and was left alone", path.display());
    }
    let policy = read_policy(&std::fs::read(dir.join(POLICY_PATH)).unwrap_or_default(), jiff::Timestamp::now());
    let signers = policy.map(|policy| allowed_signers(&policy).join("\n") + "\n").unwrap_or_default();
    let key = own_key().map(|path| path.display().to_string());
    let set = help_to_sign(dir, key.as_deref(), &signers).map_err(failed)?;
    if !out.is_json() {
        out.text("Hooks: documents are checked before each commit, and unsigned commits are not pushed.");
        for setting in set {
            out.text(&format!("Set for this clone: {setting}"));
        }
    }
    Ok(())
}

fn signer(args: &InitArgs) -> Result<Signer, CliError> {
    let git = Git::at(if args.dir.is_dir() { &args.dir } else { Path::new(".") });
    let (key, setting) = key(args, &git)?;
    let name = args.person.clone().or_else(|| git.config("user.name")).unwrap_or_else(|| "you".to_owned());
    let person = label(&name).ok_or_else(|| {
        CliError::new(format!("`{name}` makes no name for the trust policy"))
            .hint("--person NAME: lower-case letters, digits and hyphens")
    })?;
    let email = git.config("user.email").unwrap_or_else(|| format!("{person}@localhost.localdomain"));
    if email.chars().any(|c| !(c.is_ascii_alphanumeric() || "@._+-".contains(c))) {
        return Err(CliError::new(format!("user.email is `{email}`, which is no plain address"))
            .hint("git config user.email you@example.org"));
    }
    let name = git.config("user.name").unwrap_or_else(|| person.clone());
    Ok(Signer { person, name, email, public_key: key.to_line(), signing_key: setting })
}

/// The key to begin with, and what `user.signingKey` will say.
fn key(args: &InitArgs, git: &Git) -> Result<(PublicKey, String), CliError> {
    if let Some(path) = &args.key {
        let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        return Ok((read_file(&full)?, full.display().to_string()));
    }
    if let Some(setting) = git.config("user.signingKey").filter(|_| git.config("gpg.format").as_deref() == Some("ssh"))
    {
        return Ok((read_setting(&setting)?, setting));
    }
    match own_key() {
        Some(path) => Ok((read_file(&path)?, path.display().to_string())),
        None => signing_key(git).map(|signing| (signing.key, signing.setting)),
    }
}

/// The key that OpenSSH makes by default, if there is one.
fn own_key() -> Option<PathBuf> {
    let folder = home().unwrap_or_default().join(".ssh");
    ["id_ed25519_sk.pub", "id_ed25519.pub"].iter().map(|name| folder.join(name)).find(|path| path.exists())
}

/// A DNS label from a name: `Alice Smith` → `alice-smith`.
fn label(name: &str) -> Option<String> {
    let text: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    let label: String = parts.join("-").chars().take(63).collect();
    Some(label.trim_end_matches('-').to_owned()).filter(|label| !label.is_empty())
}

fn say(args: &InitArgs, signer: &Signer, introduced: &Introduced, out: &Out) {
    let dir = std::fs::canonicalize(&args.dir).unwrap_or_else(|_| args.dir.clone());
    let git_ref = Git::at(&dir).run(&["symbolic-ref", "HEAD"]).unwrap_or_else(|_| "refs/heads/main".to_owned());
    let settings = settings(&dir, &git_ref, introduced);
    if out.is_json() {
        out.json(&serde_json::json!({
            "formatVersion": "1.0", "directory": dir, "person": signer.person, "ref": git_ref,
            "introduction": introduced, "settings": settings,
        }));
        return;
    }
    out.text(&format!(
        "A state repository stands in {}, begun and signed by {}.\n\n\
         The daemon trusts it from this introduction, which belongs in its settings (pintle.toml) and never in the repository:\n\n{settings}\n\
         next  cd {} && pintle validate\n\
        \x20     pintle verify --repo . --introduction-commit {} --introduction-policy {}\n\
        \x20     git remote add origin URL && git push -u origin {}\n\
        \x20     pintle doctor --config pintle.toml; pintle run --config pintle.toml\n\
         One person can approve everything: .pintle/trust.yaml says how to raise that.",
        dir.display(),
        signer.person,
        dir.display(),
        introduced.commit,
        introduced.policy_sha256,
        git_ref.trim_start_matches("refs/heads/"),
    ));
}

fn settings(dir: &Path, git_ref: &str, introduced: &Introduced) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    format!(
        "repo-url = {}   # or where the daemon fetches it from\nref = {}\nrepo-id = {}\nintroduction-commit = {}\nintroduction-policy = {}\n",
        text(&dir.display().to_string()),
        text(git_ref),
        text(&introduced.repo_id),
        text(&introduced.commit),
        text(&introduced.policy_sha256),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_label() {
        assert_eq!(label("Alice Smith").as_deref(), Some("alice-smith"));
        assert_eq!(label("  Zoë--K. ").as_deref(), Some("zo-k"));
        assert_eq!(label("李").as_deref(), None);
    }
}
