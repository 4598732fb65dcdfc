//! Rows of one kind as a table. Which fields tell is read from the kind's schema, not listed here.

use super::super::Out;
use super::super::standing::Standing;
use super::super::table::{Cell, Table, short};
use super::state;
use crate::store::rows::LiveRow;
use pintle_core::change::Value;
use pintle_core::model::KindDef;
use pintle_core::render::{Style, ago, flow, plural, redacted};
use serde_json::json;

/// Fields of spec that are shown, without and with `--wide`.
const FIELDS: (usize, usize) = (3, 8);

/// Prints `rows`.
pub(super) fn print(kind: &KindDef, rows: &[LiveRow], standing: &Standing, wide: bool, out: &Out) {
    if out.is_json() {
        let items: Vec<_> = rows.iter().map(|row| item(row, standing)).collect();
        return out.json(&json!({"formatVersion": "1.0", "kind": kind.name, "items": items}));
    }
    if rows.is_empty() {
        return out.text(&format!("No {} match.", kind.plural));
    }
    let paper = out.paper();
    let fields = telling(kind, rows, if wide { FIELDS.1 } else { FIELDS.0 });
    let mut head = vec!["object", "state", "partner"];
    head.extend(fields.iter().map(String::as_str));
    head.extend(["labels", "gen", "commit", "changed"]);
    head.extend(if wide { ["revision", "uid"].as_slice() } else { &[] });
    let mut table = Table::new(&head);
    for row in rows {
        let body = redacted(&row.live);
        let word = state(row, standing);
        let style = if word == "in sync" { Style::Added } else { Style::Warning };
        let partner = row.partner.as_deref().filter(|partner| *partner != &*row.key.name).unwrap_or_default();
        let mut cells: Vec<Cell> = vec![row.key.to_string().into(), Cell::from(word).styled(style), partner.into()];
        cells.extend(fields.iter().map(|field| Cell::from(scalar(body.at(&["spec", field])))));
        cells.push(labels(&body, wide).into());
        cells.push(row.generation.to_string().into());
        cells.push(row.applied_commit.as_deref().map(short).unwrap_or_default().into());
        cells.push(row.updated_at.map(|at| ago(at, paper.now)).unwrap_or_default().into());
        if wide {
            cells.extend([Cell::from(row.revision.to_string()), Cell::from(row.uid.to_string())]);
        }
        table.row(cells);
    }
    out.text(&table.render(&paper));
    let astray = rows.iter().filter(|row| state(row, standing) != "in sync").count();
    if astray > 0 && out.is_terminal() {
        out.text(&format!("\n{}, {astray} not in sync (pintle why KIND/NAME)", plural(rows.len() as i64, "row")));
    }
}

fn item(row: &LiveRow, standing: &Standing) -> serde_json::Value {
    let body = redacted(&row.live);
    json!({
        "kind": row.key.kind, "name": row.key.name, "uid": row.uid, "state": state(row, standing), "drifted": row.drifted,
        "waiting": standing.get(&row.key.to_string()), "protected": row.protected, "partner": row.partner,
        "generation": row.generation, "revision": row.revision, "appliedCommit": row.applied_commit, "appliedFile": row.applied_file,
        "tombstonedAt": row.tombstoned_at, "createdAt": row.created_at, "updatedAt": row.updated_at,
        "labels": body.get("labels"), "annotations": body.get("annotations"), "spec": body.get("spec"),
    })
}

/// The fields of spec that tell the rows apart: scalars, those that the schema requires first, and
/// among equals those that differ most.
fn telling(kind: &KindDef, rows: &[LiveRow], most: usize) -> Vec<String> {
    let spec = &kind.schema["properties"]["spec"];
    let required: Vec<&str> =
        spec["required"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let names = spec["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let mut scored: Vec<(bool, usize, &str)> = names
        .filter(|name| !matches!(*name, "description" | "partner" | "displayName"))
        .filter_map(|name| {
            let mut values: Vec<String> =
                rows.iter().map(|row| scalar(row.live.at(&["spec", name]))).filter(|text| !text.is_empty()).collect();
            values.sort_unstable();
            values.dedup();
            (!values.is_empty()).then_some((required.contains(&name), values.len(), name))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
    scored.into_iter().take(most).map(|(_, _, name)| name.to_owned()).collect()
}

fn scalar(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null | Value::List(_) | Value::Map(_)) => String::new(),
        Some(Value::String(text)) if text.chars().count() > 40 => String::new(),
        Some(Value::String(text)) => text.to_string(),
        Some(other) => flow(other),
    }
}

fn labels(body: &Value, wide: bool) -> String {
    let pairs: Vec<String> = body
        .get("labels")
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(|map| map.iter().map(|(key, value)| format!("{key}={}", scalar(Some(value)))))
        .collect();
    let text = pairs.join(",");
    if wide || text.chars().count() <= 40 { text } else { text.chars().take(39).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;
    use pintle_core::model::Catalog;

    #[test]
    fn required_scalars_that_differ_tell_first() {
        let rows = [
            row(r#"{"labels":{"tier":"gold"},"spec":{"type":"shared-saas","driver":"docker","config":{"a":1}}}"#, None),
            row(r#"{"labels":{},"spec":{"type":"partner-deployed","driver":"docker"}}"#, None),
        ];
        let fields = telling(Catalog::standard().kind("Instance").unwrap(), &rows, 2);
        assert_eq!(fields, ["type", "driver"]);
        assert_eq!(labels(&rows[0].live, false), "tier=gold");
    }
}
