//! `pintle verify` and `pintle change-id`.

use super::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_signed_commit_with_an_approval_is_accepted() {
    let sandbox = Sandbox::new();
    let commit = sandbox.rename("alice", "Akme");
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(0).json();
    assert_eq!(answer["verdict"], "accepted");
    assert_eq!(answer["accepted"], answer["tip"]);
    let step = &answer["accepts"][1];
    assert_eq!(step["commit"], json!(commit));
    let counted: Vec<(&str, &str)> = step["counted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["person"].as_str().unwrap(), one["as"].as_str().unwrap()))
        .collect();
    assert_eq!(counted, [("alice", "author"), ("bob", "approver")]);
    let said = sandbox.pintle("nobody", &["verify"]).ends(0).out;
    assert!(said.contains("accepted (3 commits, 2 people)."), "{said}");
}

#[test]
fn an_unsigned_commit_is_held_with_its_code_and_exit_4() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "partners/acme.yaml",
        "apiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec: {displayName: Evil}\n",
    );
    sandbox.git("mallory", &["commit", "--quiet", "--all", "--no-gpg-sign", "--message", "Slip"]);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(answer["verdict"], "held");
    let codes: Vec<&str> =
        answer["held"]["reasons"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["PIN0510", "PIN0516"]);
    let said = sandbox.pintle("nobody", &["verify", "--explain"]).ends(4).out;
    assert!(said.contains("it is not signed") && said.contains("lift it"), "{said}");
}

#[test]
fn a_tampered_commit_never_counts_and_a_tampered_introduction_is_refused() {
    let mut sandbox = Sandbox::new();
    let commit = sandbox.rename("alice", "Akme");
    let forged = forge(&sandbox, &commit);
    sandbox.git("nobody", &["update-ref", "refs/heads/main", &forged]);
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(answer["held"]["rules"][0]["have"], json!(["bob"]), "alice did not sign this");

    sandbox.introduction.0 = forge(&sandbox, &sandbox.introduction.0.clone());
    sandbox.git("nobody", &["update-ref", "refs/heads/main", &sandbox.introduction.0.clone()]);
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(
        (&answer["verdict"], &answer["refused"]["code"], &answer["accepted"]),
        (&json!("refused"), &json!("PIN0522"), &Value::Null)
    );
    assert_eq!(keys(&answer["refused"]), BTreeSet::from(["code", "commit", "message"]));
}

/// The same commit with another word in its message, under the old signature.
fn forge(sandbox: &Sandbox, commit: &str) -> String {
    let raw = sandbox.git("nobody", &["cat-file", "commit", commit]);
    let path = sandbox.path("forged");
    let (headers, message) = raw.split_once("\n\n").unwrap();
    std::fs::write(&path, format!("{headers}\n\nForged {message}\n")).unwrap();
    sandbox.git("nobody", &["hash-object", "-t", "commit", "-w", path.to_str().unwrap()])
}

#[test]
fn a_history_beside_the_introduction_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.git("alice", &["checkout", "--quiet", "--orphan", "other"]);
    sandbox.git("alice", &["commit", "--quiet", "--message", "Another beginning"]);
    let answer = sandbox.pintle("nobody", &["verify", "--ref", "refs/heads/other", "-o", "json"]).ends(4).json();
    assert_eq!(answer["refused"]["code"], "PIN0521");
}

#[test]
fn a_held_tip_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    sandbox.rename("alice", "Akme");
    let answer = sandbox.pintle("nobody", &["verify", "-o", "json"]).ends(4).json();
    assert_eq!(
        keys(&answer),
        BTreeSet::from(["accepted", "accepts", "formatVersion", "held", "refused", "tip", "verdict"])
    );
    assert_eq!(answer["formatVersion"], "1.0");
    assert_eq!(answer["refused"], Value::Null);
    let held = &answer["held"];
    assert_eq!(keys(held), BTreeSet::from(["changeId", "commit", "reasons", "rules"]));
    assert_eq!(held["rules"], json!([{"name": "rest", "needed": 2, "have": [], "from": ["platform"]}]));
    assert_eq!(keys(&held["reasons"][0]), BTreeSet::from(["code", "hint", "message"]));
    assert_eq!(keys(&answer["accepts"][0]), BTreeSet::from(["changeId", "commit", "counted"]));
    assert_eq!(keys(&answer["accepts"][0]["counted"][0]), BTreeSet::from(["as", "commit", "fingerprint", "person"]));
}

#[test]
fn an_approval_is_too_old_as_of_a_later_time() {
    let sandbox = Sandbox::new();
    sandbox.rename("alice", "Akme");
    sandbox.pintle("bob", &["approve", "--yes"]).ends(0);
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(15 * 24)).to_string();
    sandbox.pintle("nobody", &["verify", "--at", &later]).ends(4);
    sandbox.pintle("nobody", &["verify"]).ends(0);
}

#[test]
fn without_an_introduction_the_error_says_how_to_give_one() {
    let mut sandbox = Sandbox::new();
    sandbox.introduction = Default::default();
    let said = sandbox.pintle("nobody", &["verify"]).ends(1);
    assert!(said.err.contains("--introduction-commit") && said.err.contains("next:"), "{}", said.err);
}

#[test]
fn a_change_id_is_stable_under_order_and_equal_for_two_clones() {
    let sandbox = Sandbox::new();
    let base = sandbox.head();
    let id = |rev: &str, more: &[&str]| {
        sandbox.pintle("nobody", &[&["change-id", "--base", &base, "--rev", rev], more].concat()).ends(0).out
    };
    sandbox.rename("alice", "Akme");
    let first = sandbox.grow("alice", "32Gi");
    sandbox.git("alice", &["checkout", "--quiet", "-b", "other", &base]);
    sandbox.grow("bob", "32Gi");
    let second = sandbox.rename("bob", "Akme");
    assert_ne!(first, second);
    assert_eq!(id(&first, &[]), id(&second, &[]));
    assert_eq!(id(&first, &[]).trim_end().len(), 64);
    let clone = sandbox.path("clone");
    sandbox.git("nobody", &["clone", "--quiet", ".", clone.to_str().unwrap()]);
    assert_eq!(id(&first, &["--repo", clone.to_str().unwrap()]), id(&first, &[]));
    assert_ne!(id(&first, &["--repo-id", "another"]), id(&first, &[]));
}
