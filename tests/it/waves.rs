//! A wide change in waves, and drift that is wider than a limit, with the real daemon.

use crate::harness::{World, suite};

const GUARD: &str = "pace: [{match: {kind: Suite}, above: 2, rollout: careful}]
limits: [{match: {kind: Suite}, action: update, count: 2}]
";
const ROLLOUT: &str = "apiVersion: pintle/v1
kind: Rollout
metadata: {name: careful}
spec: {waves: [{name: canary, count: 1}, {name: all, percent: 100, gate: manual}]}
";
const ALL: &str = "suites/all.yaml";
const MOVED: &str = "SELECT count(*) FROM pintle.suites WHERE description = 'two'";

fn suites(description: &str) -> String {
    (0..5).map(|number| suite(&format!("s{number}"), description)).collect::<Vec<_>>().join("---\n")
}

async fn begun() -> World {
    let files = [(ALL, suites("one")), (".pintle/guard.yaml", GUARD.into()), ("rollouts/careful.yaml", ROLLOUT.into())];
    World::new(&files).await
}

#[tokio::test]
async fn a_run_goes_on_over_commits_and_restarts_until_somebody_opens_its_last_wave() {
    let world = begun().await;
    let daemon = world.daemon();
    world.settled().await;
    world.repository.change("alice", ALL, &suites("two"));
    world
        .database
        .until("EXISTS (SELECT FROM pintle.waiting w WHERE w::text LIKE '%pintle advance careful all%')")
        .await;
    assert_eq!(world.database.count(MOVED).await, 1, "the canary");
    let wide = world.repository.head();
    let (code, told) = world.pintle(&["wait", &wide]);
    assert!(code == 0 && told.contains("as far as it may go") && told.contains("4 objects waiting"), "{told}");
    assert!(told.contains("next: pintle advance careful all"), "{told}");
    let (code, told) = world.pintle(&["status"]);
    assert!(code == 0 && told.contains("careful since") && told.contains("waits until somebody opens it"), "{told}");
    let (_, told) = world.pintle(&["status", "-o", "json"]);
    assert!(told.contains("\"halted\": false"), "{told}");
    let applied = format!("(SELECT applied_commit = '{wide}' FROM pintle.sources)");
    assert_eq!(world.database.ask(&format!("SELECT {applied}")).await.as_deref(), Some("false"), "four wait");
    daemon.stop().await;
    world.lease_expires().await;
    let daemon = world.daemon();
    world.repository.change("alice", "README.md", "nothing");
    let head = world.repository.head();
    world.database.until(&format!("(SELECT applied_commit = '{head}' FROM pintle.sources)")).await;
    assert_eq!(world.database.count(MOVED).await, 1, "a commit beside it opens nothing");
    let (code, told) = world.pintle(&["simulate", "--for", "1d"]);
    assert!(code == 0 && told.contains("waits until somebody opens it"), "{told}");

    let (code, told) = world.pintle(&["advance", "careful", "everyone", "--reason", "looks fine"]);
    assert!(code == 1 && told.contains("has no wave `everyone`") && told.contains("canary, all"), "{told}");
    let (code, told) = world.pintle(&["advance", "careful", "all", "--reason", "looks fine", "-o", "json"]);
    assert_eq!(code, 0, "{told}");
    world.database.until(&format!("(({MOVED}) = 5)")).await;
    world.database.until("NOT EXISTS (SELECT FROM pintle.paced_runs)").await;
    let (code, told) = world.pintle(&["wait", &wide]);
    assert!(code == 0 && told.contains("is applied wherever it can be"), "{told}");
    let records = "SELECT count(*) FROM pintle.audit_logs WHERE action = 'advance'";
    assert_eq!(world.database.count(records).await, 1);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn drift_beyond_a_limit_waits_and_holds_no_commit_up() {
    let guard = "limits: [{match: {kind: Suite}, action: update, count: 2}]\n";
    let world = World::new(&[(ALL, suites("one")), (".pintle/guard.yaml", guard.into())]).await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.run("UPDATE pintle.suites SET labels = '{\"by\": \"hand\"}' WHERE name <> 's0'").await;
    world.database.until("EXISTS (SELECT FROM pintle.waiting w WHERE w::text LIKE '%limited%')").await;
    world.repository.change("alice", "suites/new.yaml", &suite("new", "one"));
    world.database.until("EXISTS (SELECT FROM pintle.suites WHERE name = 'new')").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites WHERE drifted").await, 4);
    world.database.run("UPDATE pintle.suites SET labels = '{}' WHERE name IN ('s1', 's2')").await;
    world.database.until("NOT EXISTS (SELECT FROM pintle.suites WHERE drifted)").await;
    let healed = "SELECT count(*) FROM pintle.audit_logs WHERE action = 'heal'";
    assert_eq!(world.database.count(healed).await, 2, "what the limit has room for");
    daemon.stop().await;
}
