//! `audit-export`: the audit log since the last export of the same Schedule, as a file. Records that are younger than
//! two minutes are left to the next: by then nothing older can still be on its way into the log.

use super::files::{stamp, whole};
use super::{Failure, Tools};
use crate::export::{COLUMNS, json_line, row};
use crate::store::records::RecordFilter;
use crate::store::work::Work;
use jiff::{SignedDuration, Timestamp};
use std::io::Write;
use std::path::Path;

/// Longer than any transaction of ours may take.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

pub(super) async fn export(tools: &Tools, work: &Work) -> Result<String, Failure> {
    let folder = tools.destination(work.text("destination"))?;
    let csv = match work.text("format").unwrap_or("jsonl") {
        "jsonl" => false,
        "csv" => true,
        other => return Err(Failure::invalid(format!("an audit export is jsonl or csv, not {other}"))),
    };
    let until = work.tick.checked_sub(SETTLED).unwrap_or(work.tick);
    let position = format!("{}.position", work.schedule);
    let since = read_position(&folder.join(&position), until)?;
    let filter = RecordFilter { since, until: Some(until), ..RecordFilter::default() };
    let mut text = Vec::new();
    let mut rows = csv.then(|| csv::Writer::from_writer(Vec::new()));
    if let Some(rows) = &mut rows {
        rows.write_record(COLUMNS).map_err(|error| Failure::during("the export cannot be made", error))?;
    }
    let mut failed = None;
    let given = tools
        .store
        .each_record(&filter, |record| {
            let written = match &mut rows {
                Some(rows) => row(rows, &record, &mut text),
                None => text.write_all(&json_line(&record, false)),
            };
            failed = written.err();
            failed.is_none()
        })
        .await
        .map_err(|error| Failure::during("the audit log cannot be read", crate::chain::chain(&error)))?;
    if let Some(error) = failed {
        return Err(Failure::during("the export cannot be made", error));
    }
    let name = format!("{}-{}.{}", work.schedule, stamp(work.tick), if csv { "csv" } else { "jsonl" });
    let place = whole(folder, &name, |file| file.write_all(&text))?;
    // Last: a try that ends before it writes the same file again.
    whole(folder, &position, |file| write!(file, "{until} {}", since.map_or_else(String::new, |at| at.to_string())))?;
    Ok(format!("{given} records in {}", place.display()))
}

/// From where on this export goes: the end of the last one; its beginning, if that was this one, tried before.
fn read_position(place: &Path, until: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let text = match std::fs::read_to_string(place) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::during(&format!("{} cannot be read", place.display()), error)),
    };
    let mut words = text.split(' ');
    let unreadable = || Failure::invalid(format!("{} does not say a moment: remove it to begin anew", place.display()));
    let end: Timestamp = words.next().unwrap_or_default().parse().map_err(|_| unreadable())?;
    if end < until {
        return Ok(Some(end));
    }
    match words.next().filter(|word| !word.is_empty()) {
        Some(begin) => begin.parse().map(Some).map_err(|_| unreadable()),
        None => Ok(None),
    }
}
