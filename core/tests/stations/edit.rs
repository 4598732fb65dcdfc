//! A document's text, edited: what is asked for changes, and everything else stays as it was written.

use pintle_core::change::{FieldPath, Value};
use pintle_core::edit::{EditError, edit};
use pintle_core::parse::{Limits, read_documents};
use std::path::Path;

const FILE: &str = "# the head
apiVersion: pintle/v1
kind: Instance # what it is
metadata: {name: a, labels: {tier: gold}} # who
spec:
  type: shared-saas
  # about resources
  resources: {cpu: 4, memory: 8Gi}   # sized in May
  update:
    channel: stable   # the default
    windows:
      - night
      # weekends too
      - weekend

  config:
    motd: |
      Hello.
      # not a comment
    theme: \"a, b\"
---
kind: Profile
metadata:
  name: gold
spec: {appliesTo: Instance, values: {}}
";

fn value(yaml: &str) -> Value {
    read_documents(yaml, Limits::default()).0.pop().unwrap().0
}

/// Lines that differ, `-` and `+`.
fn told(index: usize, path: &str, to: Option<&str>) -> String {
    let to = to.map(value);
    match edit(FILE, index, &FieldPath::dotted(path), to.as_ref()) {
        Err(error) => format!("{error}\n"),
        Ok(text) => {
            let (old, new): (Vec<&str>, Vec<&str>) = (FILE.lines().collect(), text.lines().collect());
            let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}\n"));
            let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}\n"));
            gone.chain(come).collect()
        }
    }
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    let cases = [
        (0, "spec.resources.memory", Some("16Gi")),
        (0, "spec.update.channel", Some("early")),
        (0, "spec.config.theme", Some("dark")),
        (0, "spec.config.motd", Some("Bye.")),
        (0, "spec.update.windows", Some("[night]")),
        (0, "spec.resources", Some("{cpu: 1}")),
        (0, "metadata.labels.tier", Some("silver")),
        (0, "spec.lifecycle", Some("suspended")),
        (0, "spec.resources.storage", Some("100Gi")),
        (0, "spec.update.pin", Some("{version: 4.5.1, reason: \"an audit, in May\"}")),
        (0, "spec.network.domains", Some("[a.example]")),
        (1, "spec.values.resources.memory", Some("16Gi")),
        (1, "metadata.labels.tier", Some("gold")),
        (0, "spec.resources.memory", None),
        (0, "spec.resources.cpu", None),
        (0, "spec.update.channel", None),
        (0, "spec.update", None),
        (0, "spec.config.motd", None),
        (0, "metadata.labels.tier", None),
        (0, "spec.nothing.here", None),
        (0, "spec.type.below", Some("x")),
        (2, "spec.type", Some("x")),
    ];
    let all: Vec<String> = cases
        .into_iter()
        .map(|(index, path, to)| format!("{index} {path} = {}\n{}", to.unwrap_or("(nothing)"), told(index, path, to)))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn every_leaf_of_the_example_can_be_set_and_every_comment_stays() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/state-repo");
    let mut edited = 0;
    let mut files = vec![root];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            files.extend(std::fs::read_dir(&path).unwrap().filter(|_| !hidden).map(|entry| entry.unwrap().path()));
            continue;
        }
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (index, (body, _)) in read_documents(&text, Limits::default()).0.iter().enumerate() {
            let mut leaves = Vec::new();
            scalars(body, &mut Vec::new(), &mut leaves);
            for leaf in leaves {
                let after = edit(&text, index, &FieldPath(leaf.clone()), Some(&Value::string("an, odd: value")));
                let after = after.unwrap_or_else(|error| panic!("{} {leaf:?}: {error}", path.display()));
                assert_eq!(comments(&after), comments(&text), "{} {leaf:?}", path.display());
                let (old, new) = changed(&text, &after);
                let was = body.at(&leaf).and_then(Value::as_str).unwrap_or_default();
                assert!(
                    was.contains('\n')
                        || old.starts_with(['>', '|'])
                        || !old.contains(['\n', '#']) && !new.contains('\n'),
                    "{} {leaf:?}: {old:?} became {new:?}",
                    path.display()
                );
                let gone = edit(&text, index, &FieldPath(leaf.clone()), None);
                assert!(!matches!(gone, Err(EditError::TooClever)), "{} without {leaf:?}", path.display());
                edited += 1;
            }
        }
    }
    assert!(edited > 200, "the example is gone: {edited}");
}

/// The one place in which two texts differ: all that is before it and behind it is the same, byte by byte.
fn changed<'t>(old: &'t str, new: &'t str) -> (&'t str, &'t str) {
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let before = same(&mut old.chars(), &mut new.chars());
    let (old, new) = (&old[before..], &new[before..]);
    let behind = same(&mut old.chars().rev(), &mut new.chars().rev());
    (&old[..old.len() - behind], &new[..new.len() - behind])
}

/// Paths of scalars through maps alone.
fn scalars(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    match value {
        Value::Map(map) => {
            for (key, inner) in map.iter() {
                path.push(key.to_owned());
                scalars(inner, path, out);
                path.pop();
            }
        }
        Value::List(_) => {}
        _ => out.push(path.clone()),
    }
}

fn comments(text: &str) -> usize {
    text.lines().filter(|line| line.trim_start().starts_with('#') || line.contains(" # ")).count()
}
