//! Which objects people mean: everything, a kind, one object, those with a label.

use super::CliError;
use super::target::kind;
use pintle_core::diff::Selector;

/// What is selected by `all`, a kind or an object, and labels.
pub(super) fn selector(what: &str, labels: &[(String, String)]) -> Result<Selector, CliError> {
    let labels = labels.iter().cloned().collect();
    let (kind, name) = match what.split_once('/') {
        _ if matches!(what, "all" | "everything") => (None, None),
        Some((word, name)) => (Some(kind(word)?.name.to_owned()), Some(name.to_owned())),
        None => (Some(kind(what)?.name.to_owned()), None),
    };
    Ok(Selector { kind, name, labels })
}

/// Each of `texts`: `KIND`, `KIND/NAME`, or `NAME=VALUE` for a label.
pub(super) fn selectors(texts: &[String]) -> Result<Vec<Selector>, CliError> {
    texts
        .iter()
        .map(|text| label(text).map_or_else(|_| selector(text, &[]), |label| selector("all", &[label])))
        .collect()
}

/// A label as it stands on the command line.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_name_equals_value() {
        assert_eq!(label("tier=gold"), Ok(("tier".into(), "gold".into())));
        assert!(label("tier").is_err() && label("=gold").is_err());
    }
}
