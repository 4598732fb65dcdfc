//! What needs no world: usage, completions, the manual, colour; and an empty database.

use super::said::{Said, pintle};
use crate::harness::{Database, Repository, folder, suite};
use nix::pty::openpty;
use std::io::Read;
use std::process::Stdio;

#[test]
fn usage_errors_end_with_1_and_help_with_0() {
    let wrong: [&[&str]; 6] = [
        &["plan", "--no-such-flag"],
        &["no-such-command"],
        &[],
        &["jobs", "list", "--state", "asleep"],
        &["wait", "--timeout", "soon"],
        &["plan", "-o", "xml"],
    ];
    for words in wrong {
        let said = Said::of(pintle(words)).ends(1);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{}", said.told());
    }
    insta::assert_snapshot!("unknown_flag", Said::of(pintle(wrong[0])).told());
    for words in [["--help"], ["--version"]] {
        let said = Said::of(pintle(&words)).ends(0);
        assert!(!said.out.is_empty() && said.err.is_empty(), "{}", said.told());
    }
}

#[test]
fn what_a_command_needs_and_was_not_told_is_named() {
    let said: Vec<String> = [["status"].as_slice(), &["plan", "--repo", "/nowhere"], &["run"]]
        .map(|words| Said::of(pintle(words)).ends(1).told())
        .into();
    insta::assert_snapshot!("not_told", said.join("\n"));
}

#[test]
fn the_completions_are_a_script_that_bash_takes() {
    let said = Said::of(pintle(&["completions", "bash"])).ends(0);
    let script = folder().join("completions.bash");
    std::fs::write(&script, &said.out).unwrap();
    let ask = format!(
        "source {}; COMP_WORDS=(pintle his); COMP_CWORD=1; _pintle pintle his pintle; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let completed = std::process::Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&completed.stdout),
        "history\n",
        "{}",
        String::from_utf8_lossy(&completed.stderr)
    );
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let page = Said::of(pintle(&["man"])).ends(0).out;
    assert!(page.contains(".TH pintle 1"), "{page}");
    let pages = folder().join("man");
    Said::of(pintle(&["man", pages.to_str().unwrap()])).ends(0);
    let mut names: Vec<String> =
        std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    insta::assert_snapshot!("man", names.join("\n"));
}

/// What `arguments` print at a terminal, `NO_COLOR` being set or not.
fn at_a_terminal(arguments: &[&str], no_colour: bool) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut command = pintle(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::from(terminal.slave));
    if no_colour {
        command.env("NO_COLOR", "1");
    }
    let mut child = command.spawn().unwrap();
    // It holds the other end, and a terminal ends when nobody does.
    drop(command);
    let mut bytes = Vec::new();
    let _ = std::fs::File::from(terminal.master).read_to_end(&mut bytes);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let repository = Repository::new(folder().join("colour"), &[("suites/crm.yaml", suite("crm", "one"))]);
    repository.change("alice", "suites/crm.yaml", &suite("crm", "two"));
    let path = repository.path.display().to_string();
    let plan = ["plan", "--repo", &path, "--against", "HEAD~1"];
    let coloured = at_a_terminal(&plan, false);
    assert!(coloured.contains('\u{1b}'), "a terminal is shown no colour: {coloured}");
    for plain in [at_a_terminal(&plan, true), at_a_terminal(&[&plan[..], &["--no-color"]].concat(), false)] {
        assert!(plain.contains("Suite/crm") && !plain.contains('\u{1b}'), "{plain}");
    }
    Said::of(pintle(&plan)).ends(0);
}

#[tokio::test]
async fn an_empty_database_is_migrated_once() {
    let database = Database::empty().await;
    let ask = |words: &[&str]| {
        Said::of({
            let mut command = pintle(words);
            command.env("PINTLE_DATABASE_URL", &database.url);
            command
        })
    };
    let before = ask(&["status"]).ends(1);
    let first = ask(&["migrate"]).ends(0);
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(
        first.out,
        if migrations == 1 { "1 migration ran.\n".to_owned() } else { format!("{migrations} migrations ran.\n") }
    );
    insta::assert_snapshot!(
        "migrate",
        [before, ask(&["migrate"]).ends(0), ask(&["status"]).ends(0)]
            .map(|said| said.told())
            .join("\n")
            .replace(&format!("{migrations} migrations"), "<all> migrations")
    );
}
