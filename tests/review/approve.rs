//! `pintle approve` and `pintle unblock`.

use super::sandbox::Sandbox;

#[test]
fn an_approval_counts_and_takes_nothing_staged_with_it() {
    let sandbox = Sandbox::new();
    let commit = sandbox.rename("alice", "Akme");
    sandbox.write("README.md", "staged");
    sandbox.git("bob", &["add", "README.md"]);
    let answer = sandbox.pintle("bob", &["approve", "--yes", "-o", "json"]).ends(0).json();
    assert_eq!((answer["accepted"].as_bool(), answer["person"].as_str()), (Some(true), Some("bob")));
    let approval = answer["commit"].as_str().unwrap();
    assert_eq!(sandbox.head(), approval);
    assert_eq!(sandbox.git("nobody", &["rev-parse", "HEAD^"]), commit);
    assert_eq!(
        sandbox.git("nobody", &["rev-parse", "HEAD^{tree}"]),
        sandbox.git("nobody", &["rev-parse", "HEAD^^{tree}"])
    );
    assert_eq!(sandbox.git("nobody", &["status", "--short"]), "M  README.md");
    assert_eq!(sandbox.git("nobody", &["rev-parse", answer["ref"].as_str().unwrap()]), approval);
}

#[test]
fn what_is_still_missing_is_said() {
    let sandbox = Sandbox::new();
    let policy = sandbox
        .read(".pintle/trust.yaml")
        .replace("version: 1", "version: 2")
        .replace("approvals: 2, from: [platform]", "approvals: 3, from: [platform]");
    sandbox.write(".pintle/trust.yaml", &policy);
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Three of three"]);
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    sandbox.rename("alice", "Akme");
    let said = sandbox.pintle("bob", &["approve", "--yes"]).ends(0).out;
    assert!(said.contains("2 of 3") && said.contains("carol: pintle approve"), "{said}");
    let said = sandbox.pintle("carol", &["approve", "--yes"]).ends(0).out;
    assert!(said.contains("3 of 3"), "{said}");
    sandbox.pintle("nobody", &["verify"]).ends(0);
}

#[test]
fn a_branch_beside_main_is_approved_as_the_merge_that_will_be() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "raise"]);
    sandbox.grow("alice", "32Gi");
    sandbox.git("alice", &["checkout", "--quiet", "main"]);
    sandbox.rename("alice", "Akme");
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    sandbox.pintle("bob", &["approve", "raise", "--yes"]).ends(0);
    sandbox.git("mallory", &["merge", "--quiet", "--no-gpg-sign", "--no-edit", "raise"]);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(0).json();
    assert_eq!(answer["accepted"], answer["tip"]);
}

#[test]
fn an_approval_survives_a_squash_under_its_own_ref_on_the_remote() {
    let sandbox = Sandbox::new();
    let remote = sandbox.path("remote.git").display().to_string();
    sandbox.git("nobody", &["init", "--quiet", "--bare", "--initial-branch=main", &remote]);
    sandbox.git("nobody", &["remote", "add", "origin", &remote]);
    sandbox.git("nobody", &["push", "--quiet", "origin", "main"]);
    sandbox.git("alice", &["checkout", "--quiet", "-b", "raise"]);
    sandbox.grow("alice", "32Gi");
    for person in ["alice", "bob"] {
        let answer = sandbox.pintle(person, &["approve", "--yes", "--push", "-o", "json"]).ends(0).json();
        assert_eq!(answer["pushed"], true);
    }
    assert_eq!(sandbox.git("nobody", &["ls-remote", &remote, "refs/pintle/approvals/*"]).lines().count(), 2);
    assert!(!sandbox.git("nobody", &["ls-remote", &remote, "refs/heads/raise"]).is_empty());
    sandbox.git("nobody", &["checkout", "--quiet", "main"]);
    sandbox.git("mallory", &["merge", "--quiet", "--squash", "raise"]);
    sandbox.git("mallory", &["commit", "--quiet", "--no-gpg-sign", "--message", "Squashed by the forge"]);
    sandbox.git("nobody", &["push", "--quiet", "origin", "main"]);
    let clone = sandbox.path("clone").display().to_string();
    sandbox.git("nobody", &["clone", "--quiet", &remote, &clone]);
    sandbox.pintle("nobody", &["verify", "--repo", &clone]).ends(4);
    sandbox.pintle("nobody", &["verify", "--repo", &clone, "--fetch"]).ends(0);
}

