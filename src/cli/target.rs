//! What people name: a kind, an object, a commit. Suggests what was meant.

use super::CliError;
use pintle_core::change::ObjectKey;
use pintle_core::diagnostic::nearest;
use pintle_core::model::{Catalog, KindDef};

/// The kind that `word` names, in any case, singular or plural.
pub(super) fn kind(word: &str) -> Result<&'static KindDef, CliError> {
    let catalog = Catalog::standard();
    catalog.find(word).ok_or_else(|| {
        let lower = word.to_lowercase();
        let words: Vec<(String, &str)> = catalog
            .iter()
            .flat_map(|kind| [(kind.name.to_lowercase(), kind.plural), (kind.plural.to_lowercase(), kind.plural)])
            .collect();
        let meant = nearest(&lower, words.iter().map(|(word, _)| word.as_str()))
            .and_then(|near| words.iter().find(|(word, _)| word == near))
            .map(|(_, plural)| *plural);
        let kinds: Vec<&str> = catalog.iter().map(|kind| kind.plural).collect();
        let hint = meant.map_or_else(
            || format!("one of {}", kinds.join(", ")),
            |meant| format!("did you mean {meant}? Kinds: {}", kinds.join(", ")),
        );
        CliError::new(format!("there is no kind `{word}`")).hint(hint)
    })
}

/// An object as `Kind/name`, or kind and name apart.
pub(super) fn object(text: &str) -> Result<ObjectKey, CliError> {
    let Some((word, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty()) else {
        return Err(
            CliError::new(format!("`{text}` names no object")).hint("write KIND/NAME, such as Instance/acme-prod")
        );
    };
    Ok(ObjectKey::new(kind(word)?.name, name))
}

/// Whether `text` is written as an object of a known kind.
pub(super) fn is_object(text: &str) -> bool {
    text.split_once('/').is_some_and(|(word, name)| !name.is_empty() && Catalog::standard().find(word).is_some())
}

/// The full id of the commit that `revision` names in the repository at `repo`, if there is one; else
/// `revision` itself, when it can be the beginning of an id.
pub(super) fn commit(repo: &std::path::Path, revision: &str) -> Result<String, CliError> {
    if let Ok(oid) = crate::source::GitObjects::open(repo).and_then(|objects| objects.resolve(revision)) {
        return Ok(oid.to_string());
    }
    let digits = revision.to_ascii_lowercase();
    if (4..=40).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits);
    }
    Err(CliError::new(format!("`{revision}` names no commit in {}", repo.display()))
        .hint("give a commit id, or --repo PATH for names such as HEAD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_as_people_write_them() {
        for word in ["instance", "Instances", "INSTANCE"] {
            assert_eq!(kind(word).ok().map(|kind| kind.name), Some("Instance"), "{word}");
        }
        assert!(kind("widget").is_err());
        assert!(format!("{:?}", kind("instanse").err()).contains("did you mean instances?"));
    }

    #[test]
    fn objects_and_commits_are_told_apart() {
        assert!(is_object("instances/acme-prod") && !is_object("origin/main") && !is_object("41c09de"));
        assert_eq!(object("tenant/a").ok().map(|key| key.to_string()).as_deref(), Some("Tenant/a"));
        let nowhere = std::path::Path::new("/nowhere");
        assert_eq!(commit(nowhere, "41C09DE").ok().as_deref(), Some("41c09de"));
        assert!(commit(nowhere, "HEAD").is_err());
    }
}
