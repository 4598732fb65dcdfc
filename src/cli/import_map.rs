//! The map of `pintle import --from FILE --map FILE`: a document with `{column}` in its values, and
//! words that are translated.
//!
//! ```yaml
//! kind: Instance
//! name: "{slug}"
//! labels: {tier: "{plan}"}
//! spec: {type: partner-deployed, partner: "{owner}", resources: {cpu: "{cpus}", memory: "{ram}Gi"}}
//! translate: {plan: {premium: gold, basic: silver}}
//! ```
//!
//! A value that is one column and nothing else has the type that YAML gives its text; a field whose
//! columns are all empty is left out.

use super::CliError;
use super::import::Import;
use pintle_core::change::{Map, ObjectKey, Value};
use pintle_core::parse::{Limits, read_documents, value_of_plain};
use std::collections::BTreeMap;
use std::path::Path;

type Record = BTreeMap<String, String>;

/// The documents that the records of `from` become under `map`.
pub(super) fn records(from: &Path, map: &Path) -> Result<Vec<Import>, CliError> {
    let text = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| {
            CliError::because(format!("{} cannot be read", path.display()), error).hint("it must be a UTF-8 text file")
        })
    };
    let (mut documents, errors) = read_documents(&text(map)?, Limits::default());
    if let Some(error) = errors.first() {
        let place = format!("{}:{}:{}", map.display(), error.span.line, error.span.column);
        return Err(CliError::new(format!("{place}: {}", error.message)));
    }
    let map = documents.pop().map(|(value, _)| value).unwrap_or_default();
    let records =
        if from.extension().is_some_and(|end| end == "json") { json(&text(from)?) } else { csv(&text(from)?) };
    let records = records.map_err(|why| {
        CliError::new(format!("{}: {why}", from.display()))
            .hint("a CSV file with a header line, or a JSON list of objects")
    })?;
    let mut all = Vec::with_capacity(records.len());
    let mut wrong = Vec::new();
    for (number, record) in records.iter().enumerate() {
        match import(&map, record) {
            Ok(one) => all.push(one),
            Err(why) => wrong.push(format!("record {}: {why}", number + 1)),
        }
    }
    if wrong.is_empty() {
        Ok(all)
    } else {
        Err(CliError::new(wrong.join("\n")).hint("the map names columns as {column}"))
    }
}

fn import(map: &Value, record: &Record) -> Result<Import, String> {
    let translated = translated(map, record);
    let filled = |key: &str| map.get(key).map(|value| fill(value, &translated)).transpose();
    let kind = map.get("kind").and_then(Value::as_str).ok_or("the map has no `kind`")?;
    let name = filled("name")?.flatten().ok_or("the map gives it no `name`")?;
    let name = name.as_str().map_or_else(|| pintle_core::render::inline(&name), str::to_owned);
    let part = |key: &str| filled(key).map(|value| value.flatten().unwrap_or_else(Value::map));
    Ok(Import {
        key: ObjectKey::new(kind, name),
        labels: text_of(part("labels")?),
        annotations: text_of(part("annotations")?),
        spec: part("spec")?,
    })
}

/// Labels and annotations are text.
fn text_of(map: Value) -> Value {
    let Value::Map(map) = map else { return Value::map() };
    let text = |value: Value| {
        if value.as_str().is_some() { value } else { Value::string(pintle_core::render::inline(&value)) }
    };
    Value::Map(map.into_iter().map(|(key, value)| (key, text(value))).collect())
}

fn translated(map: &Value, record: &Record) -> Record {
    let mut record = record.clone();
    for (column, words) in map.get("translate").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        let word = record.get(column).and_then(|text| words.get(text)).and_then(Value::as_str).map(str::to_owned);
        if let Some(word) = word {
            record.insert(column.to_owned(), word);
        }
    }
    record
}

