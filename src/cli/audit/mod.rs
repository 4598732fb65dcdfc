//! `pintle audit`: search, show and export what was recorded.

mod export;
mod line;
mod show;

pub(super) use line::line;

use super::database::{Database, moment};
use super::{CliError, Exit, Out, target};
use crate::store::records::RecordFilter;
use jiff::Timestamp;
use serde_json::json;

/// What to do with the audit log.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Records, newest first
    Search {
        #[command(flatten)]
        filter: Filter,
        /// At most so many
        #[arg(short = 'n', long, env = "PINTLE_LIMIT", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
    },
    /// One record whole, with before and after: by its id, or as `job N`
    Show {
        /// The record's id, or `job N`
        #[arg(value_name = "ID | job N", num_args = 1..=2, required = true)]
        what: Vec<String>,
    },
    /// Every record, oldest first, to standard output; the export itself is recorded
    Export {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        how: export::How,
    },
}

/// Which records.
#[derive(Debug, Clone, clap::Args)]
struct Filter {
    /// Not before: a moment, a day, or how long ago (2h, 7d)
    #[arg(long, env = "PINTLE_SINCE", value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before: a moment, a day, or how long ago
    #[arg(long, env = "PINTLE_UNTIL", value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Who acted, or whose approval counted
    #[arg(long, env = "PINTLE_ACTOR", value_name = "PERSON")]
    actor: Option<String>,
    /// What was done: create, update, heal, delete, accept, retry, …
    #[arg(long, env = "PINTLE_ACTION", value_name = "WORD")]
    action: Option<String>,
    /// The object's kind
    #[arg(long, env = "PINTLE_KIND", value_name = "KIND")]
    kind: Option<String>,
    /// The object's name
    #[arg(long, env = "PINTLE_NAME", value_name = "NAME")]
    name: Option<String>,
    /// The partner whose object it is
    #[arg(long, env = "PINTLE_PARTNER", value_name = "NAME")]
    partner: Option<String>,
    /// The accepted commit, or the beginning of its id
    #[arg(long, env = "PINTLE_COMMIT", value_name = "COMMIT")]
    commit: Option<String>,
}

impl Filter {
    fn read(&self, limit: Option<i64>) -> Result<RecordFilter, CliError> {
        let kind = self.kind.as_deref().map(target::kind).transpose()?.map(|kind| kind.name.to_owned());
        let (since, until) = (self.since, self.until);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(CliError::new("--since is not before --until").hint("exchange them"));
        }
        let Self { actor, action, name, partner, commit, .. } = self.clone();
        Ok(RecordFilter { since, until, actor, action, kind, name, partner, commit, limit, ..RecordFilter::default() })
    }
}

/// Searches, shows or exports.
pub async fn run(args: &AuditArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    match &args.command {
        AuditCommand::Search { filter, limit } => {
            let records = store.records(&filter.read(Some(limit.saturating_add(1)))?).await?;
            let shown = &records[..records.len().min(usize::try_from(*limit).unwrap_or(usize::MAX))];
            if out.is_json() {
                let leaves =
                    shown.iter().map(crate::store::records::StoredRecord::json).collect::<Result<Vec<_>, _>>()?;
                out.json(&json!({"formatVersion": "1.0", "records": leaves, "more": records.len() > shown.len()}));
            } else if shown.is_empty() {
                out.text("No records match.");
            } else {
                out.text(&line::table(shown, &out.paper())?);
                if records.len() > shown.len() {
                    eprintln!("The newest {limit}; -n shows more, pintle audit export all.");
                }
            }
        }
        AuditCommand::Show { what } => show::show(&store, what, out).await?,
        AuditCommand::Export { filter, how } => export::export(&store, filter.read(None)?, how, out).await?,
    }
    Ok(Exit::Success)
}
