//! Every record to standard output, as they come from the database. The export is recorded before
//! the first byte leaves.

use super::super::database::{os_user, writing};
use super::super::{CliError, Out};
use super::line::{object, who};
use crate::store::Store;
use crate::store::records::{RecordFilter, StoredRecord};
use pintle_core::audit::{Actor, Draft, Outcome, Stage};
use pintle_core::render::plural;
use serde_json::Value;
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

const COLUMNS: [&str; 18] = [
    "time",
    "id",
    "stage",
    "action",
    "kind",
    "name",
    "partner",
    "outcome",
    "code",
    "actor",
    "approved_by",
    "commit",
    "path",
    "job",
    "reason",
    "writer",
    "seq",
    "sealed_sha256",
];

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
        id: Uuid::now_v7(),
        stage: Stage::System,
        correlation: None,
        actor: Actor { kind: "os-user", id: os_user() },
        approvals: Vec::new(),
        partner: filter.partner.clone(),
        action: "audit-export".into(),
        resource: None,
        git: None,
        job: None,
        outcome: Outcome { status: "ok", code: None },
        reason: Some(format!("{}{} {said}", how.format.word(), if how.sealed { " with before and after" } else { "" })),
        sealed: None,
    };
    let recorded = store.record(&writer, &[draft]).await;
    store.end_audit_writer(writer).await.map_err(writing)?;
    recorded.map_err(writing)
}

/// The leaf byte for byte as it was hashed, so that the export can be verified.
fn json_line(record: &StoredRecord, sealed: bool) -> Vec<u8> {
    let mut line = b"{\"formatVersion\":\"1.0\",\"leaf\":".to_vec();
    line.extend(&record.leaf);
    if sealed && let (Some(salt), Some(sealed)) = (&record.salt, &record.sealed) {
        line.extend(format!(",\"salt\":\"{}\",\"sealed\":", hex::encode(salt)).bytes());
        line.extend(sealed);
    }
    line.extend(b"}\n");
    line
}

fn row(csv: &mut csv::Writer<Vec<u8>>, record: &StoredRecord, output: &mut impl Write) -> std::io::Result<()> {
    let leaf: Value = serde_json::from_slice(&record.leaf)?;
    csv.write_record(cells(&leaf)).map_err(std::io::Error::other)?;
    csv.flush()?;
    let buffer = csv.get_ref();
    output.write_all(buffer)?;
    *csv = csv::Writer::from_writer(Vec::new());
    Ok(())
}

fn cells(leaf: &Value) -> [String; COLUMNS.len()] {
    let text = |path: &str| match leaf.pointer(path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let approved = if object(leaf).is_empty() && leaf["approvals"].as_array().is_none_or(Vec::is_empty) {
        String::new()
    } else {
        who(leaf)
    };
    [
        text("/time"),
        text("/id"),
        text("/stage"),
        text("/action"),
        text("/resource/kind"),
        text("/resource/name"),
        text("/scope/partner"),
        text("/outcome/status"),
        text("/outcome/code"),
        text("/actor/id"),
        approved,
        text("/git/commit"),
        text("/git/path"),
        text("/job/id"),
        text("/reason"),
        text("/writer"),
        text("/seq"),
        text("/sealed"),
    ]
    .map(|cell| defused(&cell))
}

/// A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn defused(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_that_starts_a_formula_is_defused() {
        for wicked in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(defused(wicked), format!("'{wicked}"));
        }
        assert_eq!(defused("a=b"), "a=b");
    }

    #[test]
    fn rows_have_every_column_and_reasons_cannot_become_formulas() {
        let leaf = json!({"id": "01", "reason": "=HYPERLINK(\"x\")", "resource": {"kind": "Instance", "name": "a,b"}, "approvals": [{"person": "bob", "role": "approver"}]});
        let record = StoredRecord { leaf: leaf.to_string().into_bytes(), salt: None, sealed: None, recorded_at: None };
        let (mut csv, mut output) = (csv::Writer::from_writer(Vec::new()), Vec::new());
        row(&mut csv, &record, &mut output).unwrap();
        row(&mut csv, &record, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("\"'=HYPERLINK(\"\"x\"\")\"") && text.contains("\"a,b\"") && text.contains(",bob,"),
            "{text}"
        );
    }

    #[test]
    fn a_line_holds_the_leaf_byte_for_byte() {
        let record = StoredRecord {
            leaf: br#"{"b":1,"a":2}"#.to_vec(),
            salt: Some(vec![255]),
            sealed: Some(b"{}".to_vec()),
            recorded_at: None,
        };
        assert_eq!(json_line(&record, false), b"{\"formatVersion\":\"1.0\",\"leaf\":{\"b\":1,\"a\":2}}\n");
        assert!(String::from_utf8(json_line(&record, true)).unwrap().contains(r#""salt":"ff","sealed":{}"#));
    }
}
