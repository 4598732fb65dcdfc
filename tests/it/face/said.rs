//! A command, what it said, and how it ended.

use super::settled::settled;
use crate::harness::World;
use serde_json::Value;
use std::process::{Command, Stdio};

/// What a command said.
pub struct Said {
    asked: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Runs `command`; what it says to a pipe is plain text.
    #[track_caller]
    pub fn of(mut command: Command) -> Self {
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        let said = Self { asked: words.join(" "), code, out: text(output.stdout), err: text(output.stderr) };
        assert!(
            !said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'),
            "an escape byte in a pipe:\n{}",
            said.told()
        );
        said
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.told());
        self
    }

    /// Its answer to a program, which says its version.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.told()));
        assert_eq!(value["formatVersion"], "1.0", "{}", self.told());
        value
    }

    /// As a terminal would show it, with its exit code when that is not 0.
    pub fn told(&self) -> String {
        let exit = if self.code == 0 { String::new() } else { format!("[exit {}]\n", self.code) };
        format!("$ pintle {}\n{}{}{exit}", self.asked, self.out, self.err)
    }
}

/// The binary, told nothing by whoever runs the tests.
pub fn pintle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pintle"));
    command.args(arguments).env("COLUMNS", "100").env_remove("NO_COLOR");
    std::env::vars().filter(|(name, _)| name.starts_with("PINTLE_")).for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// Asks about `world`.
#[track_caller]
pub fn ask(world: &World, arguments: &[&str]) -> Said {
    let introduced = &world.repository.introduced;
    let mut command = pintle(arguments);
    command
        .env("PINTLE_DATABASE_URL", &world.database.url)
        .env("PINTLE_REPO", &world.repository.path)
        .env("PINTLE_REPO_ID", &introduced.repo_id)
        .env("PINTLE_INTRODUCTION_COMMIT", &introduced.commit)
        .env("PINTLE_INTRODUCTION_POLICY", &introduced.policy);
    let said = Said::of(command);
    crate::published::is_published(arguments, &said.out);
    said
}

/// What was said, one after the other, with names instead of what differs from run to run.
pub fn golden(world: &World, said: &[Said]) -> String {
    let told: Vec<String> = said.iter().map(Said::told).collect();
    let folder = world.path().display().to_string();
    let text = told.join("\n").replace(&folder, "<folder>");
    settled(&world.repository.git(&["rev-list", "--reverse", "--all"]).lines().enumerate().fold(
        text,
        |text, (at, commit)| {
            text.replace(commit, &format!("<commit{at}>")).replace(&commit[..7], &format!("commit{at}"))
        },
    ))
}
