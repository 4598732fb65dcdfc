//! `pintle import`: documents for what is there already: live rows that no document declares, or the
//! records of a CSV or JSON file under a map. What is written declares what is live, so that the
//! following plan changes nothing.

mod beneath;
#[cfg(test)]
mod tests;

use super::database::Database;
use super::edits::{Edits, WriteArgs};
use super::selector::{selector, selectors};
use super::{CliError, Exit, Out, import_map};
use crate::store::acceptance::SOURCE;
use pintle_core::change::{Map, ObjectKey, Value};
use pintle_core::diff::LiveState;
use pintle_core::model::Catalog;
use pintle_core::model::Kind;
use pintle_core::model::guard::Subject;
use pintle_core::model::platform_config::PlatformConfig;
use pintle_core::render::yaml;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// From where.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Only these: KIND, KIND/NAME, or a NAME=VALUE label
    #[arg(value_name = "SELECTOR")]
    what: Vec<String>,
    /// A CSV file with a header, or a JSON list of objects, instead of live rows
    #[arg(long, env = "PINTLE_FROM", value_name = "FILE", requires = "map")]
    from: Option<PathBuf>,
    /// What a record of that file becomes: a document in YAML with {column} in its values
    #[arg(long, env = "PINTLE_MAP", value_name = "FILE", requires = "from")]
    map: Option<PathBuf>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    write: WriteArgs,
}

/// A document to be.
pub(super) struct Import {
    pub key: ObjectKey,
    pub labels: Value,
    pub annotations: Value,
    pub spec: Value,
}

/// Writes a document for everything that has none.
pub async fn run(args: &ImportArgs, out: &Out) -> Result<Exit, CliError> {
    let found = match (&args.from, &args.map) {
        (Some(from), Some(map)) => import_map::records(from, map)?,
        _ => rows(args).await?,
    };
    let count = found.len();
    let mut edits = Edits::open(&args.write)?;
    let known: BTreeSet<ObjectKey> = edits.documents().iter().map(|(_, one)| one.key.clone()).collect();
    let mut fresh: Vec<Import> = found.into_iter().map(|one| named(one, &known)).collect();
    fresh.retain(|one| !known.contains(&one.key));
    if args.from.is_none() {
        beneath::take_away(&mut fresh, edits.files());
    }
    let mut taken = Vec::new();
    for one in &fresh {
        let file = place(one);
        if !edits.create(one.key.clone(), &file, text(one, &file)) {
            taken.push(file);
        }
    }
    if let Some(file) = taken.first() {
        return Err(CliError::new(format!("{file} is there already, and holds something else"))
            .hint("move it away, or declare it by hand"));
    }
    edits.finish(&args.write, &format!("Declare what is live: {count} objects"), out)
}

/// Settings have no name of their own: what is there already are other settings.
fn named(one: Import, known: &BTreeSet<ObjectKey>) -> Import {
    let is_free = |key: &ObjectKey| &*key.kind != PlatformConfig::NAME || !known.contains(key);
    let other = |number: usize| ObjectKey::new(PlatformConfig::NAME, format!("imported-{number}"));
    let names = std::iter::once(one.key.clone()).chain((2..).map(other));
    Import { key: names.into_iter().find(is_free).unwrap_or_else(|| one.key.clone()), ..one }
}

/// Live rows that Pintle never applied.
async fn rows(args: &ImportArgs) -> Result<Vec<Import>, CliError> {
    let wanted = if args.what.is_empty() { vec![selector("all", &[])?] } else { selectors(&args.what)? };
    let store = args.database.open().await?;
    let meant = |live: &LiveState| {
        let rows = live.objects.iter().filter(|row| row.applied.is_none() && row.tombstoned_at.is_none());
        let keys = rows.filter(|row| {
            let subject = Subject::new(&row.key, Some(&row.labels), None);
            wanted.iter().any(|one| one.covers(&subject))
        });
        keys.map(|row| row.key.clone()).collect()
    };
    let live = store.snapshot(SOURCE, meant).await?;
    let mut bodies: Vec<_> = live.bodies.into_iter().collect();
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    let part = |body: &Value, key: &str| body.get(key).cloned().unwrap_or_else(Value::map);
    let imports = bodies.into_iter().map(|(key, bodies)| {
        let body = bodies.live;
        Import {
            labels: part(&body, "labels"),
            annotations: part(&body, "annotations"),
            spec: part(&body, "spec"),
            key,
        }
    });
    Ok(settings_together(imports.collect()))
}

/// A setting is a row, and many are a document.
fn settings_together(imports: Vec<Import>) -> Vec<Import> {
    let (settings, mut others): (Vec<Import>, Vec<Import>) =
        imports.into_iter().partition(|one| &*one.key.kind == PlatformConfig::NAME);
    let mut map = Map::default();
    for one in &settings {
        map.insert(&*one.key.name, one.spec.get("value").cloned().unwrap_or_default());
    }
    if !map.is_empty() {
        let mut spec = Map::default();
        spec.insert("settings", Value::Map(map));
        others.push(Import {
            key: ObjectKey::new(PlatformConfig::NAME, "imported"),
            labels: Value::map(),
            annotations: Value::map(),
            spec: Value::Map(spec),
        });
    }
    others
}

/// Where the scaffold would put it.
fn place(one: &Import) -> String {
    let folder = Catalog::standard().kind(&one.key.kind).map_or("documents", |kind| kind.plural);
    let inner = match (
        &*one.key.kind,
        one.spec.get("partner").and_then(Value::as_str),
        one.spec.get("component").and_then(Value::as_str),
    ) {
        ("Tenant" | "Instance" | "Member", Some(partner), _) => format!("{partner}/"),
        ("Version", _, Some(component)) => format!("{component}/"),
        _ => String::new(),
    };
    format!("{folder}/{inner}{}.yaml", one.key.name)
}

fn text(one: &Import, file: &str) -> String {
    let kind = one.key.kind.to_lowercase();
    let up = "../".repeat(file.matches('/').count());
    let mut metadata = Map::default();
    metadata.insert("name", Value::string(&*one.key.name));
    for (key, map) in [("labels", &one.labels), ("annotations", &one.annotations)] {
        if map.as_map().is_some_and(|map| !map.is_empty()) {
            metadata.insert(key, map.clone());
        }
    }
    let mut document = Map::default();
    document.insert("apiVersion", Value::string("pintle/v1"));
    document.insert("kind", Value::string(&*one.key.kind));
    document.insert("metadata", Value::Map(metadata));
    document.insert("spec", one.spec.clone());
    let body = yaml(&Value::Map(document), &["apiVersion", "kind", "metadata", "spec"], &|_| None);
    format!("# yaml-language-server: $schema={up}schemas/{kind}.schema.json\n{body}")
}
