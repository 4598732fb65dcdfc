//! `health-report`: the selected instances and how they stand, as a file.

use super::files::{stamp, whole};
use super::{Failure, Tools};
use crate::store::rows::{LiveRow, Selection};
use crate::store::work::Work;
use pintle_core::change::Value;
use serde_json::json;
use std::collections::BTreeMap;

const COLUMNS: [&str; 9] =
    ["instance", "partner", "lifecycle", "region", "channel", "pinned", "generation", "drifted", "since"];

pub(super) async fn report(tools: &Tools, work: &Work) -> Result<String, Failure> {
    let folder = tools.destination(work.text("destination"))?;
    let instances = selected(tools, work).await?;
    let rows: Vec<[String; COLUMNS.len()]> = instances.iter().map(cells).collect();
    let drifted = instances.iter().filter(|one| one.drifted).count();
    let head = format!("{} instances, {drifted} drifted, at {}", rows.len(), work.tick);
    let (ending, text) = match work.text("format").unwrap_or("markdown") {
        "markdown" => ("md", markdown(&head, &rows)),
        "jsonl" => ("jsonl", jsonl(&rows)),
        _ => ("csv", csv(&rows).map_err(|error| Failure::during("the report cannot be made", error))?),
    };
    let name = format!("{}-{}.{ending}", work.schedule, stamp(work.tick));
    let place = whole(folder, &name, &work.mark(), &text)?;
    Ok(format!("{head}: {}", place.display()))
}

/// The instances that the job's `select` names.
pub(super) async fn selected(tools: &Tools, work: &Work) -> Result<Vec<LiveRow>, Failure> {
    let select = work.spec.get("select");
    let labels = select.and_then(|select| select.get("labels")).and_then(serde_json::Value::as_object);
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let partner = select.and_then(|select| select.get("partner")).and_then(serde_json::Value::as_str);
    let selection = Selection { kind: "Instance", name: None, partner, labels };
    let mut rows = tools
        .store
        .rows(&selection)
        .await
        .map_err(|error| Failure::during("the instances cannot be read", crate::chain::chain(&error)))?;
    rows.retain(|row| row.tombstoned_at.is_none());
    Ok(rows)
}

fn cells(row: &LiveRow) -> [String; COLUMNS.len()] {
    let text = |path: &[&str]| row.live.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    [
        row.key.name.to_string(),
        row.partner.clone().unwrap_or_default(),
        text(&["spec", "lifecycle"]),
        text(&["labels", "region"]),
        text(&["spec", "update", "channel"]),
        text(&["spec", "update", "pin", "version"]),
        row.generation.to_string(),
        if row.drifted { "yes" } else { "no" }.to_owned(),
        row.updated_at.map(|at| at.to_string()).unwrap_or_default(),
    ]
}

fn markdown(head: &str, rows: &[[String; COLUMNS.len()]]) -> Vec<u8> {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace(['\n', '\r'], " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", " --- |".repeat(COLUMNS.len()));
    let rows = rows.iter().map(|row| line(row)).collect::<String>();
    format!("# {head}\n\n{}{rule}{rows}", line(&COLUMNS.map(str::to_owned))).into_bytes()
}

fn jsonl(rows: &[[String; COLUMNS.len()]]) -> Vec<u8> {
    let object = |row: &[String; COLUMNS.len()]| {
        let fields: serde_json::Map<String, serde_json::Value> =
            COLUMNS.iter().zip(row).map(|(column, cell)| ((*column).to_owned(), json!(cell))).collect();
        serde_json::Value::Object(fields).to_string() + "\n"
    };
    rows.iter().map(object).collect::<String>().into_bytes()
}

fn csv(rows: &[[String; COLUMNS.len()]]) -> std::io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    for row in rows {
        csv.write_record(row)?;
    }
    csv.into_inner().map_err(csv::IntoInnerError::into_error)
}
