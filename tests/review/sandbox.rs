//! A folder with people, their keys, and a state repository that two of them must agree on.

use crate::published::is_published;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// People with keys, and `repo`: begun by alice, its changes approved by two of alice, bob, carol.
pub struct Sandbox {
    folder: tempfile::TempDir,
    pub introduction: (String, String),
}

/// What a command printed, and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Sandbox {
    /// People only.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        let sandbox = Self { folder, introduction: Default::default() };
        for person in ["alice", "bob", "carol", "mallory"] {
            let path = sandbox.path(person);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"])
                .arg(path)
                .status()
                .unwrap();
            assert!(made.success());
        }
        sandbox
    }

    /// People and their repository.
    pub fn new() -> Self {
        let mut sandbox = Self::empty();
        let repo = sandbox.path("repo").display().to_string();
        sandbox.pintle("alice", &["init", &repo]).ends(0);
        let policy = sandbox.read(".pintle/trust.yaml");
        let line = |person: &str| {
            format!("  {person}: {{email: {person}@x.example, keys: [{{key: \"{}\"}}]}}\n", sandbox.key(person))
        };
        let people = line("bob") + &line("carol");
        let policy = policy
            .replace("groups:\n", &format!("{people}groups:\n"))
            .replace("[alice]", "[alice, bob, carol]")
            .replace("approvals: 1, from: [platform], implicit: true", "approvals: 2, from: [platform]");
        sandbox.write(".pintle/trust.yaml", &policy);
        sandbox.git("alice", &["commit", "--quiet", "--all", "--amend", "--no-edit"]);
        for key in ["user.signingKey", "user.name", "user.email", "gpg.format", "commit.gpgSign"] {
            sandbox.git("alice", &["config", "--unset", key]);
        }
        sandbox.introduction = (sandbox.head(), pintle_core::change::Digest::of(policy.as_bytes()).to_string());
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Someone's public key.
    pub fn key(&self, person: &str) -> String {
        let line = std::fs::read_to_string(self.path(&format!("{person}.pub"))).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// The fingerprint of someone's key.
    pub fn fingerprint(&self, person: &str) -> String {
        pintle_core::trust::PublicKey::from_line(&self.key(person)).unwrap().fingerprint().to_string()
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path("repo").join(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path("repo").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A command as `person`, in `folder`, alone with what the sandbox gives it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, person: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        let path = format!(
            "{}:{}",
            Path::new(env!("CARGO_BIN_EXE_pintle")).parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("COLUMNS", "100");
        let key = self.path(person).display().to_string();
        let email = format!("{person}@x.example");
        let settings = [
            ("user.name", person),
            ("user.email", &email),
            ("gpg.format", "ssh"),
            ("user.signingKey", &key),
            ("commit.gpgSign", "true"),
        ];
        if person != "nobody" {
            command.env("GIT_CONFIG_COUNT", settings.len().to_string());
            for (at, (name, value)) in settings.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{at}"), name).env(format!("GIT_CONFIG_VALUE_{at}"), value);
            }
        }
        command
    }

    /// pintle as `person`, in the repository, told the introduction.
    pub fn pintle(&self, person: &str, arguments: &[&str]) -> Said {
        let repo = self.path("repo");
        let folder = if repo.exists() { repo } else { self.folder.path().to_owned() };
        let mut command = self.command(env!("CARGO_BIN_EXE_pintle"), person, &folder);
        if !self.introduction.0.is_empty() {
            command
                .env("PINTLE_INTRODUCTION_COMMIT", &self.introduction.0)
                .env("PINTLE_INTRODUCTION_POLICY", &self.introduction.1);
        }
        let said: Said = command.args(arguments).stdin(std::process::Stdio::null()).output().unwrap().into();
        is_published(arguments, &said.out);
        said
    }

    /// git as `person`, in the repository; it must succeed.
    #[track_caller]
    pub fn git(&self, person: &str, arguments: &[&str]) -> String {
        let said: Said = self.command("git", person, &self.path("repo")).args(arguments).output().unwrap().into();
        said.ends(0).out.trim_end().to_owned()
    }

    pub fn head(&self) -> String {
        self.git("nobody", &["rev-parse", "HEAD"])
    }

    /// A commit by `person` that gives acme another name; gives its id.
    pub fn rename(&self, person: &str, name: &str) -> String {
        self.write(
            "partners/acme.yaml",
            &format!("apiVersion: pintle/v1\nkind: Partner\nmetadata: {{name: acme}}\nspec: {{displayName: {name}}}\n"),
        );
        self.git(person, &["commit", "--quiet", "--all", "--message", &format!("Call acme {name}")]);
        self.head()
    }

    /// A commit by `person` that gives the instance other memory; gives its id.
    pub fn grow(&self, person: &str, memory: &str) -> String {
        let old = self.read("instances/acme/acme-prod.yaml");
        let line = old.lines().find(|line| line.contains("memory:")).unwrap();
        self.write(
            "instances/acme/acme-prod.yaml",
            &old.replace(line, &format!("  resources: {{cpu: 4, memory: {memory}}}")),
        );
        self.git(person, &["commit", "--quiet", "--all", "--message", &format!("Memory {memory}")]);
        self.head()
    }
}
