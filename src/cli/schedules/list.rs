//! What fires when.

use super::super::table::{Cell, Table};
use super::super::{CliError, Out};
use super::{clock, one};
use crate::store::Store;
use crate::store::schedules::{RunFilter, RunRow, ScheduleRow};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use pintle_core::change::Value;
use pintle_core::render::{Style, ago};
use serde_json::{Value as Json, json};
use std::collections::HashMap;

pub(super) async fn list(store: &Store, out: &Out) -> Result<(), CliError> {
    let schedules = store.schedules(None).await?;
    let now = store.clock().await?;
    let all = RunFilter { limit: i64::MAX, last: true, ..RunFilter::default() };
    let mut last: HashMap<String, RunRow> =
        store.runs(&all).await?.into_iter().map(|run| (run.schedule.clone(), run)).collect();
    let mut rows = Vec::with_capacity(schedules.rows.len());
    for row in &schedules.rows {
        // One that cannot be read is listed all the same: it never fires.
        let clock = clock(&schedules, row).ok();
        let next = clock.filter(|_| !row.suspended).and_then(|clock| clock.fires(now).next());
        rows.push((row, next, last.remove(&row.name)));
    }
    if out.is_json() {
        let rows: Vec<Json> = rows.iter().map(|(row, next, last)| entry(row, *next, last.as_ref())).collect();
        out.json(&json!({"formatVersion": "1.0", "schedules": rows}));
        return Ok(());
    }
    if rows.is_empty() {
        out.text("No schedule is applied.");
        return Ok(());
    }
    let mut table = Table::new(&["schedule", "does", "when", "next", "last", "ended"]);
    for (row, next, last) in &rows {
        let next = match next {
            _ if row.suspended => Cell::from("suspended").styled(Style::Warning),
            Some(next) => ago(*next, now).into(),
            None => Cell::from("never").styled(Style::Muted),
        };
        let last_at = last.as_ref().and_then(|last| last.tick).map(|at| ago(at, now)).unwrap_or_default();
        let ended = last.as_ref().and_then(|last| last.state.clone()).unwrap_or_default();
        let style = if ended == "dead" { Style::Warning } else { Style::Muted };
        table.row([
            row.name.as_str().into(),
            does(row).into(),
            when(row).into(),
            next,
            last_at.into(),
            Cell::from(ended).styled(style),
        ]);
    }
    out.text(&table.render(&out.paper()));
    Ok(())
}

fn entry(row: &ScheduleRow, next: Option<Timestamp>, last: Option<&RunRow>) -> Json {
    json!({"name": row.name, "does": does(row), "when": when(row), "suspended": row.suspended, "next": next, "last": last})
}

/// The kind of its job.
fn does(row: &ScheduleRow) -> &str {
    row.spec.at(&["job", "kind"]).and_then(Value::as_str).unwrap_or_default()
}

/// Its clock in words of its own.
fn when(row: &ScheduleRow) -> String {
    let text = |key: &str| row.spec.get(key).and_then(Value::as_str);
    if let Some(expressions) = row.spec.get("cron").and_then(Value::as_list) {
        let expressions: Vec<&str> = expressions.iter().filter_map(Value::as_str).collect();
        return format!("{} {}", expressions.join(" + "), text("timezone").unwrap_or("UTC"));
    }
    match (text("every"), text("offset"), text("at")) {
        (Some(every), Some(offset), _) => format!("every {every} + {offset}"),
        (Some(every), None, _) => format!("every {every}"),
        (_, _, at) => format!("at {}", at.unwrap_or_default()),
    }
}

pub(super) async fn next(store: &Store, name: &str, limit: usize, out: &Out) -> Result<(), CliError> {
    let (row, clock) = one(store, name).await?;
    let now = store.clock().await?;
    let fires: Vec<Timestamp> = clock.fires(now).take(limit).collect();
    let runs = |fire: &Timestamp| clock.runs_at(&row.name, *fire);
    if out.is_json() {
        let fires: Vec<Json> = fires.iter().map(|fire| json!({"tick": fire, "runsAt": runs(fire)})).collect();
        out.json(&json!({"formatVersion": "1.0", "schedule": row.name, "suspended": row.suspended, "fires": fires}));
        return Ok(());
    }
    let zone_name = row.spec.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    let zone = TimeZoneDatabase::bundled().get(zone_name).unwrap_or(jiff::tz::TimeZone::UTC);
    let mut table = Table::new(&["in", zone_name, "utc", "runs at"]);
    for fire in &fires {
        let runs = runs(fire);
        let spread = if runs == *fire { String::new() } else { runs.strftime("%H:%M:%S").to_string() };
        table.row([
            ago(*fire, now).into(),
            fire.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S").to_string().into(),
            fire.strftime("%Y-%m-%d %H:%M:%S").to_string().into(),
            spread.into(),
        ]);
    }
    let none = if row.suspended { "It is suspended: none of these fires.\n" } else { "" };
    let text = if fires.is_empty() { "It never fires again.".to_owned() } else { table.render(&out.paper()) };
    out.text(&format!("{none}{text}"));
    Ok(())
}
