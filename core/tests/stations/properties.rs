//! What holds for every input.

use super::documents::Files;
use super::world::World;
use pintle_core::change::{Digest, Number, Value, encode};
use pintle_core::diagnostic::{Drawing, draw};
use pintle_core::diff::{Action, PendingJob};
use pintle_core::parse::parse_file;
use pintle_core::plan::Reason;
use pintle_core::resolve::{Sources, diagnose};
use proptest::prelude::*;

const SOUND: &str = "# a fleet\napiVersion: pintle/v1\nkind: Instance\nmetadata: {name: acme-prod, labels: {tier: gold}}\nspec:\n  type: shared-saas\n  resources: {cpu: 0.5, memory: \"8Gi\"}\n  config:\n    text: |\n      line\n      ünï\n    list:\n    - 1\n    - {a: null}\n---\napiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec: {displayName: 'Acme'}\n";

/// Characters that mean something to YAML, or to a terminal.
fn spice() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            ":", "- ", "? ", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&a ", "*a", "!t ", "<<: ", "#", "%", "@",
            "`", "\t", "\n", "\r", "---\n", "...\n", "\u{202e}", "\u{feff}", "\u{0}", "\\x1b", "~", "  "
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ]
}

/// The sound file with some places overwritten, cut out or doubled.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0_usize..12, spice(), any::<bool>());
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        edits.into_iter().fold(SOUND.to_owned(), |text, (at, length, insert, twice)| {
            let characters: Vec<char> = text.chars().collect();
            let from = at.index(characters.len() + 1);
            let to = (from + length).min(characters.len());
            let cut: String = if twice { characters[from..to].iter().collect() } else { String::new() };
            characters[..from]
                .iter()
                .chain(insert.chars().collect::<Vec<_>>().iter())
                .chain(cut.chars().collect::<Vec<_>>().iter())
                .chain(&characters[if twice { from } else { to }..])
                .collect()
        })
    })
}

/// Parses, resolves, locates and draws; all of it ends, with something bounded.
fn survives(bytes: &[u8]) {
    let parsed = parse_file(bytes);
    // One sign may begin a document, and a document's envelope may lack four things.
    assert!(parsed.errors.len() <= 4 * (bytes.len() + 1) && parsed.documents.len() <= bytes.len());
    let files = Files::one(bytes);
    let told = diagnose(&files.tree(), &files.resolved().problems, &files);
    for one in told {
        let source = files.text(&one.location.file);
        draw(&one, source.as_deref(), Drawing { colour: false, width: 80 });
        assert!(
            one.location.line as usize <= bytes.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count() + 1,
            "{}",
            one.location
        );
    }
}

#[test]
fn what_once_was_not_read_to_an_end_is() {
    for text in ["? ", "?", "? \n", "? a", "?\n: b", "? [a]\n: b", "a:\n  ? "] {
        survives(text.as_bytes());
    }
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", |one| Number::try_from(one).ok()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?"
            .prop_filter_map("finite", |text| Number::parse(&text))
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        ".{0,8}".prop_map(|text: String| Value::string(text))
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let map = proptest::collection::vec((".{0,4}".prop_map(String::into_boxed_str), inner.clone()), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(Value::List),
            map.prop_map(|entries| Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
        ]
    })
}

/// Documents in short of a random fleet; every reference resolves.
fn fleet() -> impl Strategy<Value = Vec<String>> {
    let partners = proptest::collection::btree_map(0_u8..6, (0_u8..3, any::<bool>()), 1..5);
    let instances = proptest::collection::btree_map(0_u8..8, (any::<prop::sample::Index>(), 1_u8..4), 0..8);
    let settings = proptest::collection::btree_map("[a-c]\\.[a-c]", 0_u8..3, 1..5);
    (partners, instances, settings).prop_map(|(partners, instances, settings)| {
        let names: Vec<u8> = partners.keys().copied().collect();
        let mut lines: Vec<String> = partners
            .iter()
            .map(|(name, (text, protect))| {
                let protect = if *protect { " [annotations: {pintle/protect: \"true\"}]" } else { "" };
                format!("Partner/p{name}{protect}: {{displayName: P{text}}}")
            })
            .collect();
        for (name, (owner, cpu)) in instances {
            let owner = names[owner.index(names.len())];
            lines.push(format!(
                "Instance/i{name}: {{type: partner-deployed, partner: p{owner}, resources: {{cpu: {cpu}}}}}"
            ));
            lines.push(format!("Tenant/t{name}: {{partner: p{owner}, instance: i{name}, displayName: T}}"));
        }
        let settings: Vec<String> = settings.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        lines.push(format!("PlatformConfig/all: {{settings: {{{}}}}}", settings.join(", ")));
        lines
    })
}

fn files(lines: &[String]) -> Files {
    Files::short(&lines.join("\n"))
}

