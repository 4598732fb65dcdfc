//! `audit-export`: the audit log since the last export of the same Schedule, as a file. Records that are younger than
//! two minutes are left to the next: by then nothing older can still be on its way into the log. How far the exports went
//! stands in the database, so that it does not matter which host made the last.

use super::files::{Partial, stamp, unwritable};
use super::{Failure, Tools};
use crate::export::{COLUMNS, json_line, row};
use crate::store::records::RecordFilter;
use crate::store::work::Work;
use jiff::SignedDuration;
use std::io::Write;

/// Longer than any transaction of ours may take.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

pub(super) async fn export(tools: &Tools, work: &Work) -> Result<String, Failure> {
    let folder = tools.destination(work.text("destination"))?;
    let csv = match work.text("format").unwrap_or("jsonl") {
        "jsonl" => false,
        "csv" => true,
        other => return Err(Failure::invalid(format!("an audit export is jsonl or csv, not {other}"))),
    };
    let unread = |error| Failure::during("the audit log cannot be read", crate::chain::chain(&error));
    let until = work.tick.checked_sub(SETTLED).unwrap_or(work.tick);
    let since = tools.store.export_position(work.uid).await.map_err(unread)?;
    if since.is_some_and(|since| since >= until) {
        return Ok(format!("a later tick exported everything up to {}", since.unwrap_or_default()));
    }
    let name = format!("{}-{}.{}", work.schedule, stamp(work.tick), if csv { "csv" } else { "jsonl" });
    let partial = Partial::new(folder, &name, &work.mark())?;
    let given =
        lines(tools, &partial, csv, &RecordFilter { since, until: Some(until), ..RecordFilter::default() }).await?;
    let place = partial.finish()?;
    // Last: a try that ends before it writes the same file again.
    tools.store.exported(work.uid, until).await.map_err(unread)?;
    Ok(format!("{given} records in {}", place.display()))
}

/// Writes the records of `filter` as they come; how many.
async fn lines(tools: &Tools, partial: &Partial, csv: bool, filter: &RecordFilter) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| unwritable(partial.path(), error);
    let mut file = partial.open()?;
    let mut rows = csv::Writer::from_writer(Vec::new());
    if csv {
        file.write_all((COLUMNS.join(",") + "\n").as_bytes()).map_err(failed)?;
    }
    let mut broken = None;
    let given = tools
        .store
        .each_record(filter, |record| {
            let written =
                if csv { row(&mut rows, &record, &mut file) } else { file.write_all(&json_line(&record, false)) };
            broken = written.err();
            broken.is_none()
        })
        .await
        .map_err(|error| Failure::during("the audit log cannot be read", crate::chain::chain(&error)))?;
    broken.map_or_else(|| file.flush(), Err).map_err(failed)?;
    Ok(given)
}
