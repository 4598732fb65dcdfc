//! The other words: withdrawing, breaking the glass, ratifying, renewing; keys revoked by one; the
//! check that a merge button waits for.

use super::sandbox::Sandbox;

/// A sandbox whose policy lets alice and bob break the glass for partners.
fn with_glass() -> Sandbox {
    let sandbox = Sandbox::new();
    let policy = sandbox.read(".pintle/trust.yaml").replace("version: 1", "version: 2");
    let glass = "breakGlass: {from: [platform], approvals: 1, match: {kind: Partner}, ratifyWithin: 24h}\n";
    sandbox.write(".pintle/trust.yaml", &format!("{policy}{glass}"));
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Let the glass be broken"]);
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    sandbox.pintle("nobody", &["verify"]).ends(0);
    sandbox
}

#[test]
fn a_withdrawn_change_is_held_until_somebody_means_it_again() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "work"]);
    sandbox.rename("alice", "Akme");
    sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
    let said = sandbox.pintle("carol", &["approve", "work", "--withdraw", "--yes"]).ends(0).out;
    assert!(said.contains("withdrawn as carol"), "{said}");
    sandbox.git("alice", &["checkout", "--quiet", "main"]);
    sandbox.git("mallory", &["merge", "--quiet", "--no-ff", "--no-gpg-sign", "--no-edit", "work"]);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    let codes: Vec<&str> =
        answer["held"]["reasons"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"PIN0517"), "{answer:#}");
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    sandbox.pintle("carol", &["approve", "--yes"]).ends(0);
    sandbox.pintle("nobody", &["verify"]).ends(0);
}

#[test]
fn broken_glass_lets_one_change_through_and_stays_an_alarm_until_it_is_ratified() {
    let sandbox = with_glass();
    sandbox.rename("bob", "Akme");
    sandbox.pintle("nobody", &["verify"]).ends(4);
    let said = sandbox.pintle("bob", &["approve", "--break-glass", "the tenant is down", "--yes"]).ends(0).out;
    assert!(said.contains("let through behind broken glass as bob"), "{said}");
    let report = sandbox.pintle("nobody", &["verify", "--explain"]).ends(0).out;
    assert!(report.contains("broke the glass") && report.contains("PIN0530"), "{report}");
    sandbox.rename("bob", "Acme again");
    let refused = sandbox.pintle("bob", &["approve", "--break-glass", "once more", "--yes"]).ends(4);
    assert!(refused.err.contains("not ratified"), "{}", refused.err);
    sandbox.git("bob", &["reset", "--quiet", "--hard", "HEAD^"]);
    for who in ["alice", "carol"] {
        let said = sandbox.pintle(who, &["approve", "--ratify", "--yes"]).ends(0).out;
        assert!(said.contains(&format!("{who} ratifies")), "{said}");
    }
    let report = sandbox.pintle("nobody", &["verify", "--explain"]).ends(0).out;
    assert!(!report.contains("PIN0530"), "{report}");
    let nothing = sandbox.pintle("alice", &["approve", "--ratify", "--yes"]).ends(1);
    assert!(nothing.err.contains("no broken glass waits"), "{}", nothing.err);
}

#[test]
fn an_approval_that_lapsed_is_renewed_by_refresh() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "work"]);
    sandbox.grow("alice", "32Gi");
    sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
    let none = sandbox.pintle("bob", &["approve", "--refresh", "--yes"]).ends(0).out;
    assert!(none.contains("Every approval of yours counts"), "{none}");
    // Main moves in the same document: what bob approved before no longer counts.
    sandbox.git("alice", &["checkout", "--quiet", "main"]);
    let before = sandbox.read("instances/acme/acme-prod.yaml");
    sandbox.grow("alice", "24Gi");
    sandbox.pintle("carol", &["approve", "--yes"]).ends(0);
    sandbox.write("instances/acme/acme-prod.yaml", &before);
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "As it was"]);
    sandbox.pintle("carol", &["approve", "--yes"]).ends(0);
    sandbox.pintle("nobody", &["verify"]).ends(0);
    let pending = sandbox.pintle("nobody", &["ci", "--rev", "work", "--require", "approved"]);
    assert_eq!(pending.code, 4, "{}{}", pending.out, pending.err);
    let renewed = sandbox.pintle("bob", &["approve", "--refresh", "--yes"]).ends(0).out;
    assert!(renewed.contains("approved as bob"), "{renewed}");
}

