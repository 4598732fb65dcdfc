//! `pintle validate`: the documents of a folder as they are on disk.

use super::mistakes::exit;
use super::{CliError, Exit, Format, Out};
use crate::reconcile::all_diagnostics;
use crate::source::load_folder;
use pintle_core::model::Catalog;
use pintle_core::render::{diagnostics_human, diagnostics_markdown};
use pintle_core::resolve::resolve;
use std::path::PathBuf;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct ValidateArgs {
    /// The folder of the state repository
    #[arg(default_value = ".")]
    path: PathBuf,
}

/// Prints every diagnostic; fails if one is an error.
pub fn run(args: &ValidateArgs, out: &Out) -> Result<Exit, CliError> {
    let loaded = load_folder(&args.path).map_err(|error| CliError::because("the folder cannot be read", error))?;
    let resolved = resolve(&loaded.tree, Catalog::standard(), None, jiff::Timestamp::now());
    let diagnostics = all_diagnostics(&loaded, &resolved);
    let checked = loaded.checked();
    let documents = checked.documents;
    match out.format {
        Format::Json => {
            out.json(&serde_json::json!({"formatVersion": "1.0", "documents": documents, "diagnostics": diagnostics}));
        }
        Format::Markdown => out.text(&diagnostics_markdown(&diagnostics, &loaded.texts, checked)),
        Format::Human if diagnostics.is_empty() => out.text(&format!("{documents} documents are sound.")),
        Format::Human => out.text(&diagnostics_human(&diagnostics, &loaded.texts, checked, &out.paper())),
    }
    Ok(exit(&diagnostics))
}
