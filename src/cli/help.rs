//! `pintle --help`: the commands in the order of the work: write, review, operate, look.

use clap::Command;
use clap::builder::StyledStr;

/// The groups, and the order within them. A command that is in none stands last.
const GROUPS: &[(&str, &[&str])] = &[
    ("Write", &["init", "import", "set", "promote", "rollback", "unblock", "approve", "doctor"]),
    ("Review", &["validate", "plan", "ci", "verify", "change-id", "simulate", "render", "explain", "schema"]),
    (
        "Operate",
        &["run", "apply", "pause", "resume", "advance", "jobs", "schedules", "trust", "recover", "migrate", "dev"],
    ),
    ("Look", &["get", "status", "why", "history", "audit", "snapshot", "wait", "completions", "man"]),
];

/// `command` with its subcommands listed in groups.
pub(super) fn grouped(command: Command) -> Command {
    let style = command.get_styles().clone();
    let (header, literal) = (style.get_header(), style.get_literal());
    let width = command.get_subcommands().map(|one| one.get_name().len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (title, names) in groups(&command) {
        lines.push(format!("{header}{title}:{header:#}"));
        lines.extend(names.iter().filter_map(|name| command.find_subcommand(name)).map(|one| {
            let gap = " ".repeat(width - one.get_name().len() + 2);
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            format!("  {literal}{}{literal:#}{gap}{about}", one.get_name())
        }));
        lines.push(String::new());
    }
    let text = lines.join("\n");
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}\n{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(StyledStr::from(template))
}

fn groups(command: &Command) -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&str, Vec<String>)> = GROUPS
        .iter()
        .map(|(title, names)| {
            (
                *title,
                names
                    .iter()
                    .filter(|name| command.find_subcommand(name).is_some())
                    .map(|name| (*name).to_owned())
                    .collect(),
            )
        })
        .collect();
    let others = command.get_subcommands().filter(|one| !one.is_hide_set()).map(|one| one.get_name().to_owned());
    groups.push((
        "Other",
        others.filter(|name| !GROUPS.iter().any(|(_, names)| names.contains(&name.as_str()))).collect(),
    ));
    groups.retain(|(_, names)| !names.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_its_place_in_the_help() {
        let command = super::super::Cli::command();
        assert!(groups(&command).iter().all(|(title, _)| *title != "Other"), "{:?}", groups(&command).last());
        let help = grouped(command.clone()).render_help().to_string();
        for one in command.get_subcommands() {
            assert!(help.contains(&format!("\n  {} ", one.get_name())), "{} is missing in\n{help}", one.get_name());
        }
        let at = |title: &str| help.find(title);
        assert!(at("Review:") < at("Operate:") && at("Operate:") < at("Look:"), "{help}");
    }

    #[test]
    fn every_flag_can_be_an_environment_variable() {
        fn check(command: &Command) {
            for argument in command.get_arguments().filter(|argument| {
                !argument.is_positional() && argument.get_long().is_some_and(|long| long != "help" && long != "version")
            }) {
                let variable = argument.get_env().and_then(|name| name.to_str()).unwrap_or_default();
                assert!(variable.starts_with("PINTLE_"), "{} --{:?}", command.get_name(), argument.get_long());
            }
            command.get_subcommands().for_each(check);
        }
        check(&super::super::Cli::command());
    }
}
