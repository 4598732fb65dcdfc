//! Jobs that are overtaken, and jobs that cannot be done.

use super::{CRM, begun, description, reconciler, worker};
use crate::harness::{World, suite};

#[tokio::test]
async fn a_job_whose_document_was_taken_back_is_superseded_by_an_empty_plan() {
    let world = begun().await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let reconciler = reconciler(&world);
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state = 'released')").await;
    world.repository.change("alice", CRM, &suite("crm", "one"));
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state = 'superseded' AND reason = 'plan')").await;
    let steps = "SELECT count(*) FROM pintle.jobs WHERE plan_id = (SELECT plan_id FROM pintle.plan_heads)";
    assert_eq!(world.database.count(steps).await, 0, "the plan that supersedes it is not empty");

    let worker = worker(&world);
    worker.says("applied: 0 done, 0 stale, 0 dead").await;
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("one"));
    assert_eq!(world.told("crm").await, ["effect create ok"]);
    world.assert_whole().await;
    worker.stop().await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_row_that_somebody_keeps_locked_holds_up_nobody_else() {
    let world = World::new(&[(CRM, suite("crm", "one")), ("suites/pos.yaml", suite("pos", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    let mut theirs = world.database.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM pintle.suites WHERE name = 'crm' FOR UPDATE").execute(&mut *theirs).await.unwrap();
    world.repository.write(CRM, &suite("crm", "two"));
    world.repository.write("suites/pos.yaml", &suite("pos", "two"));
    world.repository.commit("alice", "Both");
    world.database.until("(SELECT description = 'two' FROM pintle.suites WHERE name = 'pos')").await;
    assert_eq!(description(&world).await.as_deref(), Some("one"));
    theirs.rollback().await.unwrap();
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    world.assert_whole().await;
    daemon.stop().await;
}

fn version(n: usize, changelog: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Version\nmetadata: {{name: platform-1-0-{n}}}\nspec:\n  component: platform\n  version: 1.0.{n}\n  \
         stage: released\n  changelog: {changelog}\n  \
         artifacts: {{image: \"registry.example/platform@sha256:6cb049e77d5c63a33eb10a2bdd4e3be320aa860f4be03844f24c1063bb50fb78\"}}\n"
    )
}

fn versions(changelog: &str) -> String {
    let all: Vec<String> = (0..500).map(|n| version(n, if n == 217 { changelog } else { "x" })).collect();
    all.join("---\n")
}

#[tokio::test]
async fn a_poisoned_row_among_five_hundred_fails_alone_and_is_a_dead_letter() {
    let world = begun().await;
    world.database.run("INSERT INTO pintle.versions (name, spec) VALUES ('squatter', '{\"component\": \"platform\", \"version\": \"1.0.217\", \"stage\": \"draft\"}')").await;
    world.repository.change("alice", "versions.yaml", &versions("x"));
    let daemon = world.daemon();
    world.settled().await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.versions WHERE applied IS NOT NULL").await, 499);
    assert_eq!(world.told("platform-1-0-217").await, ["denied create failed"]);
    let reason = world.database.ask("SELECT reason FROM pintle.job_state WHERE state = 'dead'").await.unwrap();
    assert!(reason.contains("versions"), "the error does not name the constraint: {reason}");
    let (_, plan) = world.pintle(&["plan"]);
    assert!(plan.contains("failed for good"), "the plan does not show the dead letter:\n{plan}");
    world.assert_whole().await;

    world.database.run("DELETE FROM pintle.versions WHERE name = 'squatter'").await;
    world.repository.change("alice", "versions.yaml", &versions("another target"));
    world.settled().await;
    assert_eq!(world.told("platform-1-0-217").await, ["denied create failed", "effect create ok"]);
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.job_state WHERE state = 'dead'").await, 0);
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn versions_may_change_names_and_swap_numbers() {
    let world = begun().await;
    world.repository.change("alice", "versions.yaml", &[version(1, "x"), version(2, "x")].join("---\n"));
    let daemon = world.daemon();
    world.settled().await;
    let swapped = [version(1, "x").replace("1.0.1", "1.0.2"), version(2, "x").replace("1.0.2", "1.0.1")];
    world.repository.change("alice", "versions.yaml", &swapped.join("---\n"));
    world.settled().await;
    assert_eq!(world.database.list("SELECT version FROM pintle.versions ORDER BY name").await, ["1.0.2", "1.0.1"]);
    let renamed = swapped.map(|text| text.replace("name: platform", "name: core"));
    world.repository.change("alice", "versions.yaml", &renamed.join("---\n"));
    world.settled().await;
    assert_eq!(
        world
            .database
            .count("SELECT count(*) FROM pintle.versions WHERE tombstoned_at IS NULL AND name LIKE 'core%'")
            .await,
        2
    );
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.job_state WHERE state = 'dead'").await, 0);
    world.assert_plans_empty();
    world.assert_whole().await;
    daemon.stop().await;
}
