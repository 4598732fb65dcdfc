//! `pintle ci` on the three forges: one comment, kept up to date, and a status.

use crate::sandbox::{Said, Sandbox};
use crate::shared::{FakeForge, TOKEN};

const FORGES: [&str; 3] = ["github", "gitlab", "forgejo"];

fn pulled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "work"]);
    sandbox.rename("alice", "Akme");
    std::fs::write(sandbox.path("token"), TOKEN).unwrap();
    sandbox
}

fn check(sandbox: &Sandbox, forge: &FakeForge, kind: &str) -> Said {
    let (url, token) = (format!("{}/{kind}", forge.url), sandbox.path("token").display().to_string());
    let place = ["--forge", kind, "--forge-url", &url, "--forge-repo", "acme/state", "--forge-token-file", &token];
    let what = ["ci", "--rev", "work", "--require", "approved", "--comment", "--status", "--pull", "7"];
    sandbox.pintle("nobody", &[&what[..], &place].concat())
}

#[test]
fn one_comment_is_kept_up_to_date_and_the_status_follows() {
    for kind in FORGES {
        let (sandbox, forge) = (pulled(), FakeForge::start());
        check(&sandbox, &forge, kind).ends(4);
        sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
        check(&sandbox, &forge, kind).ends(0);
        sandbox.write("partners/acme.yaml", "kind: [");
        sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Broken"]);
        check(&sandbox, &forge, kind).ends(1);
        forge.look(|held| {
            assert_eq!(held.comments.len(), 1, "{kind}: {:?}", held.comments);
            assert!(held.comments[0].2.contains("PIN0101"), "{kind}: {}", held.comments[0].2);
            let states: Vec<&str> = held.statuses.iter().map(|(_, state, ..)| state.as_str()).collect();
            let failed = if kind == "gitlab" { "failed" } else { "failure" };
            assert_eq!(states, ["pending", "success", failed], "{kind}");
            assert!(held.statuses[0].3.contains("2 approvals are missing"), "{:?}", held.statuses[0]);
        });
    }
}

#[test]
fn a_checkout_without_the_watched_branch_takes_what_the_remote_had_of_it() {
    let (sandbox, forge) = (pulled(), FakeForge::start());
    sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
    sandbox.git("alice", &["update-ref", "refs/remotes/origin/main", "refs/heads/main"]);
    sandbox.git("alice", &["update-ref", "-d", "refs/heads/main"]);
    let said = check(&sandbox, &forge, "github").ends(0);
    assert!(said.out.contains("it may be merged"), "{}", said.out);
    forge.look(|held| assert_eq!(held.statuses.len(), 1, "{:?}", held.statuses));
}

#[test]
fn ours_is_found_on_a_later_page_and_somebody_elses_is_left_alone() {
    for kind in FORGES {
        let (sandbox, forge) = (pulled(), FakeForge::start());
        forge.look(|held| {
            held.comments = (1..=140).map(|id| (id, "someone", "looks good".to_owned())).collect();
        });
        check(&sandbox, &forge, kind).ends(4);
        check(&sandbox, &forge, kind).ends(4);
        forge.look(|held| assert_eq!(held.comments.len(), 141, "{kind}"));
        // Somebody pretends, and could change it afterwards: theirs is left alone, ours is kept up to date.
        forge.look(|held| {
            let ours = held.comments[140].2.clone();
            held.comments[3] = (4, "someone", format!("{ours}and nothing is deleted"));
        });
        sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
        check(&sandbox, &forge, kind).ends(0);
        forge.look(|held| {
            assert_eq!(held.comments.len(), 141, "{kind}");
            assert!(held.comments[3].2.ends_with("nothing is deleted"), "{kind}");
            assert!(held.comments[140].2.contains("it may be merged"), "{kind}: {}", held.comments[140].2);
        });
    }
}

#[test]
fn a_forge_that_refuses_or_is_away_fails_the_check_and_tells_no_token() {
    let (sandbox, forge) = (pulled(), FakeForge::start());
    for fault in [302, 401, 403, 404, 500] {
        forge.look(|held| held.fault = Some(fault));
        let said = check(&sandbox, &forge, "github").ends(1);
        assert!(said.err.contains(&format!("HTTP {fault}")) && !said.err.contains(TOKEN), "{}", said.err);
    }
    let gone = FakeForge { url: "http://127.0.0.1:1".into(), held: forge.held.clone() };
    let said = check(&sandbox, &gone, "forgejo").ends(1);
    assert!(said.err.contains("does not answer"), "{}", said.err);
}

#[test]
fn without_a_place_to_say_it_nothing_is_asked() {
    let sandbox = pulled();
    let said = sandbox.pintle("nobody", &["ci", "--rev", "work", "--comment"]).ends(1);
    assert!(said.err.contains("--forge is not set"), "{}", said.err);
    sandbox.pintle("nobody", &["ci", "--rev", "work"]).ends(0);
}
