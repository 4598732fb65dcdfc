//! Records on one line each.

use super::super::CliError;
use super::super::table::{Cell, Table, short};
use crate::export::{object, who};
use crate::store::records::StoredRecord;
use pintle_core::render::{Paper, Style, ago, shown};
use serde_json::Value;

/// Records as a table: every line names its record.
pub(super) fn table(records: &[StoredRecord], paper: &Paper) -> Result<String, CliError> {
    let mut table = Table::new(&["time", "action", "object", "outcome", "commit", "by", "record"]);
    for record in records {
        let leaf = record.json()?;
        let text = |path: &str| leaf.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let outcome = Some(text("/outcome/status")).filter(|outcome| outcome != "ok").unwrap_or_default();
        table.row([
            text("/time").get(..19).unwrap_or_default().replace('T', " ").into(),
            text("/action").into(),
            object(&leaf).into(),
            Cell::from(outcome).styled(Style::Warning),
            short(&text("/git/commit")).into(),
            who(&leaf).into(),
            Cell::from(text("/id")).styled(Style::Muted),
        ]);
    }
    Ok(table.render(paper))
}

/// One record in a sentence.
pub(in crate::cli) fn line(record: &StoredRecord, paper: &Paper) -> Result<String, CliError> {
    let leaf = record.json()?;
    let text = |path: &str| leaf.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let when = record.recorded_at.map(|at| ago(at, paper.now)).unwrap_or_default();
    let status = Some(text("/outcome/status"))
        .filter(|status| status != "ok")
        .map(|status| format!(" {status}"))
        .unwrap_or_default();
    let commit = Some(text("/git/commit"))
        .filter(|commit| !commit.is_empty())
        .map(|commit| format!(" from {}", short(&commit)))
        .unwrap_or_default();
    Ok(shown(&format!(
        "{}{status}{commit}, {when}, by {} (pintle audit show {})",
        text("/action"),
        who(&leaf),
        text("/id")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_names_the_people_behind_it() {
        let leaf = json!({"id": "01a2", "action": "update", "time": "2026-11-23T03:09:39.407812Z", "actor": {"id": "pintle"}, "outcome": {"status": "ok"},
            "resource": {"kind": "Instance", "name": "acme-prod"}, "git": {"commit": "8f3c1a2aaaa"}, "approvals": [{"person": "alice", "role": "author"}, {"person": "bob", "role": "approver"}]});
        let record = StoredRecord { leaf: leaf.to_string().into_bytes(), salt: None, sealed: None, recorded_at: None };
        let paper = Paper::plain(100, jiff::Timestamp::UNIX_EPOCH);
        assert!(
            line(&record, &paper)
                .unwrap()
                .contains("update from 8f3c1a2, , by alice (author), bob (pintle audit show 01a2)")
        );
        assert!(
            table(&[record], &paper)
                .unwrap()
                .contains("2026-11-23 03:09:39  update  Instance/acme-prod  8f3c1a2  alice (author), bob  01a2")
        );
    }
}
