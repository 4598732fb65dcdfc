//! Which objects people mean: everything, a kind, one object, those with a label.

use super::CliError;
use super::target::kind;
use pintle_core::diff::Pause;
use std::collections::BTreeMap;

/// What is selected, in the form in which objects are held against it: nobody pauses anything here.
pub(super) fn selector(what: &str, labels: &[String]) -> Result<Pause, CliError> {
    let labels = labels.iter().map(|text| label(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
    let (kind, name) = match what.split_once('/') {
        _ if matches!(what, "all" | "everything") => (None, None),
        Some((word, name)) => (Some(kind(word)?.name.to_owned()), Some(name.to_owned())),
        None => (Some(kind(what)?.name.to_owned()), None),
    };
    Ok(Pause { id: 0, kind, name, labels, reason: String::new(), by: String::new(), until: None })
}

/// Each of `texts`: `KIND`, `KIND/NAME`, or `NAME=VALUE` for a label.
pub(super) fn selectors(texts: &[String]) -> Result<Vec<Pause>, CliError> {
    texts
        .iter()
        .map(|text| if text.contains('=') { selector("all", std::slice::from_ref(text)) } else { selector(text, &[]) })
        .collect()
}

fn label(text: &str) -> Result<(String, String), CliError> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| CliError::new(format!("`{text}` is no label")).hint("write NAME=VALUE, such as tier=gold"))?;
    Ok((name.to_owned(), value.to_owned()))
}
