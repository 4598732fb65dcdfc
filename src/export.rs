//! Lines of an export of the audit log. It refuses to choose records, and to write anywhere.

use crate::store::records::StoredRecord;
use serde_json::Value;
use std::io::Write;

/// The columns of comma-separated values.
pub const COLUMNS: [&str; 18] = [
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

/// `Kind/name` of a leaf, if it has a resource.
pub fn object(leaf: &Value) -> String {
    let text = |key: &str| leaf["resource"][key].as_str().unwrap_or_default();
    if leaf["resource"].is_null() { String::new() } else { format!("{}/{}", text("kind"), text("name")) }
}

/// Who approved it: each person once, the author marked; who acted, when nobody had to approve.
pub fn who(leaf: &Value) -> String {
    let mut people: Vec<String> = Vec::new();
    for approval in leaf["approvals"].as_array().into_iter().flatten() {
        let author = if approval["role"] == "author" { " (author)" } else { "" };
        let one = format!("{}{author}", approval["person"].as_str().unwrap_or_default());
        if !people.contains(&one) {
            people.push(one);
        }
    }
    if people.is_empty() { leaf["actor"]["id"].as_str().unwrap_or_default().to_owned() } else { people.join(", ") }
}

/// The leaf byte for byte as it was hashed, so that the export can be verified.
pub fn json_line(record: &StoredRecord, sealed: bool) -> Vec<u8> {
    let mut line = b"{\"formatVersion\":\"1.0\",\"leaf\":".to_vec();
    line.extend(&record.leaf);
    if sealed && let (Some(salt), Some(sealed)) = (&record.salt, &record.sealed) {
        line.extend(format!(",\"salt\":\"{}\",\"sealed\":", hex::encode(salt)).bytes());
        line.extend(sealed);
    }
    line.extend(b"}\n");
    line
}

/// A record's line of comma-separated values.
pub fn row(csv: &mut csv::Writer<Vec<u8>>, record: &StoredRecord, output: &mut impl Write) -> std::io::Result<()> {
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
