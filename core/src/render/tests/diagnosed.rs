//! Goldens of diagnostics: they must look like rustc's.

use super::world::{Files, now, paper};
use crate::model::Catalog;
use crate::parse::parse_tree;
use crate::render::{Checked, diagnostics_human, diagnostics_markdown};
use crate::resolve::{diagnose, resolve};
use insta::assert_snapshot;

const ACME: &str = "apiVersion: pintle/v1
kind: Instance
metadata:
  name: acme-prod
  labels: {region: eu-west-1, tier: gold}
spec:
  type: partner-deployed
  driver: record
  partner: acmee
  resources:
    memory: 8Gi
  update:
    lts: true
    chanel: stable
";

fn report(
    file: &'static str,
    text: &str,
    render: impl Fn(&[crate::diagnostic::Diagnostic], &Files) -> String,
) -> String {
    let files = Files(
        [(file, text.to_owned()), ("partners/acme.yaml", format!("# who\n\n{}", super::world::partner("acme")))].into(),
    );
    let tree = parse_tree(files.0.iter().map(|(path, text)| (*path, text.as_bytes())));
    let resolved = resolve(&tree, Catalog::standard(), None, now());
    render(&diagnose(&tree, &resolved.problems, &files), &files)
}

const CHECKED: Checked = Checked { documents: 143 };

#[test]
fn an_unknown_field_and_a_dangling_reference_look_like_rustc() {
    assert_snapshot!(report("instances/acme/acme-prod.yaml", ACME, |found, files| diagnostics_human(
        found,
        files,
        CHECKED,
        &paper()
    )));
}

#[test]
fn the_same_as_a_comment() {
    assert_snapshot!(report("instances/acme/acme-prod.yaml", ACME, |found, files| diagnostics_markdown(
        found, files, CHECKED
    )));
}

#[test]
fn a_hostile_document_gives_the_terminal_no_command() {
    let text = ACME.replace("chanel: stable", "\"ch\\e[2Janel\": \"\\u202e```\\n## x\"\n    raw: \u{1b}[31m");
    for shown in [
        report("a.yaml", &text, |found, files| diagnostics_human(found, files, CHECKED, &paper())),
        report("a.yaml", &text, |found, files| diagnostics_markdown(found, files, CHECKED)),
    ] {
        assert!(shown.contains("PIN0108"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    }
}

#[test]
fn documents_of_one_file_are_counted_apart_and_nothing_is_said_of_nothing() {
    let second = ACME.replace("acme-prod", "acme-test");
    let text = report("a.yaml", &format!("---\n{ACME}---\n{second}"), |found, files| {
        diagnostics_human(found, files, CHECKED, &paper())
    });
    assert!(text.contains("4 errors in 2 of 143 documents. Nothing was changed."), "{text}");
    assert_eq!(diagnostics_human(&[], &Files([].into()), CHECKED, &paper()), "");
}

#[test]
fn hundreds_of_errors_stay_within_a_comment() {
    let many = (0..400).map(|at| format!("  wrong-{at}: 1\n")).collect::<Vec<_>>().concat();
    let text = format!("{ACME}{many}").replace("    chanel: stable\n", "");
    let comment = report("a.yaml", &text, |found, files| diagnostics_markdown(found, files, CHECKED));
    assert!(comment.len() <= crate::render::COMMENT_LIMIT && comment.contains("401 errors"), "{}", &comment[..80]);
}
