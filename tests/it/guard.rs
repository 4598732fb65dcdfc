//! What keeps a mistake small, with the real daemon: limits and who lifts them, pauses, protection, and
//! rows that go for good.

use crate::harness::{Daemon, World, suite};
use std::fmt::Write;

const GUARD: &str = "limits: [{match: {kind: Suite}, action: delete, count: 1}]
grace: {delete: 1s}
override: {approvals: 2, from: [all]}
";

fn suites(range: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for number in range {
        write!(text, "---\n{}", suite(&format!("s{number}"), "x")).unwrap();
    }
    text
}

async fn begun() -> (World, Daemon) {
    let world = World::new(&[("suites/all.yaml", suites(0..6)), (".pintle/guard.yaml", GUARD.to_owned())]).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

async fn live(world: &World) -> i64 {
    world.database.count("SELECT count(*) FROM pintle.suites WHERE tombstoned_at IS NULL").await
}

#[tokio::test]
async fn a_plan_beyond_a_limit_does_nothing_until_enough_people_let_it_pass() {
    let (world, daemon) = begun().await;
    world.repository.change("alice", "suites/all.yaml", &suites(0..2));
    world.database.until("(SELECT verdict::text LIKE '%PIN0527%' FROM pintle.sources)").await;
    assert_eq!(live(&world).await, 6);
    let (code, plan) = world.pintle(&["plan"]);
    assert_eq!(code, 3, "{plan}");
    assert!(plan.contains("4, of 6 live; 1 allowed within 24 h"), "{plan}");

    let refused = world.repository.head();
    let verdict = world.database.json("SELECT verdict FROM pintle.sources").await;
    let hint = verdict["held"]["reasons"][0]["hint"].as_str().unwrap().to_owned();
    let actions = hint.split("--for ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let lift = |actions: &str| {
        let words = [
            "approve",
            &refused,
            "--allow-limit",
            "delete Suite",
            "--for",
            actions,
            "--reason",
            "a reorganisation",
            "--yes",
        ];
        words.map(str::to_owned)
    };
    let said = |who: &str, actions: &str| {
        world.repository.sign_as(who);
        let words = lift(actions);
        let (code, said) = world.pintle(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{said}");
    };
    said("bob", &actions);
    said("carol", &"ab".repeat(32));
    world.ticks().await;
    assert_eq!(live(&world).await, 6, "one person, and another for other actions, are not two");
    said("carol", &actions);
    // Looked at again within a minute, or with the next commit: here the doorbell of a row.
    world.database.run("UPDATE pintle.suites SET labels = '{\"a\": \"b\"}' WHERE name = 's0'").await;
    world.database.until("(SELECT verdict IS NOT NULL FROM pintle.sources)").await;
    assert_eq!(live(&world).await, 6, "healing beside it makes them other actions");
    world.database.run("UPDATE pintle.suites SET labels = '{}' WHERE name = 's0'").await;
    world.database.until("(SELECT count(*) = 2 FROM pintle.suites WHERE tombstoned_at IS NULL)").await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_change_that_enough_people_let_pass_a_limit_is_green_before_the_merge_and_done_after_it() {
    let (world, daemon) = begun().await;
    world.repository.git(&["checkout", "--quiet", "-b", "smaller"]);
    world.repository.change("alice", "suites/all.yaml", &suites(0..2));
    let check = || {
        let (code, text) = world.pintle(&["ci", "--rev", "smaller", "--require", "approved", "-o", "json"]);
        (code, serde_json::from_str::<serde_json::Value>(&text).unwrap())
    };
    let (code, refused) = check();
    assert_eq!((code, &refused["check"]["state"]), (3, &"refused".into()));
    let actions = refused["actions"].as_str().unwrap().to_owned();
    let said = |who: &str, limit: &str| {
        world.repository.sign_as(who);
        let reason = ["--for", &actions, "--reason", "a reorganisation", "--yes"];
        let (code, said) = world.pintle(&[&["approve", "smaller", "--allow-limit", limit][..], &reason].concat());
        assert_eq!(code, 0, "{said}");
    };
    said("bob", "delete Suite");
    assert_eq!(check().0, 3, "one person is not two");
    said("carol", "delete any");
    assert_eq!(check().0, 3, "nor is another who lets another limit be passed");
    said("carol", "delete Suite");
    let (code, green) = check();
    assert_eq!((code, &green["check"]["state"]), (0, &"approved".into()));
    assert_eq!(live(&world).await, 6, "nothing is merged yet");
    world.repository.git(&["checkout", "--quiet", "main"]);
    world.repository.sign_as("alice");
    world.repository.git(&["merge", "--quiet", "--no-ff", "-m", "Smaller", "smaller"]);
    world.database.until("(SELECT count(*) = 2 FROM pintle.suites WHERE tombstoned_at IS NULL)").await;
    daemon.stop().await;
}

fn capabilities(count: u32) -> String {
    (0..count).fold(String::new(), |text, number| {
        format!("{text}---\napiVersion: pintle/v1\nkind: Capability\nmetadata: {{name: c{number}}}\nspec: {{description: x}}\n")
    })
}

#[tokio::test]
async fn a_limit_of_anything_counts_kinds_together_though_they_go_one_after_the_other() {
    let guard = "limits: [{action: delete, count: 2}]\n".to_owned();
    let documents =
        [("suites.yaml", suites(0..4)), ("capabilities.yaml", capabilities(4)), (".pintle/guard.yaml", guard)];
    let world = World::new(&documents).await;
    let daemon = world.daemon();
    world.settled().await;
    world.repository.change("alice", "suites.yaml", &suites(0..2));
    world.database.until("(SELECT count(*) = 2 FROM pintle.suites WHERE tombstoned_at IS NULL)").await;
    world.repository.change("alice", "capabilities.yaml", &capabilities(3));
    world.database.until("(SELECT verdict::text LIKE '%PIN0527%' FROM pintle.sources)").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.capabilities WHERE tombstoned_at IS NULL").await, 4);
    let (_, status) = world.pintle(&["status"]);
    assert!(status.contains("accepted, not carried out for") && status.contains("delete any: 1 beside 2"), "{status}");
    assert!(
        status.contains(&format!("next: take the change back (pintle rollback {})", &world.repository.head()[..7])),
        "{status}"
    );
    let (code, waited) = world.pintle(&["wait", &world.repository.head()]);
    assert!(code == 3 && waited.contains("delete any"), "{code}: {waited}");
    daemon.stop().await;
}

#[tokio::test]
async fn a_tombstoned_row_goes_after_its_grace() {
    let (world, daemon) = begun().await;
    world.repository.change("alice", "suites/all.yaml", &suites(0..5));
    world.database.until("(SELECT count(*) = 5 FROM pintle.suites)").await;
    let told = world.told("s5").await;
    assert_eq!(told, ["effect create ok", "effect delete ok", "effect remove ok"]);
    world.assert_whole().await;
    daemon.stop().await;
}

const OVER: &str = "UPDATE pintle.suites SET tombstoned_at = clock_timestamp() - interval '2 hours' WHERE name = 's5'";

/// A world with a tombstone whose grace is an hour, and its last accepted commit.
async fn with_a_tombstone() -> (World, Daemon, String) {
    let (world, daemon) = begun().await;
    let base = world.repository.head();
    world.repository.change("alice", ".pintle/guard.yaml", &GUARD.replace("1s", "1h"));
    world.repository.approve("alice", &base);
    world.settled().await;
    world.repository.change("alice", "suites/all.yaml", &suites(0..5));
    world.settled().await;
    assert_eq!(live(&world).await, 5);
    let accepted = world.repository.head();
    (world, daemon, accepted)
}

/// Somebody brings the document back, and nobody approved it yet.
async fn brought_back(world: &World) {
    world.repository.write("suites/all.yaml", &suites(0..6));
    let held = world.repository.commit_unsigned("mallory", "Back");
    world.database.until(&format!("(SELECT seen_tip = '{held}' FROM pintle.sources)")).await;
}

#[tokio::test]
async fn no_row_goes_while_a_tip_that_is_not_accepted_may_bring_it_back() {
    let (world, daemon, accepted) = with_a_tombstone().await;
    brought_back(&world).await;
    world.database.run(OVER).await;
    world.database.until("EXISTS (SELECT FROM pintle.waiting w WHERE w::text LIKE '%newer-tip%')").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 6, "the row is still there");
    // What brings it back is approved: the row keeps its identity.
    let uid = world.database.ask("SELECT uid FROM pintle.suites WHERE name = 's5'").await;
    world.repository.approve("alice", &accepted);
    world.settled().await;
    assert_eq!(live(&world).await, 6);
    assert_eq!(world.database.ask("SELECT uid FROM pintle.suites WHERE name = 's5'").await, uid);
    daemon.stop().await;
}

/// A removal is planned and rung, its leader dies, `fault` comes, and a worker hears the doorbell.
async fn not_removed_after(fault: &str) {
    let (world, daemon, _) = with_a_tombstone().await;
    daemon.stop().await;
    world.lease_expires().await;
    let reconciler = Daemon::start(&world, "reconciler", &[("PINTLE_ROLE", "reconciler")]);
    world.database.run(OVER).await;
    crate::harness::eventually("it is rung", async || world.redis.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await == 1)
        .await;
    reconciler.kill().await;
    assert_eq!(world.database.run(fault).await, 1, "the fault happened");
    let worker = Daemon::start(&world, "worker", &[("PINTLE_ROLE", "worker")]);
    let removal = "SELECT s.state || ' ' || s.reason FROM pintle.jobs j JOIN pintle.job_state s ON s.job_id = j.id WHERE j.action = 'remove'";
    world.database.until(&format!("(({removal}) = 'superseded stale')")).await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 6);
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_removes_nothing_that_an_older_leader_planned() {
    not_removed_after("UPDATE pintle.leader SET since = clock_timestamp()").await;
}

#[tokio::test]
async fn a_worker_removes_nothing_once_a_newer_tip_was_fetched() {
    not_removed_after("UPDATE pintle.sources SET seen_tip = repeat('1', 40)").await;
}

#[tokio::test]
async fn a_worker_removes_nothing_when_the_remote_has_been_silent() {
    not_removed_after("UPDATE pintle.sources SET fetched_at = clock_timestamp() - interval '1 hour'").await;
}

#[tokio::test]
async fn nothing_starts_after_a_pause_returned_and_all_of_it_does_when_it_is_resumed() {
    let (world, daemon) = begun().await;
    let (code, said) = world.pintle(&["pause", "suites", "--reason", "the region is being moved"]);
    assert_eq!(code, 0, "{said}");
    world.repository.change("alice", "suites/all.yaml", &suites(0..7));
    world.repository.change("alice", "README.md", "seen");
    world.settled().await;
    assert_eq!(live(&world).await, 6);
    let (_, why) = world.pintle(&["why", "Suite/s6"]);
    assert!(why.contains("the region is being moved") && why.contains("pintle resume Suite"), "{why}");
    let (_, status) = world.pintle(&["status"]);
    assert!(status.contains("the region is being moved (pintle resume Suite)"), "{status}");
    let (code, said) = world.pintle(&["status", "-o", "json"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = world.pintle(&["resume", "suites"]);
    assert_eq!(code, 0, "{said}");
    world.database.until("(SELECT count(*) = 7 FROM pintle.suites)").await;
    let told = "SELECT action FROM pintle.audit_logs WHERE action IN ('pause', 'resume') ORDER BY recorded_at";
    assert_eq!(world.database.list(told).await, ["pause", "resume"]);
    daemon.stop().await;
}

#[tokio::test]
async fn a_worker_does_not_start_what_was_paused_after_it_was_planned() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    world.repository.change("alice", "suites/all.yaml", &suites(0..7));
    let reconciler = Daemon::start(&world, "reconciler", &[("PINTLE_ROLE", "reconciler")]);
    crate::harness::eventually("it is rung", async || world.redis.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await == 1)
        .await;
    // Who planned it would take it back before a worker hears of it.
    reconciler.kill().await;
    let (code, said) = world.pintle(&["pause", "Suite/s6", "--reason", "not this one"]);
    assert_eq!(code, 0, "{said}");
    let worker = Daemon::start(&world, "worker", &[("PINTLE_ROLE", "worker")]);
    world
        .database
        .until("EXISTS (SELECT FROM pintle.job_state WHERE state = 'superseded' AND reason = 'paused')")
        .await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites").await, 6);
    worker.stop().await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_end_a_protected_row() {
    let (world, daemon) = begun().await;
    let protected = suites(0..5)
        + "---\n"
        + &suite("s5", "x")
            .replace("metadata: {name: s5}", "metadata: {name: s5, annotations: {pintle/protect: \"true\"}}");
    assert!(protected.contains("pintle/protect"), "{protected}");
    world.repository.change("alice", "suites/all.yaml", &protected);
    world.settled().await;
    for statement in [
        "DELETE FROM pintle.suites WHERE name = 's5'",
        "UPDATE pintle.suites SET tombstoned_at = now() WHERE name = 's5'",
    ] {
        let refused = world.database.try_run(statement).await.unwrap_err().to_string();
        assert!(refused.contains("is protected by pintle/protect"), "{refused}");
    }
    world.repository.change("alice", "suites/all.yaml", &suites(0..5));
    world.settled().await;
    assert_eq!(live(&world).await, 6);
    daemon.stop().await;
}

#[tokio::test]
async fn reported_drift_is_told_and_left_through_changes_of_the_document() {
    let guard = "drift: [{match: {kind: Suite}, fields: [spec.owner], mode: report}]\n";
    let world = World::new(&[("suites/s.yaml", suite("s", "one")), (".pintle/guard.yaml", guard.to_owned())]).await;
    let daemon = world.daemon();
    world.settled().await;
    let by_hand = "UPDATE pintle.suites SET spec = jsonb_set(spec, '{owner}', '\"them\"') WHERE name = 's'";
    world.database.run(by_hand).await;
    world.database.until("EXISTS (SELECT FROM pintle.waiting w WHERE w::text LIKE '%reported%')").await;
    world.repository.change("alice", "suites/s.yaml", &suite("s", "two"));
    world.settled().await;
    let row = "SELECT (spec ->> 'owner') || ' ' || (spec ->> 'description') FROM pintle.suites WHERE name = 's'";
    assert_eq!(world.database.ask(row).await.as_deref(), Some("them two"));
    let base = "SELECT applied #>> '{spec,owner}' FROM pintle.suites WHERE name = 's'";
    assert_ne!(world.database.ask(base).await.as_deref(), Some("them"), "the base is what is declared");
    world.assert_plans_empty();
    daemon.stop().await;
}

#[tokio::test]
async fn a_plan_over_a_snapshot_is_judged_by_the_guard_that_was_admitted_or_of_its_base() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let file = world.path().join("live.json").display().to_string();
    let (code, said) = world.pintle(&["snapshot", &file]);
    assert_eq!(code, 0, "{said}");
    world.repository.write(".pintle/guard.yaml", &GUARD.replace("count: 1", "count: 9"));
    world.repository.write("suites/all.yaml", &suites(0..2));
    world.repository.commit("alice", "Fewer suites, and a limit that lets them go");
    let (code, said) = world.pintle(&["plan", "--live", &file]);
    assert!(code == 3 && said.contains("4, of 6 live; 1 allowed"), "no commit raises its own limit: {said}");
    // As an older Pintle wrote it: nothing was said of that.
    let mut old: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for new in ["moved", "standing", "admitted"] {
        old.as_object_mut().unwrap().remove(new).unwrap();
    }
    std::fs::write(&file, old.to_string()).unwrap();
    let (code, said) = world.pintle(&["plan", "--live", &file]);
    assert_eq!(code, 0, "its own guard alone: {said}");
    let (code, said) = world.pintle(&["plan", "--live", &file, "--base", "HEAD~1"]);
    assert!(code == 3 && said.contains("4, of 6 live; 1 allowed"), "no commit raises its own limit: {said}");
}

#[tokio::test]
async fn a_snapshot_does_not_tell_what_looks_like_a_secret_and_the_same_is_planned_over_it() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let token = format!("ghp_{}", "0".repeat(40));
    let typed =
        format!("UPDATE pintle.suites SET spec = jsonb_set(spec, '{{owner}}', '\"{token}\"') WHERE name = 's1'");
    world.database.run(&typed).await;
    let file = world.path().join("live.json").display().to_string();
    let (code, said) = world.pintle(&["snapshot", &file]);
    assert_eq!(code, 0, "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("(hidden)") && !text.contains(&token));
    let actions = |arguments: &[&str]| -> serde_json::Value {
        let (_, said) = world.pintle(arguments);
        let plan: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(plan["counts"]["heal"], 1, "{said}");
        plan["actions"].clone()
    };
    assert_eq!(actions(&["plan", "-o", "json", "--live", &file]), actions(&["plan", "-o", "json"]));
}

#[tokio::test]
async fn of_more_than_a_thousand_that_wait_each_says_why() {
    let guard = "modes: [{match: {kind: Suite}, mode: observe}]\n";
    let all = (0..1_100).map(|number| suite(&format!("s{number:04}"), "one")).collect::<Vec<_>>().join("---\n");
    let world = World::new(&[("suites/all.yaml", all), (".pintle/guard.yaml", guard.to_owned())]).await;
    let daemon = world.daemon();
    world.database.until("((SELECT count(*) FROM pintle.waiting) = 1100)").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.waiting_reasons").await, 1, "one reason of all");
    let (_, told) = world.pintle(&["why", "Suite/s1099"]);
    assert!(told.contains("the guard's mode is observe"), "{told}");
    let (_, told) = world.pintle(&["status", "-o", "json"]);
    assert!(told.contains("\"waitingCount\": 1100"), "{}", told.len());
    let base = world.repository.head();
    world.repository.change("alice", ".pintle/guard.yaml", "limits: []\n");
    world.repository.approve("alice", &base);
    world.settled().await;
    // A guard loosens what comes after its commit.
    world.repository.change("alice", "README.md", "nothing");
    world.database.until("NOT EXISTS (SELECT FROM pintle.waiting)").await;
    world.database.until("((SELECT count(*) FROM pintle.suites) = 1100)").await;
    daemon.stop().await;
}
