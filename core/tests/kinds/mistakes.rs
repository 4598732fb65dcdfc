//! What people get wrong, and what they are told. One golden text for all kinds.

use pintle_core::model::Catalog;
use pintle_core::parse::{Limits, Part, read_documents};
use std::fmt::Write;

/// Each document is separated by `---` and begins with a comment that says what is wrong with it.
const MISTAKES: &str = include_str!("mistakes.yaml");

#[test]
fn typical_mistakes_are_told_plainly() {
    let (documents, errors) = read_documents(MISTAKES, Limits::default());
    assert!(errors.is_empty(), "{errors:?}");
    let mut told = String::new();
    for (body, _) in documents {
        let kind = Catalog::standard().kind(body.get("kind").unwrap().as_str().unwrap()).unwrap();
        let name = body.at(&["metadata", "name"]).unwrap().as_str().unwrap();
        let violations = kind.violations(&body);
        assert!(!violations.is_empty(), "{}/{name} has no mistake", kind.name);
        writeln!(told, "{}/{name}", kind.name).unwrap();
        for one in violations {
            let key = if one.part == Part::Key { " (key)" } else { "" };
            writeln!(told, "  {} {}{key}: {}", one.code, one.path, one.message).unwrap();
            for (word, text) in [("label", one.label), ("hint", one.hint)] {
                text.map_or(Ok(()), |text| writeln!(told, "    {word}: {text}")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_kind_has_a_mistake_here() {
    for kind in Catalog::standard().iter() {
        assert!(MISTAKES.contains(&format!("kind: {},", kind.name)), "none for {}", kind.name);
    }
}
