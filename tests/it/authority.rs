//! Authority in a running daemon: what is withdrawn, denied, revoked or rewritten, what proves itself
//! again after everything but the database is lost, and what a database alone cannot claim.

use crate::harness::{Daemon, World, eventually, suite};
use pintle_core::change::Oid;
use pintle_core::trust::Word;

const CRM: &str = "suites/crm.yaml";
/// Takes two of alice, bob and carol.
const INSTANCE: &str = "instances/one.yaml";

fn instance(memory: &str) -> String {
    format!(
        "apiVersion: pintle/v1\nkind: Instance\nmetadata: {{name: one}}\nspec: {{type: shared-saas, resources: {{memory: {memory}}}}}\n"
    )
}

/// A world with an instance, applied.
async fn begun() -> (World, Daemon) {
    let world = World::new(&[(CRM, suite("crm", "one")), (INSTANCE, instance("1Gi"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

fn state_dir(world: &World) -> String {
    world.path().join("daemon.state").display().to_string()
}

async fn memory(world: &World) -> String {
    world.database.ask("SELECT spec #>> '{resources,memory}' FROM pintle.instances WHERE name = 'one'").await.unwrap()
}

fn change(world: &World, base: &str) -> pintle_core::change::ChangeId {
    let text = world.repository.approval(base);
    text.split("change=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_squash_that_the_approvals_ref_proved_is_proven_again_without_ref_and_mirror() {
    let (world, daemon) = begun().await;
    let base = world.repository.head();
    world.repository.git(&["checkout", "--quiet", "-b", "work"]);
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    let approval = world.repository.approve("bob", &base);
    let second = world.repository.approve("carol", &base);
    world.repository.git(&["checkout", "--quiet", "main"]);
    for (name, oid) in [("bob", &approval), ("carol", &second)] {
        world.repository.git(&["update-ref", &format!("refs/pintle/approvals/{name}"), oid]);
    }
    world.repository.git(&["merge", "--quiet", "--squash", "work"]);
    world.repository.commit_unsigned("alice", "Squashed");
    world.settled().await;
    assert_eq!(memory(&world).await, "2Gi");
    daemon.stop().await;
    for name in ["bob", "carol"] {
        world.repository.git(&["update-ref", "-d", &format!("refs/pintle/approvals/{name}")]);
    }
    world.repository.git(&["branch", "--quiet", "-D", "work"]);
    world.repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repository.git(&["gc", "--quiet", "--prune=now"]);
    std::fs::remove_dir_all(world.path().join("daemon.state/mirror.git")).unwrap();
    assert!(!world.repository.has(&approval), "the evidence is gone from the forge");
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let daemon = world.daemon();
    world.settled().await;
    assert_eq!(memory(&world).await, "2Gi");
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_denied_on_this_host_is_held_at_once_and_undone_as_fast() {
    let (world, daemon) = begun().await;
    let base = world.repository.head();
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    let id = change(&world, &base).to_string();
    let (code, said) =
        world.pintle(&["trust", "deny", "--state-dir", &state_dir(&world), "--reason", "too soon", "change", &id]);
    assert_eq!(code, 0, "{said}");
    world.repository.approve("bob", &base);
    world.repository.approve("carol", &base);
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("denied on this host"), "{verdict}");
    assert_eq!(memory(&world).await, "1Gi");
    let (code, said) = world.pintle(&["trust", "deny", "--state-dir", &state_dir(&world), "--undo", "change", &id]);
    assert_eq!(code, 0, "{said}");
    world.settled().await;
    assert_eq!(memory(&world).await, "2Gi");
    daemon.stop().await;
}

#[tokio::test]
async fn a_withdrawal_is_kept_when_the_forge_takes_its_ref_away() {
    let (world, daemon) = begun().await;
    let base = world.repository.head();
    let main = world.repository.git(&["rev-parse", "HEAD"]);
    world.repository.git(&["checkout", "--quiet", "-b", "work"]);
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    let id = change(&world, &base);
    world.repository.approve("bob", &base);
    let end = world.repository.approve("carol", &base);
    let oid: Oid = main.parse().unwrap();
    let withdrawal = world.repository.say("bob", &world.repository.statement(Word::Withdraw, oid, id));
    world.repository.git(&["checkout", "--quiet", "main"]);
    world.repository.git(&["update-ref", "refs/pintle/approvals/no", &withdrawal]);
    // The daemon sees it with the merge, then the forge hides it.
    let forge = ["-c", "user.name=forge", "-c", "user.email=forge@it.example"];
    let merge = ["merge", "--quiet", "--no-ff", "--no-gpg-sign", "-m", "Merge", &end];
    world.repository.git(&[&forge[..], &merge[..]].concat());
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0517"), "{verdict}");
    world.repository.git(&["update-ref", "-d", "refs/pintle/approvals/no"]);
    world.ticks().await;
    assert_eq!(memory(&world).await, "1Gi", "what was seen once is not forgotten");
    daemon.stop().await;
}

#[tokio::test]
async fn a_rewritten_history_is_considered_only_after_an_operator_looked() {
    let (world, daemon) = begun().await;
    let first = world.repository.head();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    let accepted = world.repository.head();
    world.repository.git(&["reset", "--quiet", "--hard", &first]);
    world.repository.change("alice", CRM, &suite("crm", "three"));
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0521"), "{verdict}");
    let rewritten = world.repository.head();
    let reason = ["--reason", "a secret was in it", &rewritten];
    let (code, said) =
        world.pintle(&[&["trust", "accept-rewrite", "--state-dir", &state_dir(&world)][..], &reason].concat());
    assert_eq!(code, 0, "{said}");
    // The change from what is accepted to it still needs its approval, which names that base.
    world.repository.sign_as("bob");
    let (code, said) = world.pintle(&["approve", "--rewrite", "--yes"]);
    assert_eq!(code, 0, "{said}");
    let told = world.repository.git(&["log", "-1", "--format=%B"]);
    assert!(told.contains(&format!("base={accepted}")), "{told}");
    world.settled().await;
    let text = "SELECT spec ->> 'description' FROM pintle.suites WHERE name = 'crm'";
    assert_eq!(world.database.ask(text).await.as_deref(), Some("three"));
    daemon.stop().await;
}

#[tokio::test]
async fn times_that_only_the_database_claims_are_not_believed() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let base = world.repository.head();
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    // Approved a month ago by the signers' clocks: far too old to be accepted today.
    let old = "2020-01-01T00:00:00Z";
    let message = world.repository.approval(&base);
    let approvals: Vec<String> = ["bob", "carol"].map(|who| world.repository.say_at(who, &message, old)).to_vec();
    let work = world.repository.git(&["rev-parse", "HEAD~2"]);
    let id = change_of(&message);
    let counted = "[]";
    world
        .database
        .run(&format!(
            "INSERT INTO pintle.accepted_commits (source_id, seq, commit, change_id, accepted_at, acceptance) \
             SELECT 'default', max(seq) + 1, '{work}', '{id}', '{old}', jsonb_build_object('commit', '{work}', 'seq', max(seq) + 1, \
             'changeId', '{id}', 'policyVersion', 1, 'acceptedAt', '{old}', 'counted', '{counted}'::jsonb, \
             'evidence', '[\"{}\", \"{}\"]'::jsonb) FROM pintle.accepted_commits",
            approvals[0], approvals[1]
        ))
        .await;
    let daemon = world.daemon();
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0523"), "{verdict}");
    assert_eq!(memory(&world).await, "1Gi");
    daemon.stop().await;
}

fn change_of(message: &str) -> String {
    message.split("change=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn recover_shows_both_sides_changes_nothing_unasked_and_goes_on_from_the_database() {
    let (world, daemon) = begun().await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    daemon.stop().await;
    world.database.run("DELETE FROM pintle.accepted_commits WHERE seq = 2").await;
    let daemon = world.daemon();
    daemon.says("was a backup restored").await;
    daemon.stop().await;
    let file = world.path().join("daemon.state/accepted.json");
    let before = std::fs::read(&file).unwrap();
    let recover = ["recover", "--state-dir", &state_dir(&world), "--reason", "restored the backup of Monday"];
    let (code, said) = world.pintle(&recover);
    assert!(
        code == 0 && said.contains("as 2") && said.contains("as 1") && said.contains("Nothing was changed"),
        "{said}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let (code, said) = world.pintle(&[&recover[..], &["--yes"]].concat());
    assert_eq!(code, 0, "{said}");
    let daemon = world.daemon();
    world.database.until("EXISTS (SELECT FROM pintle.accepted_commits WHERE seq = 2)").await;
    world.settled().await;
    let records = "SELECT count(*) FROM pintle.audit_logs WHERE action = 'recover'";
    assert_eq!(world.database.count(records).await, 1);
    daemon.stop().await;
}

/// A change that is held, because one of its approvals is for actions it does not have.
async fn held_for_other_actions(world: &World) {
    let base = world.repository.head();
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    let message = world.repository.approval(&base);
    world.repository.say("bob", &format!("{} actions={}\n", message.trim_end(), "ab".repeat(32)));
    world.repository.say("carol", &message);
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0525"), "{verdict}");
}

#[tokio::test]
async fn other_actions_than_those_approved_are_not_done() {
    let (world, daemon) = begun().await;
    held_for_other_actions(&world).await;
    assert_eq!(memory(&world).await, "1Gi");
    daemon.stop().await;
}

#[tokio::test]
async fn exactly_the_actions_that_were_approved_are_done() {
    let (world, daemon) = begun().await;
    let base = world.repository.head();
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    let actions = actions(&world, &[]);
    let message = world.repository.approval(&base);
    world.repository.say("bob", &(message.trim_end().to_owned() + " actions=" + &actions + "\n"));
    world.repository.say("carol", &message);
    world.settled().await;
    assert_eq!(memory(&world).await, "2Gi");
    daemon.stop().await;
}

/// The actions of the plan that `words` ask for.
fn actions(world: &World, words: &[&str]) -> String {
    let (code, plan) = world.pintle(&[&["plan", "-o", "json"], words].concat());
    assert_eq!(code, 0, "{plan}");
    serde_json::from_str::<serde_json::Value>(&plan).unwrap()["actions"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_changes_that_come_at_once_are_done_when_each_does_what_it_was_approved_for() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let mut base = world.repository.head();
    for memory in ["2Gi", "3Gi"] {
        world.repository.change("alice", INSTANCE, &instance(memory));
        let message = world.repository.approval(&base).trim_end().to_owned();
        let actions = actions(&world, &["--against", &base]);
        world.repository.say("bob", &format!("{message} actions={actions}\n"));
        world.repository.say("carol", &format!("{message}\n"));
        base = world.repository.head();
    }
    world.lease_expires().await;
    let daemon = world.daemon();
    world.settled().await;
    assert_eq!(memory(&world).await, "3Gi");
    daemon.stop().await;
}

#[tokio::test]
async fn what_would_do_something_else_by_now_goes_on_with_a_change_that_is_approved_for_that() {
    let (world, daemon) = begun().await;
    held_for_other_actions(&world).await;
    world.repository.change("alice", INSTANCE, &instance("4Gi"));
    world.repository.sign_as("bob");
    let (code, said) = world.pintle(&["approve", "HEAD", "--actions", "--yes"]);
    assert_eq!(code, 0, "{said}");
    world.settled().await;
    assert_eq!(memory(&world).await, "4Gi");
    daemon.stop().await;
}

#[tokio::test]
async fn another_reading_of_the_accepted_tree_holds_until_the_people_of_the_policy_approve_it() {
    let (world, daemon) = begun().await;
    let first = world.repository.head();
    let file = world.path().join("daemon.state/accepted.json");
    eventually("what the tree means is written down", async || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("reading") && text.contains(&first))
    })
    .await;
    daemon.stop().await;
    // As a Pintle that understood the tree otherwise would have left it.
    let text = std::fs::read_to_string(&file).unwrap();
    let (line, _) = text.split_once('\n').unwrap();
    let mut state: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(state["reading"]["digest"].is_string(), "it is written down: {state}");
    state["reading"]["digest"] = "00".repeat(32).into();
    let line = state.to_string();
    let digest = pintle_core::change::Digest::of(line.as_bytes());
    std::fs::write(&file, format!("{line}\n{digest}\n")).unwrap();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let daemon = world.daemon();
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0526"), "{verdict}");
    let reading = ["approve", &first, "--reading", &"00".repeat(32), "--yes"];
    world.repository.sign_as("bob");
    let (code, said) = world.pintle(&reading);
    assert_eq!(code, 0, "{said}");
    let bobs = verdict["held"]["reasons"][0]["hint"].as_str().unwrap();
    assert!(bobs.contains(reading[3]), "the very command: {bobs}");
    world.ticks().await;
    assert!(world.held().await.to_string().contains("PIN0526"), "bob is not root");
    world.repository.sign_as("alice");
    let (code, said) = world.pintle(&reading);
    assert_eq!(code, 0, "{said}");
    world.settled().await;
    daemon.stop().await;
    let now = std::fs::read_to_string(&file).unwrap();
    assert!(!now.contains(reading[3]), "the new reading is written down: {now}");
}

#[tokio::test]
async fn alarms_stand_in_status_and_metrics_and_go_with_their_cause() {
    let (world, daemon) = begun().await;
    let (_, status) = world.pintle(&["status"]);
    assert!(status.contains("PIN0533"), "root has no spare: {status}");
    daemon.stop().await;
    let daemon = Daemon::start(&world, "daemon", &[("PINTLE_BLOCKED_AFTER", "0")]);
    world.repository.change("alice", INSTANCE, &instance("2Gi"));
    world.database.until("(SELECT alarms::text LIKE '%PIN0536%' FROM pintle.sources)").await;
    let held = world.repository.head();
    world.repository.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    world.database.until("(SELECT alarms::text LIKE '%PIN0534%' FROM pintle.sources)").await;
    daemon.says(&format!("{} was seen and is no longer", &held[..7])).await;
    world.database.until("(SELECT alarms::text NOT LIKE '%PIN0536%' FROM pintle.sources)").await;
    daemon.stop().await;
}
