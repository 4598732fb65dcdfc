//! `pintle get`: live rows. A kind lists them; a name prints one whole, and what differs from its base.

mod list;
mod one;

pub(super) use one::drift;

use super::database::Database;
use super::selector::label;
use super::standing::Standing;
use super::{CliError, Exit, Out, Output, target};
use crate::store::rows::{LiveRow, Selection};
use pintle_core::change::{Map, Value};
use pintle_core::render::masked_yaml;
use std::collections::BTreeMap;

/// Which rows.
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    /// The kind, such as `instances`, or an object, such as `Instance/acme-prod`
    #[arg(value_name = "KIND")]
    kind: String,
    /// One of them, whole
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only those with these labels, such as `tier=gold,region=eu`
    #[arg(short = 'l', long, env = "PINTLE_SELECTOR", value_name = "LABEL=VALUE", value_delimiter = ',', value_parser = label)]
    selector: Vec<(String, String)>,
    /// Only those of this partner
    #[arg(long, env = "PINTLE_PARTNER", value_name = "NAME")]
    partner: Option<String>,
    /// More columns
    #[arg(long, env = "PINTLE_WIDE")]
    wide: bool,
    #[command(flatten)]
    database: Database,
}

/// Lists, or prints one.
pub async fn run(args: GetArgs, out: &Out) -> Result<Exit, CliError> {
    let (word, name) = match args.kind.split_once('/') {
        Some((word, name)) if args.name.is_none() => (word, Some(name)),
        _ => (args.kind.as_str(), args.name.as_deref()),
    };
    let kind = target::kind(word)?;
    let store = args.database.open().await?;
    let labels: BTreeMap<String, String> = args.selector.into_iter().collect();
    let selection = Selection { kind: kind.name, name, partner: args.partner.as_deref(), labels };
    let rows = store.rows(&selection).await?;
    let standing = Standing::read(&store, Some(kind.name), name).await?;
    let wide = args.wide || out.output == Output::Wide;
    match (name, rows.as_slice()) {
        (None, rows) if out.output == Output::Yaml => documents(rows, out),
        (Some(_), rows @ [_]) if out.output == Output::Yaml => documents(rows, out),
        (None, rows) => list::print(kind, rows, &standing, wide, out),
        (Some(_), [row]) => one::print(row, &standing, out),
        (Some(name), _) => return Err(missing(kind.name, name, &standing)),
    }
    Ok(Exit::Success)
}

/// The documents that would say what stands in `rows`.
fn documents(rows: &[LiveRow], out: &Out) {
    let documents: Vec<String> = rows.iter().map(|row| masked_yaml(&document(row)).join("\n")).collect();
    out.text(&documents.join("\n---\n"));
}

fn document(row: &LiveRow) -> Value {
    let mut metadata = Map::default();
    metadata.insert("name", Value::string(&*row.key.name));
    for part in ["labels", "annotations"] {
        let given = row.live.get(part).filter(|value| value.as_map().is_some_and(|map| !map.is_empty()));
        if let Some(value) = given {
            metadata.insert(part, value.clone());
        }
    }
    let mut document = Map::default();
    document.insert("apiVersion", Value::string("pintle/v1"));
    document.insert("kind", Value::string(&*row.key.kind));
    document.insert("metadata", Value::Map(metadata));
    document.insert("spec", row.live.get("spec").cloned().unwrap_or_else(Value::map));
    Value::Map(document)
}

fn missing(kind: &str, name: &str, standing: &Standing) -> CliError {
    let object = format!("{kind}/{name}");
    let error = CliError::new(format!("{object} is not live"));
    match standing.get(&object) {
        Some(waits) => error.hint(format!("it waits: {} (pintle why {object})", waits.why.message)),
        None => error.hint(format!("pintle get {kind} lists those that are; pintle why {object}")),
    }
}

/// How a row stands, in a word or two.
fn state(row: &LiveRow, standing: &Standing) -> String {
    let waits = standing.get(&row.key.to_string());
    match (row.tombstoned_at, waits) {
        (Some(_), _) => "tombstoned".to_owned(),
        (None, _) if row.base.is_none() => "unmanaged".to_owned(),
        (None, Some(waits)) if row.drifted => format!("drifted ({})", waits.why.code),
        (None, Some(waits)) => format!("waiting ({})", waits.why.code),
        (None, None) if row.drifted => "drifted".to_owned(),
        (None, None) => "in sync".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use pintle_core::change::ObjectKey;

    /// A row whose live and base sides are given as JSON.
    pub(in crate::cli) fn row(live: &str, base: Option<&str>) -> LiveRow {
        let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        LiveRow {
            key: ObjectKey::new("Instance", "acme-prod"),
            uid: uuid::Uuid::nil(),
            live: value(live),
            base: base.map(value),
            drifted: base.is_some_and(|base| base != live),
            protected: false,
            partner: Some("acme".into()),
            generation: 3,
            revision: 4,
            applied_commit: Some("8f3c1a2".repeat(6)[..40].to_owned()),
            applied_file: None,
            applied_seq: 2,
            tombstoned_at: None,
            created_at: None,
            updated_at: Some(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn a_row_is_printed_as_the_document_that_says_it() {
        let row = row(r#"{"labels":{"tier":"gold"},"annotations":{},"spec":{"lifecycle":"active"}}"#, None);
        let yaml = masked_yaml(&document(&row)).join("\n");
        let said = "apiVersion: pintle/v1\nkind: Instance\nmetadata: {labels: {tier: gold}, name: acme-prod}\nspec: {lifecycle: active}";
        assert_eq!(yaml, said);
    }

    #[test]
    fn a_row_is_in_sync_drifted_tombstoned_or_unmanaged() {
        let standing = Standing::default();
        assert_eq!(state(&row("{}", Some("{}")), &standing), "in sync");
        assert_eq!(state(&row(r#"{"spec":{}}"#, Some("{}")), &standing), "drifted");
        assert_eq!(state(&row("{}", None), &standing), "unmanaged");
        let gone = LiveRow { tombstoned_at: Some(jiff::Timestamp::UNIX_EPOCH), ..row("{}", Some("{}")) };
        assert_eq!(state(&gone, &standing), "tombstoned");
    }
}