#[test]
fn a_late_approval_lifts_the_first_held_step_alone() {
    let sandbox = Sandbox::new();
    let first = sandbox.rename("alice", "Akme");
    let second = sandbox.grow("alice", "32Gi");
    sandbox.pintle("bob", &["approve", &first, "--yes"]).ends(0);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(
        (answer["accepted"].as_str(), answer["held"]["commit"].as_str()),
        (Some(first.as_str()), Some(second.as_str()))
    );
    assert_eq!(sandbox.head(), second, "main is not moved by an approval of what lies below its tip");
}

#[test]
fn whoever_cannot_count_is_told_before_signing() {
    let sandbox = Sandbox::new();
    sandbox.rename("alice", "Akme");
    let before = sandbox.head();
    let rsa = sandbox.path("rsa").display().to_string();
    sandbox
        .command("ssh-keygen", "nobody", &sandbox.path("repo"))
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", &rsa])
        .status()
        .unwrap();
    for (person, settings, expected) in [
        ("nobody", vec![], "gpg.format is not set"),
        ("mallory", vec![], "belongs to nobody in the policy"),
        ("nobody", vec![("gpg.format", "ssh")], "user.signingKey is not set"),
        ("nobody", vec![("gpg.format", "openpgp")], "only SSH signatures"),
        (
            "nobody",
            vec![("gpg.format", "ssh"), ("user.signingKey", rsa.as_str())],
            "keys of type ssh-rsa are not accepted",
        ),
    ] {
        for (key, value) in &settings {
            sandbox.git("nobody", &["config", key, value]);
        }
        let said = sandbox.pintle(person, &["approve", "--yes"]);
        assert!(
            said.code != 0 && said.err.contains(expected) && said.err.contains("next:"),
            "{expected}: {}",
            said.err
        );
    }
    assert_eq!(sandbox.head(), before);
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_is_signed() {
    let sandbox = Sandbox::new();
    let before = sandbox.rename("alice", "Akme");
    let said = sandbox.pintle("bob", &["approve"]).ends(1);
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert_eq!(sandbox.head(), before);
}

#[test]
fn an_unsound_change_is_drawn_and_not_approved() {
    let sandbox = Sandbox::new();
    let text = sandbox.read("instances/acme/acme-prod.yaml").replace("partner: acme", "partner: acmee");
    sandbox.write("instances/acme/acme-prod.yaml", &text);
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Misspelt"]);
    let said = sandbox.pintle("bob", &["approve", "--yes"]).ends(1);
    assert!(said.out.contains("PIN0203"), "{}", said.out);
}

#[test]
fn what_is_held_is_taken_back_by_a_commit_that_needs_no_approval() {
    let sandbox = Sandbox::new();
    let accepted = sandbox.head();
    sandbox.rename("alice", "Akme");
    sandbox.git("mallory", &["commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", "And more"]);
    let answer = sandbox.pintle("bob", &["unblock", "-o", "json"]).ends(0).json();
    assert_eq!(answer["accepted"].as_str(), Some(accepted.as_str()));
    let branch = answer["branch"].as_str().unwrap();
    assert_eq!(sandbox.git("nobody", &["diff", "--stat", &accepted, branch]), "");
    sandbox.git("nobody", &["merge", "--quiet", "--ff-only", branch]);
    sandbox.pintle("nobody", &["verify"]).ends(0);
    assert!(sandbox.pintle("bob", &["unblock"]).ends(0).out.contains("Nothing is held."));
}
