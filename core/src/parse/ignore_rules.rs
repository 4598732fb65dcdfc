//! Which paths are documents: `*.yaml` and `*.yml` outside dot-folders, less `.pintle/ignore`.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The rules of `.pintle/ignore`, in gitignore syntax.
#[derive(Debug, Clone)]
pub struct IgnoreRules(Option<Gitignore>);

impl IgnoreRules {
    /// No rule.
    pub fn none() -> Self {
        Self(None)
    }

    /// Reads the text of `.pintle/ignore`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            builder.add_line(None, line).map_err(|error| error.to_string())?;
        }
        builder.build().map(|rules| Self(Some(rules))).map_err(|error| error.to_string())
    }

    /// Whether `path` is hidden from the reconciler.
    pub fn hides(&self, path: &str) -> bool {
        self.0.as_ref().is_some_and(|rules| rules.matched_path_or_any_parents(path, false).is_ignore())
    }
}

/// Whether a file at `path` holds documents, ignore rules aside.
pub fn is_document_path(path: &str) -> bool {
    let yaml = path.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && matches!(end, "yaml" | "yml"));
    yaml && !path.split('/').any(|part| part.starts_with('.'))
}
