//! `pintle schema`: the published JSON Schemas, as the binary has them.

use super::{CliError, Exit, Out};
use pintle_core::diagnostic::nearest;
use pintle_core::model::{Catalog, Guard};
use pintle_core::render::plan_output_schema;

/// Whose schema.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// A kind, `guard` (.pintle/guard.yaml), or `plan` (what `pintle plan -o json` prints)
    #[arg(value_name = "KIND | guard | plan")]
    what: String,
}

/// Prints the schema: JSON in every format.
pub fn run(args: &SchemaArgs, out: &Out) -> Result<Exit, CliError> {
    let catalog = Catalog::standard();
    let schema = match (args.what.to_lowercase().as_str(), catalog.find(&args.what)) {
        ("guard", _) => Guard::schema().clone(),
        ("plan", _) => plan_output_schema(),
        (_, Some(kind)) => kind.schema.clone(),
        (word, None) => {
            let names: Vec<String> = catalog
                .iter()
                .map(|kind| kind.name.to_lowercase())
                .chain(["guard".to_owned(), "plan".to_owned()])
                .collect();
            let near = nearest(word, names.iter().map(String::as_str));
            let hint =
                near.map_or_else(|| format!("one of {}", names.join(", ")), |near| format!("pintle schema {near}"));
            return Err(CliError::new(format!("there is no schema of `{}`", args.what)).hint(hint));
        }
    };
    out.json(&schema);
    Ok(Exit::Success)
}
