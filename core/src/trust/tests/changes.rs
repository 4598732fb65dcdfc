//! Cases: what a change set holds, and that its encoding has one reading.

use super::story::{REPO, Story, instance};
use crate::change::{Entry, Oid};
use crate::model::Catalog;
use crate::trust::{ChangeError, Memory, Session, TreeFault, change_id};
use proptest::prelude::*;

fn entries(story: &Story, old: Oid, new: Oid) -> Vec<String> {
    let mut memory = Memory::default();
    let mut session = Session::new(&story.store, Catalog::standard(), &mut memory);
    let set = session.change(old, new).unwrap();
    set.entries()
        .iter()
        .map(|entry| match entry {
            Entry::Element { value, added, .. } => format!("{entry} {} {value:?}", if *added { '+' } else { '-' }),
            Entry::File { old, new, .. } => {
                format!("{entry} {:o}→{:o}", old.map_or(0, |c| c.mode), new.map_or(0, |c| c.mode))
            }
            other => other.to_string(),
        })
        .collect()
}

type Edits<'a> = Vec<(&'a str, Option<&'a str>)>;
const A: &str = "instances/a.yaml";

#[test]
fn entries_say_what_changed_and_nothing_else() {
    let mut story = Story::default();
    let first = story.first;
    let a = instance("a", "silver", "8Gi");
    let domains = |list: &str| format!("{a}  network: {{domains: [{list}]}}\n");
    let with_domains = story.edit("alice", first, &[(A, Some(&domains("x.example, y.example")))]);
    let both = format!("{a}---\n{}", instance("b", "silver", "8Gi"));
    let created = instance("n", "silver", "1Gi");
    let hidden = format!("{A}\n");
    let commented = format!("# why\n{a}");
    let number = a.replace("memory: 8Gi", "cpu: 1");
    let float = a.replace("memory: 8Gi", "cpu: 1.0");
    let set = domains("y.example, z.example, y.example");
    let reordered = domains("y.example, x.example");
    let resources = vec!["Instance/a spec.resources.cpu", "Instance/a spec.resources.memory"];
    let cases: Vec<(&str, Oid, Edits<'_>, Vec<&str>)> = vec![
        ("nothing", first, vec![], vec![]),
        ("a field", first, vec![(A, Some(&number))], resources.clone()),
        ("a comment", first, vec![(A, Some(&commented))], vec!["Instance/a text"]),
        (
            "a move",
            first,
            vec![(A, None), ("instances/z.yaml", Some(&a))],
            vec!["Instance/a moved from instances/a.yaml to instances/z.yaml"],
        ),
        (
            "a move into another's file",
            first,
            vec![(A, None), ("instances/b.yaml", None), ("instances/z.yaml", Some(&both))],
            vec![
                "Instance/a moved from instances/a.yaml to instances/z.yaml",
                "Instance/b moved from instances/b.yaml to instances/z.yaml",
                "Instance/b text",
            ],
        ),
        ("deletion", first, vec![(A, None)], vec!["Instance/a deleted"]),
        (
            "hiding is deletion",
            first,
            vec![(".pintle/ignore", Some(&hidden))],
            vec!["Instance/a deleted", ".pintle/ignore 0→100644", "instances/a.yaml 0→100644"],
        ),
        ("creation", first, vec![("instances/n.yaml", Some(&created))], vec!["Instance/n created"]),
        ("another file", first, vec![("README.md", Some("bye\n"))], vec!["README.md 100644→100644"]),
        (
            "elements of a set",
            with_domains,
            vec![(A, Some(&set))],
            vec![
                "Instance/a spec.network.domains + String(\"z.example\")",
                "Instance/a spec.network.domains - String(\"x.example\")",
            ],
        ),
        ("order in a set", with_domains, vec![(A, Some(&reordered))], vec!["Instance/a text"]),
        ("a file of comments", first, vec![("notes.yaml", Some("# notes\n"))], vec!["notes.yaml 0→100644"]),
        ("spelling", first, vec![(A, Some(&float))], resources),
    ];
    for (case, base, edits, expected) in cases {
        let next = story.edit("alice", base, &edits);
        let mut found = entries(&story, base, next);
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_mode_alone_is_a_change() {
    let mut story = Story::default();
    for path in ["README.md", A] {
        let mut files = story.files[&story.first].clone();
        files.get_mut(path).unwrap().0 = 0o100_755;
        let next = story.raw_commit(Some("alice"), &[story.first], &files, "Mode\n");
        assert_eq!(entries(&story, story.first, next).len(), 1, "{path}");
    }
}

#[test]
fn change_ids_differ_wherever_the_meaning_does() {
    let mut story = Story::default();
    let first = story.first;
    let a = instance("a", "silver", "8Gi");
    let config = |text: &str| format!("{a}  config: {text}\n");
    let texts = [
        "{x: 1}",
        "{x: 1.0}",
        "{x: \"1\"}",
        "{x: null}",
        "{x: \"\"}",
        "{x: {}}",
        "{x: []}",
        "{}",
        "{x: true}",
        "{x: \"true\"}",
        "{\"x.y\": 1}",
        "{x: {y: 1}}",
        "{x: \"e\u{301}\"}",
        "{x: \"é\"}",
        "{x: [1, 2]}",
        "{x: [2, 1]}",
        "{x: [[1], 2]}",
    ];
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        let next = story.edit("alice", first, &[(A, Some(&config(text)))]);
        assert!(seen.insert(story.change(first, next)), "{text} has the id of another");
        assert_ne!(story.change(first, next), story.change(next, first), "{text}: there and back");
    }
    let mut memory = Memory::default();
    let next = story.raise("alice", first, "a", "9Gi");
    let id = story.change(first, next);
    let elsewhere =
        change_id(&mut Session::new(&story.store, Catalog::standard(), &mut memory), "another", first, next).unwrap();
    assert_ne!(id, elsewhere);
    assert_eq!(
        change_id(&mut Session::new(&story.store, Catalog::standard(), &mut memory), REPO, first, next).unwrap(),
        id
    );
}

#[test]
fn a_change_has_the_same_id_wherever_it_is_made() {
    let mut story = Story::default();
    let first = story.first;
    let there = story.raise("alice", first, "a", "9Gi");
    let moved = story.raise("bob", first, "b", "9Gi");
    let again = story.raise("carol", moved, "a", "9Gi");
    assert_eq!(story.change(first, there), story.change(moved, again));
}

#[test]
fn a_tree_without_a_meaning_has_no_change_set() {
    let mut story = Story::default();
    let first = story.first;
    let twin = instance("a", "gold", "1Gi");
    let cases = [
        ("x.yaml", "a: [", "does not parse"),
        ("x.yaml", "a: 1\na: 2\n", "duplicate key"),
        ("x.yaml", &twin, "twin"),
        ("x.yml", "a: !x 1", "tag"),
        ("x.yaml", "kind: Instance\n", "envelope"),
        (".pintle/Trust.yaml", "x", "case variant"),
    ];
    for (path, text, case) in cases {
        let next = story.edit("alice", first, &[(path, Some(text))]);
        let mut memory = Memory::default();
        let found = change_id(&mut Session::new(&story.store, Catalog::standard(), &mut memory), REPO, first, next);
        assert!(
            matches!(
                found,
                Err(ChangeError::Tree(
                    TreeFault::Document { .. } | TreeFault::DuplicateIdentity { .. } | TreeFault::PolicyTwin { .. }
                ))
            ),
            "{case}: {found:?}"
        );
        let verdict = story.verdict(next);
        assert_eq!(verdict.accepted.unwrap().commit(), first, "{case}");
        match verdict.refused {
            Some(refused) => assert_eq!((refused.reason.code.as_str(), case), ("PIN0519", "case variant")),
            None => assert_eq!(verdict.held.unwrap().reasons[0].code.as_str(), "PIN0513", "{case}"),
        }
    }
}

/// What may stand at one of a few paths.
const TEXTS: [&str; 7] = ["", "a: [", "ignore me", "a", "b", "c", "a\n---\nb"];
const PATHS: [&str; 8] =
    ["a.yaml", "b/a.yaml", "b/c.yaml", "b/d/e.yaml", ".pintle/ignore", "docs/x", "b/d", "versions/v.yaml"];

fn content(path: &str, text: &str) -> String {
    let one = |name: &str| match path {
        "versions/v.yaml" => format!(
            "apiVersion: pintle/v1\nkind: Version\nmetadata: {{name: {name}}}\nspec: {{component: platform, version: 1.0.0, stage: released}}\n"
        ),
        _ => instance(name, "silver", "1Gi"),
    };
    match text {
        "a" | "b" | "c" => one(text),
        "a\n---\nb" => format!("{}---\n{}", one("a"), one("b")),
        _ if path == ".pintle/ignore" => "b/c.yaml\n".into(),
        other => other.into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// A tree that is derived from the one before says what it says when it is read whole; and two
    /// trees have one change id from a third only if they are the same.
    #[test]
    fn what_is_remembered_never_changes_a_change_id(trees in prop::collection::vec(prop::collection::vec((0usize..8, 0usize..7, any::<bool>()), 0..7), 2..7)) {
        let mut story = Story::default();
        let first = story.first;
        let begin = story.files[&first].clone();
        let mut commits = vec![first];
        for tree in &trees {
            let mut files = story.files[commits.last().unwrap()].clone();
            for (path, text, gone) in tree {
                let path = PATHS[*path];
                // A file and a folder of one name cannot stand beside each other.
                files.retain(|have, _| !have.starts_with(&format!("{path}/")) && !path.starts_with(&format!("{have}/")));
                match gone {
                    true => drop(files.remove(path)),
                    false => drop(files.insert(path.into(), (0o100_644, content(path, TEXTS[*text]).into_bytes()))),
                }
            }
            files.extend(begin.iter().filter(|(path, _)| path.as_str() == crate::trust::POLICY_PATH).map(|(path, file)| (path.clone(), file.clone())));
            commits.push(story.raw_commit(Some("alice"), &[], &files, "x\n"));
        }
        let mut shared = Memory::default();
        let mut ids = Vec::new();
        for rev in &commits {
            let warm = change_id(&mut Session::new(&story.store, Catalog::standard(), &mut shared), REPO, first, *rev);
            let mut memory = Memory::default();
            let cold = change_id(&mut Session::new(&story.store, Catalog::standard(), &mut memory), REPO, first, *rev);
            prop_assert_eq!(&warm, &cold);
            ids.push(warm.ok());
        }
        for (one, left) in commits.iter().zip(&ids) {
            for (other, right) in commits.iter().zip(&ids) {
                if left.is_some() && left == right {
                    let mut memory = Memory::default();
                    let mut session = Session::new(&story.store, Catalog::standard(), &mut memory);
                    let empty = change_id(&mut session, REPO, first, first).unwrap();
                    prop_assert_eq!(change_id(&mut session, REPO, *one, *other).unwrap(), empty);
                }
            }
        }
    }
}
