//! What a command prints and how it ends: exit codes, errors with hints, colour, width.

use pintle_core::diagnostic::Code;
use pintle_core::render::Paper;
use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// For programs; versioned by `formatVersion`.
    Json,
    /// For pull requests.
    Markdown,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people
    Human,
    /// For programs; versioned by `formatVersion`
    Json,
    /// For pull requests
    Markdown,
    /// `get`: for people, with more columns
    Wide,
    /// `get`: the documents
    Yaml,
}

impl Output {
    /// The format of it.
    fn format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
            Self::Human | Self::Wide | Self::Yaml => Format::Human,
        }
    }
}

/// How a command ends well, or as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Something is wrong, and was said.
    Failure = 1,
    /// There are changes (only with `--detailed-exitcode`).
    Changes = 2,
    /// Refused by a limit or a guardrail.
    Refused = 3,
    /// Not (yet) approved, or untrusted.
    Untrusted = 4,
}

impl Exit {
    /// Of documents that are not sound: refused, where every error is a guardrail that does not hold.
    pub fn of_mistakes<'a>(errors: impl IntoIterator<Item = &'a str>) -> Self {
        let mut codes = errors.into_iter().peekable();
        let known = codes.peek().is_some();
        let by_guardrail = known && codes.all(|code| code == Code::GuardrailBroken.as_str());
        if by_guardrail { Self::Refused } else { Self::Failure }
    }
}

/// Why a command failed, and what to do about it.
#[derive(Debug)]
pub struct CliError {
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    exit: Exit,
}

impl CliError {
    /// A failure in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, source: None, exit: Exit::Failure }
    }

    /// A failure with its cause.
    pub fn because(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(message) }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What happened, in one line.
    pub(super) fn said(&self) -> String {
        std::iter::once(self.message.clone()).chain(self.causes()).collect::<Vec<_>>().join(": ")
    }

    /// Why, from the outside to the inside.
    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        causes
    }

    /// What to do about it.
    pub(super) fn advice(&self) -> String {
        self.hint.clone().unwrap_or_else(|| "pintle doctor".to_owned())
    }

    /// The same with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl From<crate::store::StoreError> for CliError {
    fn from(error: crate::store::StoreError) -> Self {
        let hint = error.hint();
        let failure = Self::because("the database said no", error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Where a command's answer goes.
#[derive(Debug, Clone)]
pub struct Out {
    /// The format that was asked for.
    pub format: Format,
    /// The very word.
    pub output: Output,
    colour: bool,
}

impl Out {
    /// Standard output, with colour only on a terminal.
    pub fn new(output: Output, no_colour: bool) -> Self {
        let wanted = !no_colour && std::env::var_os("NO_COLOR").is_none();
        Self { format: output.format(), output, colour: wanted && std::io::stdout().is_terminal() }
    }

    /// The paper to draw on.
    pub fn paper(&self) -> Paper {
        Paper { colour: self.colour, width: width(), now: jiff::Timestamp::now() }
    }

    /// Whether a program reads this.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person at a terminal reads this.
    pub fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Prints text, with one newline at its end.
    pub fn text(&self, text: &str) {
        use std::io::Write;
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'));
    }

    /// Prints JSON, indented.
    pub fn json(&self, value: &impl serde::Serialize) {
        self.text(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Says how it failed.
    pub fn failed(&self, error: &CliError) -> ExitCode {
        let causes = error.causes();
        if self.is_json() {
            // Beside the answer, if there is one: what reads it finds one document on each stream.
            let told = serde_json::json!({
                "formatVersion": "1.0",
                "error": {"message": error.message, "because": causes, "next": error.hint, "exit": error.exit as u8},
            });
            eprintln!("{told}");
            return ExitCode::from(error.exit as u8);
        }
        let mut text = format!("error: {}", error.message);
        text.extend(causes.iter().map(|cause| format!("\n  because: {cause}")));
        text.extend(error.hint.iter().map(|hint| format!("\n  next: {hint}")));
        eprintln!("{text}");
        ExitCode::from(error.exit as u8)
    }
}

fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100)
}
