//! `--config FILE`: TOML whose keys are the flags' names. It only gives defaults, so that flags and
//! environment win, and an unknown key is an error as an unknown flag is.

use clap::Command;
use std::collections::BTreeMap;

/// `command` with the file's values as defaults of its flags. A file that cannot be used ends the
/// program here, before anything is parsed with the wrong settings.
pub(super) fn with_defaults(command: Command) -> Command {
    let Some(path) = path() else { return command };
    match std::fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| read(&text)) {
        Ok(values) => {
            if let Some(unknown) = values.keys().find(|key| !knows(&command, key)) {
                fail(&path, &format!("unknown key `{unknown}`"));
            }
            apply(command, &values)
        }
        Err(reason) => fail(&path, &reason),
    }
}

fn path() -> Option<String> {
    let mut arguments =
        std::env::args().skip_while(|argument| argument != "--config" && !argument.starts_with("--config="));
    let flag = arguments
        .next()
        .and_then(|first| first.strip_prefix("--config=").map(str::to_owned).or_else(|| arguments.next()));
    flag.or_else(|| std::env::var("PINTLE_CONFIG").ok())
}

fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    table
        .into_iter()
        .map(|(key, value)| match value {
            toml::Value::String(text) => Ok((key, text)),
            toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Float(_) => Ok((key, value.to_string())),
            _ => Err(format!("`{key}` must be text, a number or a boolean")),
        })
        .collect()
}

fn knows(command: &Command, key: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(key))
        || command.get_subcommands().any(|inner| knows(inner, key))
}

fn apply(command: Command, values: &BTreeMap<String, String>) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = command.mut_args(|argument| match argument.get_long().and_then(|long| values.get(long)) {
        Some(value) => argument.default_value(value.clone()),
        None => argument,
    });
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |inner| apply(inner, values)))
}

fn fail(path: &str, reason: &str) -> ! {
    eprintln!("error: the settings file {path} cannot be used: {reason}");
    std::process::exit(1)
}
