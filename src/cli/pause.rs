//! `pintle pause` and `pintle resume`: nothing of a selection starts until it is resumed or the pause
//! runs out. What is being applied when it is asked for ends before the command returns.

use super::database::{Database, as_operator, duration, os_user};
use super::selector::{label, selector};
use super::{CliError, Exit, Out};
use jiff::{SignedDuration, Timestamp};
use pintle_core::diff::{Pause, Selector};
use pintle_core::render::minute;

/// What, why, for how long.
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    #[command(flatten)]
    what: Selection,
    /// Why; shown wherever something waits for it
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: String,
    /// How long at most: 30m, 2h, 7d; until it is resumed if left out
    #[arg(long = "for", env = "PINTLE_PAUSE_FOR", value_name = "TIME", value_parser = duration)]
    length: Option<SignedDuration>,
    #[command(flatten)]
    database: Database,
}

/// What, and why.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    what: Selection,
    /// Why; recorded
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT", default_value = "resumed")]
    reason: String,
    #[command(flatten)]
    database: Database,
}

/// Which objects.
#[derive(Debug, clap::Args)]
struct Selection {
    /// `all`, a kind, or an object: Instance, Instance/acme-prod
    #[arg(value_name = "all | KIND | KIND/NAME")]
    what: String,
    /// Only objects with these labels
    #[arg(short = 'l', long = "selector", env = "PINTLE_SELECTOR", value_name = "NAME=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
}

impl Selection {
    fn selector(&self) -> Result<Selector, CliError> {
        selector(&self.what, &self.labels)
    }
}

/// Pauses.
pub async fn pause(args: &PauseArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let until = args.length.map(|length| Timestamp::now().checked_add(length)).transpose();
    let until = until.map_err(|error| CliError::because("that is too long", error).hint("--for 30m, 2h or 7d"))?;
    let pause = Pause { id: 0, what: args.what.selector()?, reason: args.reason.clone(), by: os_user(), until };
    let id = as_operator(&store, async |writer| store.pause(writer, &pause).await).await?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "pause": Pause { id, ..pause }}));
        return Ok(Exit::Success);
    }
    let until =
        pause.until.map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {}", minute(until)));
    let scope = &pause.what;
    out.text(&format!("Paused {scope} {until}: nothing of it starts now.\nLift it: pintle resume {scope}"));
    Ok(Exit::Success)
}

/// Resumes.
pub async fn resume(args: &ResumeArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let wanted = args.what.selector()?;
    let all = store.pauses().await?;
    let meant: Vec<Pause> = all.iter().filter(|pause| pause.what == wanted).cloned().collect();
    if meant.is_empty() {
        let names: Vec<String> = all.iter().map(|pause| format!("pintle resume {}", pause.what)).collect();
        let hint = if names.is_empty() { "nothing is paused".to_owned() } else { names.join("; ") };
        return Err(CliError::new(format!("{wanted} is not paused")).hint(hint));
    }
    as_operator(&store, async |writer| store.resume(writer, &meant, &os_user(), &args.reason).await).await?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "resumed": meant}));
    } else {
        out.text(&format!("Resumed {wanted}."));
    }
    Ok(Exit::Success)
}
