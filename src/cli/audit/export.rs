//! Every record to standard output, as they come from the database. The export is recorded before
//! the first byte leaves.

use super::super::database::{os_user, writing};
use super::super::{CliError, Out};
use crate::export::{COLUMNS, json_line, row};
use crate::store::Store;
use crate::store::records::RecordFilter;
use pintle_core::audit::{Actor, Draft, Stage};
use pintle_core::render::plural;
use std::io::{BufWriter, Write};
use uuid::Uuid;

/// The form of an export.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct How {
    /// One JSON value a line, each with its leaf as it was hashed; or comma-separated values
    #[arg(long, env = "PINTLE_FORMAT", value_enum, default_value_t = Form::Jsonl)]
    format: Form,
    /// With before and after (JSON lines only): they may be personal
    #[arg(long, env = "PINTLE_SEALED")]
    sealed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Jsonl,
    Csv,
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// Exports the records of `filter`.
pub(super) async fn export(store: &Store, mut filter: RecordFilter, how: &How, out: &Out) -> Result<(), CliError> {
    if how.sealed && how.format == Form::Csv {
        return Err(
            CliError::new("comma-separated values have no place for before and after").hint("--format jsonl --sealed")
        );
    }
    // What is recorded about this export is not part of it.
    let now = store.clock().await?;
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    if store.may_record().await? {
        record(store, &filter, how).await?;
    } else {
        eprintln!("warning: this database user may not write, so this export is not in the audit log");
    }
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut failure = None;
    let mut csv = (how.format == Form::Csv).then(|| csv::Writer::from_writer(Vec::new()));
    if let Some(csv) = &mut csv {
        failure = csv.write_record(COLUMNS).err().map(std::io::Error::other);
    }
    let given = store
        .each_record(&filter, |one| {
            let written = match &mut csv {
                Some(csv) => row(csv, &one, &mut output),
                None => output.write_all(&json_line(&one, how.sealed)),
            };
            failure = failure.take().or(written.err());
            failure.is_none()
        })
        .await?;
    if let Some(csv) = csv {
        let rest =
            csv.into_inner().map_err(|error| CliError::because("the export cannot be written", error.into_error()))?;
        failure = failure.or(output.write_all(&rest).err());
    }
    match failure.or(output.flush().err()) {
        // Whoever reads has read enough.
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Some(error) => return Err(CliError::because("the export cannot be written", error)),
        None if out.is_terminal() => eprintln!("{}", plural(i64::try_from(given).unwrap_or(i64::MAX), "record")),
        None => {}
    }
    Ok(())
}

async fn record(store: &Store, filter: &RecordFilter, how: &How) -> Result<(), CliError> {
    let writer = store.audit_writer(Uuid::now_v7()).await.map_err(writing)?;
    let said = serde_json::to_string(filter).unwrap_or_default();
    let draft = Draft {
        partner: filter.partner.clone(),
        reason: Some(format!("{}{} {said}", how.format.word(), if how.sealed { " with before and after" } else { "" })),
        ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(&os_user()), "audit-export")
    };
    let recorded = store.record(&writer, &[draft]).await;
    store.end_audit_writer(writer).await.map_err(writing)?;
    recorded.map_err(writing)
}
