//! One row whole: what stands in it, and where that differs from what was applied.

use super::super::Out;
use super::super::standing::Standing;
use super::super::table::{Lines, short};
use super::state;
use crate::store::rows::LiveRow;
use pintle_core::change::{FieldChange, field_changes};
use pintle_core::render::{Style, ago, change_lines, masked_yaml, redacted, redacted_changes};
use serde_json::json;

/// Where `row` differs from what was last applied to it, as it may be shown.
pub(in crate::cli) fn drift(row: &LiveRow) -> Vec<FieldChange> {
    let Some(base) = &row.base else { return Vec::new() };
    redacted_changes(&field_changes(base, &row.live), &[base, &row.live])
}

/// Prints `row`.
pub(super) fn print(row: &LiveRow, standing: &Standing, out: &Out) {
    let drift = drift(row);
    let waits = standing.get(&row.key.to_string());
    if out.is_json() {
        return out.json(&json!({
            "formatVersion": "1.0", "kind": row.key.kind, "name": row.key.name, "uid": row.uid, "state": state(row, standing), "waiting": waits,
            "partner": row.partner, "protected": row.protected, "generation": row.generation, "revision": row.revision,
            "appliedCommit": row.applied_commit, "appliedFile": row.applied_file, "appliedSeq": row.applied_seq,
            "tombstonedAt": row.tombstoned_at, "createdAt": row.created_at, "updatedAt": row.updated_at,
            "live": redacted(&row.live), "base": row.base.as_ref().map(redacted), "drift": drift,
        }));
    }
    let paper = out.paper();
    let mut lines = Lines::default();
    lines.add("# object", paper.paint(Style::Heading, &row.key.to_string()));
    lines.add("# state", state(row, standing));
    if let Some(waits) = waits {
        lines.add("# waits", format!("{}; lifted by {}", waits.why.message, waits.why.lifted_by));
    }
    if let Some(commit) = &row.applied_commit {
        let file = row.applied_file.as_deref().map(|file| format!(" of {file}")).unwrap_or_default();
        lines.add("# applied", format!("generation {} from {}{file}", row.generation, short(commit)));
    }
    if let Some(at) = row.updated_at {
        lines.add("# written", format!("{} (revision {}, uid {})", ago(at, paper.now), row.revision, row.uid));
    }
    let mut parts = vec![format!("{}\n{}", lines.render(&paper), masked_yaml(&row.live).join("\n"))];
    if !drift.is_empty() {
        parts.push(format!(
            "# by hand since it was applied (pintle why {})\n{}",
            row.key,
            change_lines(&drift, &paper).join("\n")
        ));
    }
    out.text(&parts.join("\n\n"));
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    #[test]
    fn a_row_set_by_hand_says_which_field() {
        let row = row(r#"{"spec":{"lifecycle":"suspended"}}"#, Some(r#"{"spec":{"lifecycle":"active"}}"#));
        let drift = drift(&row);
        assert_eq!((drift.len(), drift[0].path.to_string().as_str()), (1, "spec.lifecycle"));
    }
}
