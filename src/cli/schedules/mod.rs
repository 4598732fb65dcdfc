//! `pintle schedules`: what fires when, what became of it, and runs by hand.

mod by_hand;
mod history;
mod list;

use super::database::Database;
use super::{CliError, Exit, Out};
use crate::store::Store;
use crate::store::schedules::{OUTCOMES, ScheduleRow, Schedules};
use pintle_core::schedule::Clock;

/// What to do with schedules.
#[derive(Debug, clap::Args)]
pub struct SchedulesArgs {
    #[command(subcommand)]
    command: SchedulesCommand,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, clap::Subcommand)]
enum SchedulesCommand {
    /// Schedules: when each fires next, and how its last run ended
    List,
    /// The next fires of a schedule, in its zone and in UTC
    Next {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// How many
        #[arg(short = 'n', long, env = "PINTLE_LIMIT", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Run a schedule now; recorded with your user name
    ///
    /// It takes its turn behind a run that is not over, and is not dropped by it.
    Trigger(by_hand::TriggerArgs),
    /// Run ticks that passed, oldest first; recorded with your user name
    ///
    /// A tick that ran already does not run again; one that was cancelled does.
    Backfill(by_hand::BackfillArgs),
    /// Ticks, newest first: what ran, and why others did not
    History {
        /// Of one schedule
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Only with these outcomes
        #[arg(long, env = "PINTLE_OUTCOME", value_name = "OUTCOME", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(OUTCOMES))]
        outcome: Vec<String>,
        /// At most so many
        #[arg(short = 'n', long, env = "PINTLE_LIMIT", value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
    },
}

/// Lists, previews, runs.
pub async fn run(args: &SchedulesArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    match &args.command {
        SchedulesCommand::List => list::list(&store, out).await?,
        SchedulesCommand::Next { name, limit } => list::next(&store, name, usize::from(*limit), out).await?,
        SchedulesCommand::Trigger(args) => by_hand::trigger(&store, args, out).await?,
        SchedulesCommand::Backfill(args) => by_hand::backfill(&store, args, out).await?,
        SchedulesCommand::History { name, outcome, limit } => {
            history::history(&store, name.as_deref(), outcome, *limit, out).await?;
        }
    }
    Ok(Exit::Success)
}

/// The applied schedule called `name`, and its clock.
async fn one(store: &Store, name: &str) -> Result<(ScheduleRow, Clock), CliError> {
    let schedules = store.schedules(Some(name)).await?;
    let Some(row) = schedules.rows.first() else {
        return Err(CliError::new(format!("no schedule `{name}` is applied")).hint("pintle schedules list"));
    };
    Ok((row.clone(), clock(&schedules, row)?))
}

fn clock(schedules: &Schedules, row: &ScheduleRow) -> Result<Clock, CliError> {
    Clock::of(&row.spec, &schedules.excluded(row))
        .map_err(|error| CliError::because(format!("{} does not fire", row.name), error).hint("pintle validate"))
}
