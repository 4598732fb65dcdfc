//! The walk: a signed commit becomes rows and audit records.

use crate::harness::{Repository, World, instance, partner, person, suite};
use serde_json::{Value, json};

const CRM: &str = "suites/crm.yaml";

/// The newest effect on `name`: its leaf, and its sealed part.
async fn newest_effect(world: &World, name: &str) -> (Value, Value) {
    let from = format!(
        "FROM pintle.audit_logs WHERE stage = 'effect' AND resource_name = '{name}' ORDER BY job_id DESC LIMIT 1"
    );
    let leaf = world.database.json(&format!("SELECT convert_from(leaf, 'UTF8') {from}")).await;
    let sealed = world.database.json(&format!("SELECT convert_from(sealed, 'UTF8') {from}")).await;
    (leaf, sealed)
}

async fn description(world: &World, name: &str) -> Option<String> {
    world
        .database
        .ask(&format!("SELECT description FROM pintle.suites WHERE name = '{name}' AND tombstoned_at IS NULL"))
        .await
}

#[tokio::test]
async fn a_record_names_those_who_signed_for_its_object_and_nobody_else() {
    let world = World::new(&[(CRM, suite("crm", "one"))]).await;
    let daemon = world.daemon();
    for turn in 0..5 {
        world.repository.change("alice", CRM, &suite("crm", &format!("turn {turn}")));
    }
    world.repository.change("bob", "suites/pos.yaml", &suite("pos", "new"));
    world.settled().await;
    let people = |leaf: &Value| -> Vec<Value> {
        leaf["approvals"].as_array().unwrap().iter().map(|one| one["person"].clone()).collect()
    };
    let (created, _) = newest_effect(&world, "pos").await;
    assert_eq!(people(&created), ["bob"]);

    world.database.run("UPDATE pintle.suites SET labels = '{\"by\": \"hand\"}' WHERE name = 'pos'").await;
    world.database.until("(SELECT count(*) = 1 FROM pintle.audit_logs WHERE action = 'heal')").await;
    let (healed, _) = newest_effect(&world, "pos").await;
    assert_eq!(people(&healed), ["bob"], "a healed row names those who signed what it stands on");
    daemon.stop().await;
}

#[tokio::test]
async fn a_signed_commit_is_applied_and_the_audit_says_who_which_commit_and_what() {
    let world = World::new(&[(CRM, suite("crm", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    let first = world.repository.head();
    let (leaf, sealed) = newest_effect(&world, "crm").await;
    assert_eq!(leaf["action"], "create");
    assert_eq!(leaf["approvals"][0]["person"], "alice");
    assert_eq!(leaf["git"]["commit"], json!(first));
    assert_eq!(leaf["git"]["path"], CRM);
    assert_eq!(sealed["before"], Value::Null);
    assert_eq!(sealed["after"]["spec"]["description"], "one");

    let second = world.repository.change("bob", CRM, &suite("crm", "two"));
    world.settled().await;
    let (leaf, sealed) = newest_effect(&world, "crm").await;
    assert_eq!(leaf["action"], "update");
    let approvals: Vec<&Value> = leaf["approvals"].as_array().unwrap().iter().map(|one| &one["person"]).collect();
    assert_eq!(approvals, ["bob"], "who approved the first commit did not approve the second");
    assert_eq!(leaf["git"]["commit"], json!(second));
    assert_eq!(sealed["before"]["spec"]["description"], "one");
    assert_eq!(sealed["after"]["spec"]["description"], "two");
    assert_eq!(sealed["diff"], json!([{"op": "replace", "path": "/spec/description", "value": "two"}]));

    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_removed_document_leaves_a_tombstone_and_one_restored_in_time_keeps_its_uid() {
    let world = World::new(&[(CRM, suite("crm", "one")), ("suites/pos.yaml", suite("pos", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    let uid = world.database.ask("SELECT uid FROM pintle.suites WHERE name = 'crm'").await;

    world.repository.remove(CRM);
    world.repository.commit("alice", "Remove it");
    world.settled().await;
    assert_eq!(description(&world, "crm").await, None);
    assert_eq!(description(&world, "pos").await.as_deref(), Some("one"));
    world.assert_plans_empty();
    world.assert_whole().await;

    world.repository.change("carol", CRM, &suite("crm", "again"));
    world.settled().await;
    assert_eq!(description(&world, "crm").await.as_deref(), Some("again"));
    assert_eq!(world.database.ask("SELECT uid FROM pintle.suites WHERE name = 'crm'").await, uid);
    assert_eq!(world.told("crm").await, ["effect create ok", "effect delete ok", "effect restore ok"]);
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_change_that_needs_two_people_waits_for_the_second() {
    let files = [("partners/acme.yaml", partner("acme")), ("instances/prod.yaml", instance("prod", "acme", 2))];
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    let base = world.repository.head();

    let change = world.repository.change("alice", "instances/prod.yaml", &instance("prod", "acme", 4));
    let verdict = world.held().await;
    assert_eq!(verdict["verdict"], "held");
    assert_eq!(verdict["held"]["commit"], json!(change));
    assert_eq!(verdict["held"]["reasons"][0]["code"], "PIN0510");
    assert_eq!(world.told("prod").await, ["effect create ok"]);

    world.repository.approve("bob", &base);
    world.settled().await;
    let (leaf, _) = newest_effect(&world, "prod").await;
    let mut people: Vec<&str> =
        leaf["approvals"].as_array().unwrap().iter().filter_map(|one| one["person"].as_str()).collect();
    people.sort_unstable();
    assert_eq!(people, ["alice", "bob"]);
    assert_eq!(world.database.ask("SELECT verdict FROM pintle.sources").await, None);
    world.assert_whole().await;
    daemon.stop().await;
}

/// The example, with keys of our own in its policy.
fn example(folder: &std::path::Path) -> Repository {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/state-repo");
    let text = std::fs::read_to_string(example.join(".pintle/trust.yaml")).unwrap();
    let repo_id = text.lines().find_map(|line| line.strip_prefix("repoId: ")).unwrap().to_owned();
    let mut repository = Repository::unborn(folder.join("repo"), repo_id);
    let copied =
        std::process::Command::new("cp").arg("-a").arg(example.join(".")).arg(&repository.path).status().unwrap();
    assert!(copied.success());
    let policy: Vec<String> = text.lines().map(with_own_key).collect();
    repository.write(".pintle/trust.yaml", &(policy.join("\n") + "\n"));
    repository.introduce();
    repository
}

fn with_own_key(line: &str) -> String {
    let name = line.trim_start().split(':').next().unwrap_or_default();
    match (line.find("\"ssh-ed25519 "), line.rfind('"')) {
        (Some(from), Some(to)) => format!("{}\"{}{}", &line[..from], person(name).public_key, &line[to..]),
        _ => line.to_owned(),
    }
}

#[tokio::test]
async fn the_example_repository_is_applied_whole_and_then_plans_empty() {
    let world = World::with(example).await;
    let daemon = world.daemon();
    world.settled().await;
    let kinds = world.database.list("SELECT DISTINCT kind FROM pintle.objects ORDER BY kind").await;
    assert_eq!(kinds.len(), 14, "not every kind has a row: {kinds:?}");
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.job_state WHERE state <> 'done'").await, 0);
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}
