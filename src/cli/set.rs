//! `pintle set` and `pintle promote`: fields of documents, edited in the work tree with their comments
//! kept. What they write is a change like any other: planned, approved, applied by the daemon.

use super::edits::{Edits, WriteArgs};
use super::selector::{label, selector};
use super::{CliError, Exit, Out};
use pintle_core::change::{FieldPath, ObjectKey, Value};
use pintle_core::model::guard::Subject;
use pintle_core::parse::{Limits, read_documents};
use pintle_core::render::plural;

/// What, to which.
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// KIND or KIND/NAME, and fields: PATH=VALUE sets one, PATH- takes it out
    #[arg(value_name = "KIND | KIND/NAME | PATH=VALUE | PATH-", required = true)]
    words: Vec<String>,
    /// Only documents with these labels
    #[arg(short = 'l', long = "selector", env = "PINTLE_SELECTOR", value_name = "NAME=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    write: WriteArgs,
}

/// From which channel, to which.
#[derive(Debug, clap::Args)]
pub struct PromoteArgs {
    /// The channel whose target is taken
    from: String,
    /// The channel that gets it
    to: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// A field, and what it is to be.
struct Assignment {
    path: FieldPath,
    value: Option<Value>,
}

/// Edits every document that is meant.
pub fn set(args: &SetArgs, out: &Out) -> Result<Exit, CliError> {
    let (fields, objects): (Vec<&String>, Vec<&String>) = args.words.iter().partition(|word| is_field(word));
    let fields = fields.into_iter().map(|word| assignment(word)).collect::<Result<Vec<_>, _>>()?;
    if fields.is_empty() {
        return Err(CliError::new("no field is named").hint("PATH=VALUE, such as spec.resources.memory=16Gi"));
    }
    if objects.is_empty() && args.labels.is_empty() {
        return Err(CliError::new("no document is named").hint("KIND/NAME, KIND, or -l NAME=VALUE"));
    }
    let what = if objects.is_empty() { vec!["all"] } else { objects.iter().map(|word| word.as_str()).collect() };
    let meant = what.into_iter().map(|word| selector(word, &args.labels)).collect::<Result<Vec<_>, _>>()?;
    let mut edits = Edits::open(&args.write)?;
    let documents = edits.documents().to_vec();
    let mut found = 0;
    for (file, document) in &documents {
        let body = serde_json::Value::from(&document.body);
        let labels = body.pointer("/metadata/labels").map(ToString::to_string);
        let subject = Subject::new(&document.key, labels.as_deref(), None);
        if !meant.iter().any(|one| one.covers(&subject)) {
            continue;
        }
        found += 1;
        for field in &fields {
            edits.set(file, document, &field.path, field.value.as_ref())?;
        }
    }
    if found == 0 {
        return Err(
            CliError::new("no document is meant by that").hint("pintle get KIND -l NAME=VALUE lists what is live")
        );
    }
    let message = format!("Set {} of {}", args.words.join(" "), plural(found, "document"));
    edits.finish(&args.write, &message, out)
}

/// Gives one channel's target to another.
pub fn promote(args: &PromoteArgs, out: &Out) -> Result<Exit, CliError> {
    let mut edits = Edits::open(&args.write)?;
    let channel = |name: &str| ObjectKey::new("Channel", name);
    let (from, to) = (edits.document(&channel(&args.from))?.1, edits.document(&channel(&args.to))?);
    let path = FieldPath::dotted("spec.target");
    let component = |body: &Value| body.at(&["spec", "component"]).cloned();
    if component(&from.body) != component(&to.1.body) {
        return Err(CliError::new(format!("{} and {} are of different components", args.from, args.to)));
    }
    let Some(target) = from.body.at(&path.0).cloned() else {
        return Err(CliError::new(format!("Channel/{} names no target", args.from))
            .hint("a channel that follows a track has none: pintle get channels"));
    };
    edits.set(&to.0, &to.1, &path, Some(&target))?;
    let version = target.as_str().unwrap_or_default();
    edits.finish(&args.write, &format!("Promote {version} from {} to {}", args.from, args.to), out)
}

fn is_field(word: &str) -> bool {
    word.contains('=') || (word.ends_with('-') && word.contains('.'))
}

fn assignment(word: &str) -> Result<Assignment, CliError> {
    if let Some((path, text)) = word.split_once('=') {
        let (mut read, errors) = read_documents(text, Limits::default());
        let wrong = |why: String| {
            CliError::new(format!("the value of `{path}` cannot be read: {why}"))
                .hint("quote it as YAML: 'spec.config.motd=\"a: b\"'")
        };
        if let Some(error) = errors.first() {
            return Err(wrong(error.message.clone()));
        }
        let value = read.pop().map_or(Value::string(""), |(value, _)| value);
        return Ok(Assignment { path: FieldPath::dotted(path), value: Some(value) });
    }
    Ok(Assignment { path: FieldPath::dotted(word.trim_end_matches('-')), value: None })
}