#[test]
fn the_check_is_pending_until_the_quorum_is_there() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "work"]);
    sandbox.rename("alice", "Akme");
    let check = ["ci", "--rev", "work", "--require", "approved"];
    let said = sandbox.pintle("nobody", &check).ends(4).out;
    assert!(said.contains("Partner/acme") && said.contains("Pending: 2 approvals are missing"), "{said}");
    let json = sandbox.pintle("nobody", &[&check[..], &["-o", "json"]].concat()).ends(4).json();
    assert_eq!(json["check"]["state"], "pending");
    sandbox.pintle("bob", &["approve", "work", "--yes"]).ends(0);
    let json = sandbox.pintle("nobody", &[&check[..], &["-o", "json"]].concat()).ends(0).json();
    assert_eq!(json["check"]["state"], "approved");
    sandbox.write("partners/acme.yaml", "kind: [");
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Broken"]);
    sandbox.pintle("nobody", &check).ends(1);
}

#[test]
fn a_key_revoked_by_one_root_person_counts_for_nothing_at_once() {
    let sandbox = Sandbox::new();
    sandbox.rename("alice", "Akme");
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    let fingerprint = sandbox.fingerprint("bob");
    let said = sandbox.pintle("carol", &["trust", "revoke", &fingerprint, "--reason", "laptop lost"]).ends(0).out;
    assert!(said.contains("revokes SHA256:"), "{said}");
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(answer["verdict"], "held");
    let report = sandbox.pintle("nobody", &["verify", "--explain"]).ends(4).out;
    assert!(report.contains("PIN0531"), "{report}");
    let refused = sandbox.pintle("mallory", &["trust", "revoke", &fingerprint, "--reason", "x"]).ends(4);
    assert!(refused.err.contains("would not count"), "{}", refused.err);
}

#[test]
fn hooks_and_signing_are_set_up_in_a_clone_that_is_there_already() {
    let sandbox = Sandbox::new();
    let repo = sandbox.path("repo").display().to_string();
    let said = sandbox.pintle("alice", &["init", "--hooks", &repo]).ends(0).out;
    assert!(said.contains("Hooks:"), "{said}");
    let signers = sandbox.git("alice", &["config", "--local", "gpg.ssh.allowedSignersFile"]);
    let text = std::fs::read_to_string(sandbox.path("repo").join(&signers)).unwrap();
    assert!(text.contains("bob@x.example namespaces=\"git\""), "{text}");
    sandbox.rename("alice", "Akme");
    assert_eq!(sandbox.git("alice", &["log", "-1", "--format=%G?"]), "G");
}

#[test]
fn a_newcomer_proves_the_key_by_approving_the_change_that_adds_it() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "-b", "add-mallory"]);
    let line = format!("  mallory: {{email: mallory@x.example, keys: [{{key: \"{}\"}}]}}\n", sandbox.key("mallory"));
    let policy = sandbox.read(".pintle/trust.yaml").replace("version: 1", "version: 2");
    sandbox.write(".pintle/trust.yaml", &policy.replace("groups:\n", &format!("{line}groups:\n")));
    sandbox.git("alice", &["commit", "--quiet", "--all", "--message", "Add mallory"]);
    sandbox.pintle("bob", &["approve", "add-mallory", "--yes"]).ends(0);
    let check = ["ci", "--rev", "add-mallory", "--require", "approved"];
    let pending = sandbox.pintle("nobody", &check).ends(4).out;
    assert!(pending.contains("mallory"), "the key is not proven yet: {pending}");
    sandbox.pintle("mallory", &["approve", "add-mallory", "--yes"]).ends(0);
    sandbox.pintle("nobody", &check).ends(0);
}
