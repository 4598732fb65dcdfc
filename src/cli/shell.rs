//! `pintle completions` and `pintle man`: what packages ship.

use super::{Cli, CliError, Exit, Out};
use clap::CommandFactory;
use std::path::PathBuf;

/// For which shell.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: clap_complete::Shell,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The folder for a page of each subcommand; without it, pintle(1) goes to standard output
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completions.
pub fn completions(args: &CompletionsArgs, out: &Out) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pintle", &mut text);
    out.text(&String::from_utf8_lossy(&text));
    Exit::Success
}

/// Writes the manual.
pub fn man(args: &ManArgs, out: &Out) -> Result<Exit, CliError> {
    let Some(dir) = &args.dir else {
        let mut text = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut text)
            .map_err(|error| CliError::because("the page cannot be made", error))?;
        out.text(&String::from_utf8_lossy(&text));
        return Ok(Exit::Success);
    };
    let failed = |error| CliError::because(format!("{} cannot be written", dir.display()), error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    out.text(&format!("The manual is in {0}. (man -l {0}/pintle.1)", dir.display()));
    Ok(Exit::Success)
}