/// `None`: every column that it names is empty.
fn fill(value: &Value, record: &Record) -> Result<Option<Value>, String> {
    Ok(match value {
        Value::String(text) => fill_text(text, record)?,
        Value::List(items) => {
            let filled = items.iter().map(|item| fill(item, record)).collect::<Result<Vec<_>, _>>()?;
            Some(Value::List(filled.into_iter().flatten().collect()))
        }
        Value::Map(map) => {
            let mut filled = Map::default();
            for (key, inner) in map.iter() {
                if let Some(inner) = fill(inner, record)? {
                    filled.insert(key, inner);
                }
            }
            (map.is_empty() || !filled.is_empty()).then_some(Value::Map(filled))
        }
        other => Some(other.clone()),
    })
}

fn fill_text(text: &str, record: &Record) -> Result<Option<Value>, String> {
    let (mut out, mut rest, mut columns, mut empty) = (String::new(), text, 0, 0);
    while let Some((before, after)) = rest.split_once('{') {
        let (column, after) =
            after.split_once('}').ok_or_else(|| format!("`{text}` opens a brace and does not close it"))?;
        let value = record.get(column).ok_or_else(|| format!("there is no column `{column}`"))?;
        out.push_str(before);
        out.push_str(value);
        columns += 1;
        empty += usize::from(value.is_empty());
        rest = after;
    }
    if columns > 0 && columns == empty {
        return Ok(None);
    }
    out.push_str(rest);
    let alone = columns == 1 && text.starts_with('{') && text.ends_with('}');
    Ok(Some(if alone { value_of_plain(&out) } else { Value::string(out) }))
}

fn csv(text: &str) -> Result<Vec<Record>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error: csv::Error| error.to_string())
}

fn json(text: &str) -> Result<Vec<Record>, String> {
    let records: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let plain = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    Ok(records.into_iter().map(|one| one.into_iter().map(|(key, value)| (key, plain(value))).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "kind: Instance\nname: \"{slug}\"\nlabels: {tier: \"{plan}\", size: \"{cpus}\"}\nspec: {type: partner-deployed, partner: \"{owner}\", resources: {cpu: \"{cpus}\", memory: \"{ram}Gi\"}, update: {channel: \"{channel}\"}}\ntranslate: {plan: {premium: gold}}\n";

    fn told(map: &str, file: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (from, path) = (folder.path().join(file), folder.path().join("map.yaml"));
        std::fs::write(&from, text).unwrap();
        std::fs::write(&path, map).unwrap();
        match records(&from, &path) {
            Err(error) => format!("{error:?}"),
            Ok(all) => all
                .iter()
                .map(|one| {
                    format!(
                        "{} {} {}\n",
                        one.key,
                        pintle_core::render::inline(&one.labels),
                        pintle_core::render::inline(&one.spec)
                    )
                })
                .collect(),
        }
    }

    #[test]
    fn a_record_becomes_a_document_and_empty_columns_leave_their_fields_out() {
        let csv = "slug,plan,owner,cpus,ram,channel\na, premium ,acme,4,8,\nb,basic,acme,0.5,16,stable\n";
        let expected = "Instance/a {size: \"4\", tier: gold} {partner: acme, resources: {cpu: 4, memory: 8Gi}, type: partner-deployed}\n\
            Instance/b {size: \"0.5\", tier: basic} {partner: acme, resources: {cpu: 0.5, memory: 16Gi}, type: partner-deployed, update: {channel: stable}}\n";
        assert_eq!(told(MAP, "a.csv", csv), expected);
        let json = r#"[{"slug": "a", "plan": "premium", "owner": "acme", "cpus": 4, "ram": 8, "channel": null}, {"slug": "b", "plan": "basic", "owner": "acme", "cpus": 0.5, "ram": 16, "channel": "stable"}]"#;
        assert_eq!(told(MAP, "a.json", json), expected);
    }

    #[test]
    fn every_record_that_cannot_be_mapped_is_told() {
        let told = told("kind: Suite\nname: \"{nme}\"\n", "a.csv", "name\na\nb\n");
        assert!(told.contains("record 1: there is no column `nme`") && told.contains("record 2"), "{told}");
    }
}
