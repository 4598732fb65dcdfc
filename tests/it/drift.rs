//! What is changed behind the repository's back.

use crate::harness::{World, suite};
use serde_json::Value;

const CRM: &str = "suites/crm.yaml";
const BY_HAND: &str =
    "UPDATE pintle.suites SET spec = jsonb_set(spec, '{description}', '\"by hand\"') WHERE name = 'crm'";

async fn world() -> World {
    World::new(&[(CRM, suite("crm", "one")), ("suites/pos.yaml", suite("pos", "one"))]).await
}

/// Before and after of the newest record about `crm`.
async fn newest(world: &World) -> (Value, Value) {
    let sql = "SELECT convert_from(sealed, 'UTF8') FROM pintle.audit_logs WHERE stage = 'effect' AND resource_name = 'crm' ORDER BY job_id DESC LIMIT 1";
    let sealed = world.database.json(sql).await;
    (sealed["before"].clone(), sealed["after"].clone())
}

#[tokio::test]
async fn a_row_edited_by_hand_is_healed_through_the_queue_and_told_as_drift() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.run(BY_HAND).await;
    world.database.until("(SELECT description = 'one' AND NOT drifted FROM pintle.suites WHERE name = 'crm')").await;
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect heal ok"]);
    let (before, after) = newest(&world).await;
    assert_eq!(before["spec"]["description"], "by hand");
    assert_eq!(after["spec"]["description"], "one");
    let leaf =
        world.database.json("SELECT convert_from(leaf, 'UTF8') FROM pintle.audit_logs WHERE action = 'heal'").await;
    assert_eq!(leaf["reason"], "drift");
    assert_eq!(leaf["approvals"][0]["person"], "alice", "what was approved is what is healed to");
    assert_eq!(world.told("pos").await, ["effect create ok"]);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn edited_labels_and_annotations_are_drift_too() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.run("UPDATE pintle.suites SET labels = '{\"team\": \"x\"}', annotations = '{\"note\": \"x\"}' WHERE name = 'crm'").await;
    world.database.until("(SELECT labels = '{}' AND annotations = '{}' FROM pintle.suites WHERE name = 'crm')").await;
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect heal ok"]);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_tombstone_set_by_hand_is_lifted_and_a_deleted_row_is_made_again() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.run("UPDATE pintle.suites SET tombstoned_at = now() WHERE name = 'crm'").await;
    world.database.until("(SELECT tombstoned_at IS NULL FROM pintle.suites WHERE name = 'crm')").await;
    world.database.run("DELETE FROM pintle.suites WHERE name = 'pos'").await;
    world.database.until("EXISTS (SELECT FROM pintle.suites WHERE name = 'pos')").await;
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect restore ok"]);
    assert_eq!(world.told("pos").await, ["effect create ok", "effect create ok"]);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn an_unmanaged_row_made_by_hand_is_left_alone() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    world
        .database
        .run("INSERT INTO pintle.suites (name, spec) VALUES ('mine', '{\"displayName\": \"mine\", \"owner\": \"me\"}')")
        .await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    assert_eq!(
        world
            .database
            .ask("SELECT revision FROM pintle.suites WHERE name = 'mine' AND tombstoned_at IS NULL")
            .await
            .as_deref(),
        Some("1")
    );
    assert_eq!(world.told("mine").await, Vec::<String>::new());
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_row_made_by_hand_is_taken_over_only_where_the_guard_says_so() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.run("INSERT INTO pintle.suites (name, spec) VALUES ('mine', '{\"displayName\": \"mine\", \"owner\": \"me\", \"description\": \"theirs\"}')").await;
    world.repository.change("alice", "suites/mine.yaml", &suite("mine", "ours"));
    world.settled().await;
    let said = "SELECT description FROM pintle.suites WHERE name = 'mine'";
    assert_eq!(world.database.ask(said).await.as_deref(), Some("theirs"));
    let (_, why) = world.pintle(&["why", "Suite/mine"]);
    assert!(why.contains("never applied by Pintle"), "{why}");

    let guard = "modes:\n- {match: {kind: Suite}, mode: full}\n";
    let base = world.repository.head();
    world.repository.change("alice", ".pintle/guard.yaml", guard);
    world.repository.approve("alice", &base);
    world.settled().await;
    assert_eq!(world.database.ask(said).await.as_deref(), Some("theirs"), "no commit loosens its own guard");
    world.repository.change("alice", "README.md", "taken over");
    world.settled().await;
    assert_eq!(world.database.ask(said).await.as_deref(), Some("ours"));
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_plan_of_drift_alone_leaves_out_what_the_documents_change() {
    let world = world().await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    world.database.run(BY_HAND).await;
    world.repository.change("alice", "suites/pos.yaml", &suite("pos", "two"));
    let objects = |more: &[&str]| -> Vec<String> {
        let (_, said) = world.pintle(&[&["plan", "-o", "json"], more].concat());
        let plan: Value = serde_json::from_str(&said).unwrap();
        plan["steps"].as_array().unwrap().iter().map(|step| step["object"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(objects(&[]), ["Suite/crm", "Suite/pos"]);
    assert_eq!(objects(&["--only", "drift"]), ["Suite/crm"]);
}
