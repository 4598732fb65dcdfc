//! `pintle render`: a document as it takes effect, and with `--origin` where each value comes from.

use super::judge::open_repository;
use super::{CliError, Exit, Out};
use crate::source::{LoadedTree, TreeLoader, load_folder};
use pintle_core::change::{FieldPath, ObjectKey, Value};
use pintle_core::diagnostic::nearest;
use pintle_core::model::Catalog;
use pintle_core::render::yaml;
use pintle_core::resolve::{Effective, Entry, Index, effective};
use std::path::PathBuf;

/// Which document, of which revision.
#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// `KIND/NAME`, or the name alone where only one kind has it
    #[arg(value_name = "KIND/NAME | NAME")]
    what: String,
    /// The state repository, or any folder with documents
    #[arg(long, env = "PINTLE_REPO", value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// A revision, instead of the files as they are on disk
    #[arg(long, env = "PINTLE_REV", value_name = "REV")]
    rev: Option<String>,
    /// Behind each value, the file and line that gave it, or `default`
    #[arg(long, env = "PINTLE_ORIGIN")]
    origin: bool,
}

const ORDER: &[&str] = &["apiVersion", "kind", "metadata", "spec"];

/// Prints it.
pub fn run(args: &RenderArgs, out: &Out) -> Result<Exit, CliError> {
    let loaded = load(args)?;
    let catalog = Catalog::standard();
    let index = Index::of(&loaded.tree, catalog, &mut Vec::new());
    let entry = find(&args.what, &index, catalog)?;
    let document = effective(entry, &index, catalog)
        .ok_or_else(|| CliError::new("its kind is not known").hint("pintle explain lists the kinds"))?;
    let origin = |path: &FieldPath| {
        document.source(path, &loaded.texts).map_or_else(|| "default".to_owned(), |source| source.to_string())
    };
    if out.is_json() {
        let mut answer = serde_json::json!({"formatVersion": "1.0", "object": entry.document.key.to_string(), "file": entry.file, "line": entry.document.line, "document": serde_json::Value::from(&document.document)});
        if args.origin {
            answer["origins"] = origins(&document, &origin);
        }
        out.json(&answer);
        return Ok(Exit::Success);
    }
    let note = |path: &FieldPath| args.origin.then(|| origin(path));
    out.text(&yaml(&document.document, ORDER, &note));
    Ok(Exit::Success)
}

fn load(args: &RenderArgs) -> Result<LoadedTree, CliError> {
    let bare = || open_repository(&args.repo).is_ok_and(|objects| objects.work_tree().is_none());
    let Some(rev) = args.rev.clone().or_else(|| bare().then(|| "HEAD".to_owned())) else {
        return load_folder(&args.repo).map_err(|error| {
            CliError::because("the folder cannot be read", error).hint("name another with --repo DIR")
        });
    };
    let objects = open_repository(&args.repo)?;
    let oid = objects.resolve(&rev).map_err(|error| {
        CliError::because(format!("`{rev}` names no commit here"), error).hint("git fetch, or name another")
    })?;
    TreeLoader::default()
        .load(&objects, oid)
        .map_err(|error| CliError::because("the tree cannot be read", error).hint("git fsck"))
}

/// The document that people mean by `KIND/NAME` or `NAME`.
fn find<'a>(what: &str, index: &'a Index, catalog: &Catalog) -> Result<&'a Entry, CliError> {
    let key = match what.split_once('/') {
        Some((kind, name)) => catalog.find(kind).map(|kind| ObjectKey::new(kind.name, name)),
        None => None,
    };
    if let Some(entry) = key.as_ref().and_then(|key| index.get(key)) {
        return Ok(entry);
    }
    let mut named = index.iter().filter(|entry| *entry.document.key.name == *what);
    match (named.next(), named.next()) {
        (Some(entry), None) => return Ok(entry),
        (Some(one), Some(two)) => {
            let keys: Vec<String> = [one, two]
                .into_iter()
                .chain(named)
                .map(|entry| format!("pintle render {}", entry.document.key))
                .collect();
            return Err(CliError::new(format!("several documents are called `{what}`")).hint(keys.join(", or ")));
        }
        (None, _) => {}
    }
    let name = what.rsplit('/').next().unwrap_or(what);
    let near = nearest(name, index.iter().map(|entry| &*entry.document.key.name));
    let found = near.and_then(|near| index.iter().find(|entry| *entry.document.key.name == *near));
    let hint = found.map_or_else(
        || format!("the tree holds {} documents; pintle validate lists what cannot be read", index.len()),
        |entry| format!("pintle render {}", entry.document.key),
    );
    Err(CliError::new(format!("there is no document `{what}`")).hint(hint))
}

/// `path → file:line` of every leaf.
fn origins(document: &Effective<'_>, origin: &dyn Fn(&FieldPath) -> String) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    leaves(&document.document, &mut FieldPath::default(), &mut |path| {
        all.insert(path.to_string(), origin(path).into());
    });
    all.into()
}

fn leaves(value: &Value, path: &mut FieldPath, visit: &mut dyn FnMut(&FieldPath)) {
    let children: Vec<(String, &Value)> = match value {
        Value::Map(map) => map.iter().map(|(key, inner)| (key.to_owned(), inner)).collect(),
        Value::List(items) => items.iter().enumerate().map(|(at, inner)| (at.to_string(), inner)).collect(),
        _ => Vec::new(),
    };
    if children.is_empty() {
        visit(path);
    }
    for (key, inner) in children {
        path.0.push(key);
        leaves(inner, path, visit);
        path.0.pop();
    }
}
