//! Why an object stands as it does: the row, the plan's reason, its jobs, its last records.

use super::super::audit::line;
use super::super::get::drift;
use super::super::standing::Standing;
use super::super::table::{Lines, short};
use super::super::{CliError, Exit, Out};
use crate::store::Store;
use crate::store::ledger::{JobFilter, JobRow};
use crate::store::records::{RecordFilter, StoredRecord};
use crate::store::rows::LiveRow;
use pintle_core::change::ObjectKey;
use pintle_core::render::{Paper, Style, ago, change_lines, shown};
use serde_json::json;

/// Records and jobs that are shown.
const LAST: i64 = 5;

struct View {
    key: ObjectKey,
    row: Option<LiveRow>,
    standing: Standing,
    jobs: Vec<JobRow>,
    records: Vec<StoredRecord>,
}

/// Explains `key`.
pub(super) async fn explain(store: &Store, key: &ObjectKey, out: &Out) -> Result<Exit, CliError> {
    let filter = RecordFilter {
        kind: Some(key.kind.to_string()),
        name: Some(key.name.to_string()),
        limit: Some(LAST),
        ..RecordFilter::default()
    };
    let view = View {
        key: key.clone(),
        row: store.row(key).await?,
        standing: Standing::read(store, Some(&key.kind), Some(&key.name)).await?,
        jobs: store
            .jobs(&JobFilter { object: Some((&key.kind, &key.name)), limit: LAST, ..JobFilter::default() })
            .await?,
        records: store.records(&filter).await?,
    };
    if view.row.is_none()
        && view.jobs.is_empty()
        && view.records.is_empty()
        && view.standing.get(&key.to_string()).is_none()
    {
        return Err(CliError::new(format!("{key} was never seen: no row, no job, no record"))
            .hint(format!("pintle get {} lists what is live; pintle status says what is held", key.kind)));
    }
    if out.is_json() {
        out.json(&as_json(&view)?);
    } else {
        out.text(&human(&view, &out.paper())?);
    }
    Ok(Exit::Success)
}

fn human(view: &View, paper: &Paper) -> Result<String, CliError> {
    let key = view.key.to_string();
    let mut lines = Lines::default();
    lines.add("object", paper.paint(Style::Heading, &key));
    lines.add("live", live(view, paper));
    if let Some(row) = &view.row {
        let drift = drift(row);
        if !drift.is_empty() {
            lines
                .add("drift", format!("base → live, set by someone else:\n{}", change_lines(&drift, paper).join("\n")));
        }
        if row.protected {
            lines.add("protected", "by pintle/protect: its document alone neither deletes nor terminates it");
        }
    }
    match view.standing.get(&key) {
        Some(waits) => lines.add(
            "waits",
            format!(
                "{}\nlifted by: {}",
                paper.paint(Style::Warning, &shown(&waits.why.message)),
                shown(&waits.why.lifted_by)
            ),
        ),
        None => lines.add("waits", "nothing: the plan wants no change of it"),
    }
    for (at, job) in view.jobs.iter().enumerate() {
        lines.add(if at == 0 { "jobs" } else { "" }, job_line(job, paper));
    }
    for (at, record) in view.records.iter().enumerate() {
        lines.add(if at == 0 { "records" } else { "" }, line(record, paper)?);
    }
    Ok(format!(
        "{}\n\nAll of it: pintle get {key}; pintle audit search --kind {} --name {}",
        lines.render(paper),
        view.key.kind,
        view.key.name
    ))
}

fn live(view: &View, paper: &Paper) -> String {
    let Some(row) = &view.row else { return "no row".to_owned() };
    if let Some(at) = row.tombstoned_at {
        return paper.paint(Style::Warning, &format!("tombstoned {}", ago(at, paper.now)));
    }
    let Some(commit) = &row.applied_commit else { return "a row that Pintle never applied".to_owned() };
    let word = if row.drifted { paper.paint(Style::Warning, "drifted from") } else { "as applied from".to_owned() };
    let file = row.applied_file.as_deref().map(|file| format!(", {}", shown(file))).unwrap_or_default();
    let when = row.updated_at.map(|at| format!(", written {}", ago(at, paper.now))).unwrap_or_default();
    format!("{word} {} (generation {}{file}{when})", short(commit), row.generation)
}

fn job_line(job: &JobRow, paper: &Paper) -> String {
    let state = job.state.as_deref().unwrap_or("over");
    let when = job.changed_at.or(job.created_at).map(|at| ago(at, paper.now)).unwrap_or_default();
    let reason = job.reason.as_deref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
    let text = format!(
        "{} {} {} from {}, {when}{reason}",
        job.id,
        job.action,
        state,
        job.commit.as_deref().map(short).unwrap_or_default()
    );
    match state {
        "dead" => format!("{} (pintle jobs retry {} --reason TEXT)", paper.paint(Style::Warning, &text), job.id),
        _ => format!("{text} (pintle jobs show {})", job.id),
    }
}

fn as_json(view: &View) -> Result<serde_json::Value, CliError> {
    let records = view.records.iter().map(StoredRecord::json).collect::<Result<Vec<_>, _>>()?;
    let row = view.row.as_ref().map(|row| {
        json!({"uid": row.uid, "drifted": row.drifted, "protected": row.protected, "generation": row.generation, "revision": row.revision,
            "appliedCommit": row.applied_commit, "appliedFile": row.applied_file, "tombstonedAt": row.tombstoned_at, "updatedAt": row.updated_at, "drift": drift(row)})
    });
    Ok(
        json!({"formatVersion": "1.0", "object": view.key.to_string(), "live": row, "waiting": view.standing.get(&view.key.to_string()), "jobs": view.jobs, "records": records}),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::get::tests::row;
    use super::*;

    #[test]
    fn a_drifted_object_says_what_was_set_and_what_to_do() {
        let row = row(r#"{"spec":{"lifecycle":"suspended"}}"#, Some(r#"{"spec":{"lifecycle":"active"}}"#));
        let view = View {
            key: row.key.clone(),
            row: Some(row),
            standing: Standing::default(),
            jobs: Vec::new(),
            records: Vec::new(),
        };
        let text = human(&view, &Paper::plain(100, jiff::Timestamp::UNIX_EPOCH)).unwrap();
        assert!(text.contains("~ spec.lifecycle  active → suspended"), "{text}");
        assert!(text.contains("drifted from 8f3c1a2") && text.contains("pintle get Instance/acme-prod"), "{text}");
    }
}
