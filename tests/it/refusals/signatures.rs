//! Authority that is missing, foreign, forged or used twice.

use super::{CRM, PROD, codes, refuses};
use crate::harness::{World, instance, suite};
use std::io::Write;
use std::process::{Command, Stdio};

#[tokio::test]
async fn an_unsigned_commit_is_held() {
    refuses(&["PIN0510"], async |world| {
        world.repository.write(CRM, &suite("crm", "two"));
        world.repository.commit_unsigned("alice", "Unsigned");
    })
    .await;
}

#[tokio::test]
async fn a_commit_signed_by_a_foreign_key_is_held_until_somebody_approves_it() {
    let (world, daemon) = refuses(&["PIN0510"], async |world| {
        world.repository.change("mallory", CRM, &suite("crm", "two"));
    })
    .await;
    world.repository.approve("bob", &world.repository.introduced.commit);
    world.settled().await;
    let told = "SELECT convert_from(leaf, 'UTF8')::jsonb #> '{approvals,0}' ->> 'person' FROM pintle.audit_logs WHERE action = 'update'";
    assert_eq!(world.database.ask(told).await.as_deref(), Some("bob"));
    daemon.stop().await;
}

/// Keeps a signature and exchanges what it was made for.
fn tamper(world: &World) {
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let signed = world.repository.git(&["cat-file", "commit", "HEAD"]);
    world.repository.write(CRM, &suite("crm", "evil"));
    world.repository.git(&["add", "--all"]);
    let tree = world.repository.git(&["write-tree"]);
    let forged = signed.replacen(signed.lines().next().unwrap(), &format!("tree {tree}"), 1) + "\n";
    let mut git = Command::new("git")
        .args(["hash-object", "-t", "commit", "-w", "--stdin"])
        .current_dir(&world.repository.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(forged.as_bytes()).unwrap();
    let oid = String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap();
    // From the parent, so that the honest commit is never seen.
    world.repository.git(&["update-ref", "refs/heads/main", oid.trim()]);
}

#[tokio::test]
async fn a_commit_whose_tree_was_exchanged_under_its_signature_is_held() {
    let (world, daemon) = super::begun().await;
    daemon.stop().await;
    tamper(&world);
    let daemon = world.daemon();
    let verdict = world.held().await;
    assert!(codes(&verdict).contains(&"PIN0510"), "{verdict:#}");
    assert_eq!(world.told("crm").await, ["effect create ok"]);
    daemon.stop().await;
}

#[tokio::test]
async fn an_approval_does_not_count_again_after_its_change_was_taken_back() {
    let (world, daemon) = super::begun().await;
    let repository = &world.repository;
    let base = repository.head();
    repository.change("alice", PROD, &instance("prod", "acme", 4));
    let approval = repository.approve("bob", &base);
    world.settled().await;
    let after = repository.head();
    repository.change("alice", PROD, &instance("prod", "acme", 2));
    repository.approve("bob", &after);
    world.settled().await;

    repository.git(&["update-ref", "refs/pintle/approvals/replayed", &approval]);
    let message = repository.git(&["log", "-1", "--format=%B", &approval]);
    repository.change("alice", PROD, &instance("prod", "acme", 4));
    repository.say("alice", &message);
    let verdict = world.held().await;
    assert!(codes(&verdict).contains(&"PIN0510"), "{verdict:#}");
    assert_eq!(
        world.database.ask("SELECT spec #>> '{resources,cpu}' FROM pintle.instances").await.as_deref(),
        Some("2")
    );
    world.assert_whole().await;
    daemon.stop().await;
}
