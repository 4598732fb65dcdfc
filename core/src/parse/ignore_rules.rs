//! Which paths are documents: `*.yaml` and `*.yml` outside dot-folders, less `.pintle/ignore`.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Bytes of `.pintle/ignore`.
const MAX_BYTES: usize = 64 << 10;
/// Lines of `.pintle/ignore`.
const MAX_LINES: usize = 1_000;

/// Where the rules stand in a tree.
pub const IGNORE_PATH: &str = ".pintle/ignore";

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
        if text.len() > MAX_BYTES || text.lines().count() > MAX_LINES {
            return Err(format!("it is larger than {} KiB or longer than {MAX_LINES} lines", MAX_BYTES >> 10));
        }
        let mut builder = GitignoreBuilder::new("");
        for (line, number) in text.lines().zip(1..) {
            if has_bare_brace(line) {
                return Err(format!(
                    "line {number}: `{{` and `}}` group nothing in gitignore syntax; \
                     give each alternative its own line, or write `\\{{` and `\\}}` for the characters"
                ));
            }
            builder.add_line(None, line).map_err(|error| format!("line {number}: {error}"))?;
        }
        builder.build().map(|rules| Self(Some(rules))).map_err(|error| error.to_string())
    }

    /// Whether `path` is hidden from the reconciler.
    pub fn hides(&self, path: &str) -> bool {
        self.0.as_ref().is_some_and(|rules| rules.matched_path_or_any_parents(path, false).is_ignore())
    }
}

/// A brace that no backslash escapes. To git it is a character like any other; globset opens a group
/// and goes one call deeper for each, so that a line of braces would end the process.
fn has_bare_brace(line: &str) -> bool {
    let mut escaped = false;
    let bare = |c: char| {
        let brace = !escaped && matches!(c, '{' | '}');
        escaped = c == '\\' && !escaped;
        brace
    };
    !line.starts_with('#') && line.chars().any(bare)
}

/// Whether a file at `path` holds documents, ignore rules aside.
pub fn is_document_path(path: &str) -> bool {
    let yaml = path.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && matches!(end, "yaml" | "yml"));
    yaml && !path.split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_braces_is_refused_by_its_number() {
        let error = IgnoreRules::parse(&format!("# {{ }}\ndrafts/\n{}\n", "{".repeat(60_000))).unwrap_err();
        assert!(error.starts_with("line 3: `{` and `}`"), "{error}");
        for bare in ["*.{yaml,yml}", "a}", "\\\\{a", "[{]", "!{a}", "\\#{"] {
            assert!(IgnoreRules::parse(bare).is_err(), "{bare}");
        }
    }

    #[test]
    fn escaped_braces_are_characters() {
        let rules = IgnoreRules::parse("a\\{b\\}.yaml\n").unwrap();
        assert!(rules.hides("x/a{b}.yaml") && !rules.hides("ab.yaml"));
    }

    #[test]
    fn a_pattern_that_does_not_parse_is_told_with_its_line() {
        let error = IgnoreRules::parse("drafts/\n\na\\\n").unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
    }

    #[test]
    fn a_file_beyond_its_bounds_is_refused() {
        assert!(IgnoreRules::parse(&"a\n".repeat(MAX_LINES)).is_ok());
        assert!(IgnoreRules::parse(&"a\n".repeat(MAX_LINES + 1)).is_err());
        assert!(IgnoreRules::parse(&"#".repeat(MAX_BYTES)).is_ok());
        assert!(IgnoreRules::parse(&"#".repeat(MAX_BYTES + 1)).is_err());
    }
}
