//! One record whole: who, what, when, from where, before and after; and whether the sealed part is
//! the one that the leaf was written with.

use super::super::table::{Lines, short};
use super::super::{CliError, Exit, Out};
use crate::export::object;
use crate::store::Store;
use crate::store::ledger::JobFilter;
use crate::store::records::{RecordFilter, Seal, StoredRecord};
use pintle_core::change::{FieldChange, Value as Tree, field_changes};
use pintle_core::render::{Paper, Style, change_lines, redacted, redacted_changes, shown};
use serde_json::{Value, json};

/// Prints the record or records that `what` names.
pub(super) async fn show(store: &Store, what: &[String], out: &Out) -> Result<(), CliError> {
    let records = store.records(&filter(store, what).await?).await?;
    if records.is_empty() {
        return Err(CliError::new(format!("there is no record of {}", what.join(" "))).hint("pintle audit search"));
    }
    if out.is_json() {
        let items = records.iter().map(as_json).collect::<Result<Vec<_>, _>>()?;
        out.json(&json!({"formatVersion": "1.0", "records": items}));
    } else {
        let texts = records.iter().map(|record| human(record, &out.paper())).collect::<Result<Vec<_>, _>>()?;
        out.text(&texts.join("\n\n"));
    }
    if records.iter().any(|record| record.seal() == Seal::Broken) {
        return Err(CliError::new("a sealed part is not the one that its leaf was written with: somebody changed it")
            .hint("the leaf keeps the digest of what was written: find the part that has it in a backup, and see who may write to pintle's tables")
            .exit(Exit::Failure));
    }
    Ok(())
}

