//! How many instances move at once, where a service says how far it has come with each.

use crate::harness::{Daemon, World, instance, partner};

const GUARD: &str = "limits: []\nmoving: {global: 1}\n";
const ALL: &str = "instances/all.yaml";
const NAMES: [&str; 3] = ["a", "b", "c"];
/// How many rows say what was changed.
const MOVED: &str = "SELECT count(*) FROM pintle.instances WHERE spec #>> '{resources,cpu}' = '2'";

fn instances(cpu: u32) -> String {
    NAMES.map(|name| instance(name, "acme", cpu)).join("---\n")
}

/// Three instances that are there, with `guard` and `more`, and a change of all of them that two people approved.
async fn changed(guard: &str, more: &[(&str, String)]) -> (World, Daemon) {
    let mut files =
        vec![("partners/acme.yaml", partner("acme")), (ALL, instances(1)), (".pintle/guard.yaml", guard.to_owned())];
    files.extend(more.iter().cloned());
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    for name in NAMES {
        says(&world, name, "{}").await;
    }
    let base = world.repository.head();
    world.repository.change("alice", ALL, &instances(2));
    for who in ["bob", "carol"] {
        world.repository.approve(who, &base);
    }
    (world, daemon)
}

/// The service says that it has carried out what the row of `name` says.
async fn says(world: &World, name: &str, status: &str) {
    let row = format!(
        "SELECT pintle_api.observe_v1(uid, generation, '{status}') FROM pintle.instances WHERE name = '{name}'"
    );
    world.database.ask(&row).await.unwrap();
}

/// The instance that was written and not carried out.
async fn under_way(world: &World) -> String {
    let lag = "FROM pintle_api.instances_v1 WHERE observed_generation < generation";
    world.database.until(&format!("(SELECT count(*) = 1 {lag})")).await;
    world.database.ask(&format!("SELECT name {lag}")).await.unwrap()
}

/// Waits until what waits says `text`.
async fn waits(world: &World, text: &str) {
    world.database.until(&format!("EXISTS (SELECT FROM pintle.waiting w WHERE w::text LIKE '%{text}%')")).await;
}

#[tokio::test]
async fn the_next_moves_when_the_service_says_that_the_one_before_has_arrived() {
    let (world, daemon) = changed(GUARD, &[]).await;
    for moved in 1..=3 {
        let name = under_way(&world).await;
        assert_eq!(world.database.count(MOVED).await, moved, "{name} moves, and no other");
        if moved < 3 {
            waits(&world, "1 of the fleet move, 1 may at once").await;
        }
        says(&world, &name, "{}").await;
    }
    world.settled().await;
    world.assert_plans_empty();
    daemon.stop().await;
}

#[tokio::test]
async fn a_run_in_waves_halts_when_the_service_says_that_it_failed_and_goes_on_when_it_did_not() {
    let guard = "limits: []\nmoving: {perPartner: 9, maxUnavailable: 100%}\npace: [{match: {kind: Instance}, above: 1, rollout: careful}]\n";
    let rollout = "apiVersion: pintle/v1\nkind: Rollout\nmetadata: {name: careful}\n\
        spec: {waves: [{name: canary, count: 1}, {name: all, percent: 100}], tighten: {global: 1}}\n";
    let (world, daemon) = changed(guard, &[("rollouts/careful.yaml", rollout.to_owned())]).await;
    let canary = under_way(&world).await;
    waits(&world, "wave all of careful has not come").await;
    says(&world, &canary, r#"{"failed": "no disk"}"#).await;
    waits(&world, "wave all of careful is halted: 1 before it failed").await;
    assert_eq!(world.database.count(MOVED).await, 1);
    let began = "SELECT commit FROM pintle.accepted_commits a JOIN pintle.paced_runs p ON p.since_seq = a.seq";
    let began = world.database.ask(began).await.unwrap();
    let (code, told) = world.pintle(&["wait", &began]);
    assert!(code == 1 && told.contains(" halted: wave all of careful is halted: 1 before it failed"), "{told}");
    let (_, told) = world.pintle(&["why", &began]);
    assert!(told.contains("wave all of careful is halted"), "{told}");
    // A commit after it moves nothing itself.
    world.repository.change("alice", "README.md", "nothing");
    let (code, told) = world.pintle(&["wait", "HEAD"]);
    assert!(code == 0 && told.contains("careful since") && told.contains("wave all of careful is halted"), "{told}");
    says(&world, &canary, "{}").await;
    // The Rollout is tighter than the guard: one by one.
    for moved in 2..=3 {
        let name = under_way(&world).await;
        assert_eq!(world.database.count(MOVED).await, moved, "{name} moves, and no other");
        says(&world, &name, "{}").await;
    }
    world.settled().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_wave_in_which_nobody_came_in_time_halts_the_run() {
    let guard = "limits: []\npace: [{match: {kind: Instance}, above: 1, rollout: careful}]\n";
    let rollout = "apiVersion: pintle/v1\nkind: Rollout\nmetadata: {name: careful}\n\
        spec: {waveDeadline: 3s, waves: [{name: canary, count: 1}, {name: all, percent: 100}]}\n";
    let (world, daemon) = changed(guard, &[("rollouts/careful.yaml", rollout.to_owned())]).await;
    under_way(&world).await;
    waits(&world, "wave all of careful is halted: too few before it came in time").await;
    assert_eq!(world.database.count(MOVED).await, 1);
    daemon.stop().await;
}

#[tokio::test]
async fn a_wave_that_somebody_opened_stays_open_while_what_is_in_it_waits_for_others_to_arrive() {
    let guard = "limits: []\nmoving: {global: 1}\npace: [{match: {kind: Instance}, above: 1, rollout: careful}]\n";
    let rollout = "apiVersion: pintle/v1\nkind: Rollout\nmetadata: {name: careful}\n\
        spec: {waves: [{name: canary, count: 1}, {name: all, percent: 100, gate: manual}]}\n";
    let (world, daemon) = changed(guard, &[("rollouts/careful.yaml", rollout.to_owned())]).await;
    says(&world, &under_way(&world).await, "{}").await;
    waits(&world, "pintle advance careful all").await;
    let (code, said) = world.pintle(&["advance", "careful", "all", "--reason", "the canary is well"]);
    assert_eq!(code, 0, "{said}");
    let second = under_way(&world).await;
    waits(&world, "1 of the fleet move").await;
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.paced_runs").await, 1, "the run goes on");
    says(&world, &second, "{}").await;
    let third = under_way(&world).await;
    assert_eq!(world.database.count(MOVED).await, 3);
    says(&world, &third, "{}").await;
    world.settled().await;
    daemon.stop().await;
}