/// A world in which `before` was applied, and then every row that `edits` picks was changed.
fn world(before: &[String], edits: &[prop::sample::Index]) -> World {
    let mut world = World::default();
    let plan = world.plan(&files(before).resolved());
    world.apply(&plan);
    for edit in edits {
        let at = edit.index(world.rows.len());
        let row = world.rows.values_mut().nth(at).unwrap();
        row.revision += 1;
        row.live
            .as_map_mut()
            .unwrap()
            .get_mut("spec")
            .unwrap()
            .as_map_mut()
            .unwrap()
            .insert("edited", Value::Bool(true));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
    }

    #[test]
    fn any_text_of_yaml_signs_is_read_to_an_end(parts in proptest::collection::vec(spice(), 0..60)) {
        survives(parts.concat().as_bytes());
    }

    #[test]
    fn a_damaged_file_is_read_to_an_end(text in mutated()) {
        survives(text.as_bytes());
    }

    #[test]
    fn a_value_survives_json_with_its_digest(value in value()) {
        let value = value.normalised();
        let text = serde_json::to_string(&value).unwrap();
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(Digest::of_value(&back), Digest::of_value(&value));
        prop_assert_eq!(Value::from(&serde_json::Value::from(&value)), value);
    }

    #[test]
    fn different_values_have_different_bytes(one in value(), other in value()) {
        let bytes = |value: &Value| { let mut out = Vec::new(); encode::value(value, &mut out); out };
        prop_assert_eq!(one == other, bytes(&one) == bytes(&other));
        let (alone, together) = (Value::List(vec![one.clone(), other.clone()]), Value::List(vec![Value::List(vec![one, other])]));
        prop_assert_ne!(bytes(&alone), bytes(&together));
    }

    #[test]
    fn a_plan_is_a_function_of_what_is_there(before in fleet(), after in fleet(), edits in proptest::collection::vec(any::<prop::sample::Index>(), 0..4), seed in any::<prop::sample::Index>()) {
        let mut world = world(&before, &edits);
        let desired = files(&after).resolved();
        prop_assert!(!desired.has_errors());
        let keys: Vec<_> = desired.objects.iter().map(|object| (object.key.clone(), object.digest)).collect();
        world.jobs = keys.iter().zip(1..).step_by(3).flat_map(|((key, target), id)| {
            let job = PendingJob { id, key: key.clone(), target: Some(*target), running: false, dead: true, dead_since: None, error: None };
            [PendingJob { id: id + 1000, running: id % 2 == 0, dead: id % 2 == 1, ..job.clone() }, job]
        }).collect();
        let plan = serde_json::to_string(&world.plan(&desired)).unwrap();
        prop_assert_eq!(&plan, &serde_json::to_string(&world.plan(&desired)).unwrap());

        let mut shuffled = after.clone();
        shuffled.rotate_left(seed.index(after.len()));
        shuffled.reverse();
        world.jobs.reverse();
        prop_assert_eq!(&plan, &serde_json::to_string(&world.plan(&files(&shuffled).resolved())).unwrap());
    }

    #[test]
    fn after_a_plan_is_applied_the_next_is_empty(before in fleet(), after in fleet(), edits in proptest::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let mut world = world(&before, &edits);
        let desired = files(&after).resolved();
        let plan = world.plan(&desired);
        world.apply(&plan);
        let next = world.plan(&desired);
        prop_assert!(next.is_empty(), "{:?}", next.steps());
        let lasting = |reason: &Reason| matches!(reason, Reason::Protected | Reason::Grace { .. } | Reason::Dependency { .. });
        prop_assert!(next.waiting().iter().all(|one| lasting(&one.reason)));
    }

    #[test]
    fn a_tree_with_a_fault_deletes_nothing(before in fleet(), after in fleet(), at in any::<prop::sample::Index>(), fault in 0_usize..6) {
        let world = world(&before, &[]);
        let mut damaged = files(&after);
        let (path, text) = damaged.0.iter().nth(at.index(damaged.0.len())).map(|(path, text)| (path.clone(), String::from_utf8(text.clone()).unwrap())).unwrap();
        let text = match fault {
            0 => text.replace("spec: {", "spec: ["),
            1 => text.replace("spec: {", "spec: {unknown: 1, "),
            2 => text.replace("kind: ", "kind: X"),
            3 => format!("{text}  \t- x\n"),
            4 => text.split_once("spec").unwrap().0.to_owned(),
            _ => text.replace("apiVersion", "apiVersio"),
        };
        damaged.0.insert(path, text.into_bytes());
        let desired = damaged.resolved();
        prop_assert!(desired.has_errors());
        prop_assert!(world.plan(&desired).steps().iter().all(|step| step.change.action != Action::Delete));
    }
}

#[test]
fn an_empty_tree_deletes_nothing() {
    let world = world(&["Partner/p: {displayName: P}".to_owned()], &[]);
    assert!(world.plan(&Files::short("").resolved()).is_empty());
}