async fn filter(store: &Store, what: &[String]) -> Result<RecordFilter, CliError> {
    let wrong = || {
        CliError::new(format!("`{}` names no record", what.join(" ")))
            .hint("a record's id as pintle audit search prints it, or: job N")
    };
    if let [id] = what
        && let Ok(id) = id.parse()
    {
        return Ok(RecordFilter { id: Some(id), limit: Some(1), ..RecordFilter::default() });
    }
    let number = match what {
        [word, number] if word == "job" => number.as_str(),
        [one] => one.strip_prefix("job/").ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let id: i64 = number.parse().map_err(|_| wrong())?;
    // The job's object is indexed, its number is not.
    let job = store.jobs(&JobFilter { id: Some(id), limit: 1, ..JobFilter::default() }).await?.pop();
    let (kind, name) = job
        .as_ref()
        .and_then(|job| job.object.split_once('/'))
        .map(|(kind, name)| (kind.to_owned(), name.to_owned()))
        .unzip();
    Ok(RecordFilter { kind, name, job: Some(id), limit: Some(20), ..RecordFilter::default() })
}

/// Before and after, where the sealed part has them.
fn sides(record: &StoredRecord) -> Option<(Option<Tree>, Option<Tree>)> {
    let sealed: Value = serde_json::from_slice(record.sealed.as_deref()?).ok()?;
    let side = |key: &str| {
        Some(sealed[key].clone()).filter(|side| !side.is_null()).and_then(|side| serde_json::from_value(side).ok())
    };
    Some((side("before"), side("after")))
}

fn changes(before: Option<&Tree>, after: Option<&Tree>) -> Vec<FieldChange> {
    let empty = Tree::map();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    redacted_changes(&field_changes(before, after), &[before, after])
}

fn as_json(record: &StoredRecord) -> Result<Value, CliError> {
    let sides = sides(record);
    let (before, after) = sides.unwrap_or_default();
    let changes = changes(before.as_ref(), after.as_ref());
    Ok(
        json!({"leaf": record.json()?, "seal": record.seal(), "before": before.as_ref().map(redacted), "after": after.as_ref().map(redacted), "changes": changes}),
    )
}

fn human(record: &StoredRecord, paper: &Paper) -> Result<String, CliError> {
    let leaf = record.json()?;
    let mut lines = Lines::default();
    head(&leaf, &mut lines, paper);
    for approval in leaf["approvals"].as_array().into_iter().flatten() {
        let text = |key: &str| shown(approval[key].as_str().unwrap_or_default());
        let rules = approval["rules"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(shown)
            .collect::<Vec<_>>()
            .join(", ");
        lines.add(
            "approved",
            format!(
                "{}  {}  {}  {}  {rules}",
                text("person"),
                text("role"),
                short(&text("commit")),
                text("keyFingerprint")
            )
            .trim_end()
            .to_owned(),
        );
    }
    let (seal, style) = match record.seal() {
        Seal::None => ("there is none", Style::Muted),
        Seal::Matches => ("sha256(salt ‖ sealed) is what the leaf says", Style::Added),
        Seal::Broken => ("NOT what the leaf says: the sealed part was changed", Style::Removed),
        Seal::Erased => ("erased; the leaf keeps its hash", Style::Warning),
    };
    lines.add("sealed", paper.paint(style, seal));
    let mut parts = vec![lines.render(paper)];
    if let Some((before, after)) = sides(record) {
        let changes = changes(before.as_ref(), after.as_ref());
        let body =
            if changes.is_empty() { vec!["  nothing differs".to_owned()] } else { change_lines(&changes, paper) };
        parts.push(body.join("\n"));
    }
    Ok(parts.join("\n\n"))
}

fn head(leaf: &Value, lines: &mut Lines, paper: &Paper) {
    let text = |path: &str| {
        leaf.pointer(path)
            .filter(|value| !value.is_null())
            .map(|value| value.as_str().map_or_else(|| value.to_string(), shown))
    };
    let all =
        |paths: &[&str], between: &str| paths.iter().filter_map(|path| text(path)).collect::<Vec<_>>().join(between);
    lines.add(
        "record",
        format!(
            "{} ({}, writer {}, seq {})",
            all(&["/id"], ""),
            all(&["/stage"], ""),
            all(&["/writer"], ""),
            all(&["/seq"], "")
        ),
    );
    lines.add("time", all(&["/time"], ""));
    lines.add("action", paper.paint(Style::Bold, &all(&["/action"], "")));
    if !leaf["resource"].is_null() {
        let uid = text("/resource/uid").map(|uid| format!("  ({uid})")).unwrap_or_default();
        lines.add("object", format!("{}{uid}", paper.paint(Style::Heading, &shown(&object(leaf)))));
    }
    lines.add("outcome", all(&["/outcome/status", "/outcome/code"], " "));
    lines.add("actor", all(&["/actor/type", "/actor/id"], " "));
    let optional = [
        ("partner", all(&["/scope/partner"], "")),
        ("commit", all(&["/git/commit"], "")),
        ("file", all(&["/git/path", "/git/line"], ":")),
        ("actions", all(&["/git/actionDigest"], "")),
        ("job", text("/job/id").map(|id| format!("{id} (pintle jobs show {id})")).unwrap_or_default()),
        ("belongs to", all(&["/correlation"], "")),
        ("reason", all(&["/reason"], "")),
    ];
    optional.into_iter().filter(|(_, text)| !text.is_empty()).for_each(|(label, text)| lines.add(label, text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::change::Digest;

    fn record(sealed: &str, said: &str) -> StoredRecord {
        let leaf = json!({"id": "01a2", "stage": "effect", "action": "update", "actor": {"type": "system", "id": "pintle"}, "outcome": {"status": "ok", "code": null}, "approvals": [], "sealed": said,
            "resource": {"kind": "Instance", "name": "acme-prod", "uid": null}});
        StoredRecord {
            leaf: leaf.to_string().into_bytes(),
            salt: Some(vec![1; 16]),
            sealed: Some(sealed.as_bytes().to_vec()),
            recorded_at: None,
        }
    }

    #[test]
    fn before_and_after_are_shown_field_by_field_with_the_word_on_the_seal() {
        let sealed = r#"{"after":{"spec":{"a":2}},"before":{"spec":{"a":1}},"diff":[]}"#;
        let said = Digest::of(&[&[1; 16][..], sealed.as_bytes()].concat()).to_string();
        let paper = Paper::plain(100, jiff::Timestamp::UNIX_EPOCH);
        let text = human(&record(sealed, &said), &paper).unwrap();
        assert!(text.contains("~ spec.a  1 → 2") && text.contains("is what the leaf says"), "{text}");
        let text = human(&record(sealed, "00"), &paper).unwrap();
        assert!(text.contains("NOT what the leaf says"), "{text}");
    }
}
