//! Many processes, one leader.

use super::{CRM, begun, description, many};
use crate::harness::{Daemon, World, eventually_within, suite};
use nix::sys::signal::Signal;
use std::time::Duration;

fn two(world: &World) -> [Daemon; 2] {
    ["one", "two"].map(|name| Daemon::start(world, name, &[]))
}

/// The daemon that leads, and the other.
async fn leader(world: &World, [one, two]: [Daemon; 2]) -> (Daemon, Daemon) {
    world.database.until("EXISTS (SELECT FROM pintle.leader WHERE expires_at > clock_timestamp())").await;
    let holder = world.database.ask("SELECT holder FROM pintle.leader").await.unwrap();
    if holder.ends_with(&format!(":{}", one.id())) { (one, two) } else { (two, one) }
}

#[tokio::test]
async fn when_the_leader_is_killed_the_other_takes_over_and_no_job_is_applied_twice() {
    let world = begun().await;
    let (leads, waits) = leader(&world, two(&world)).await;
    let term = world.database.count("SELECT term FROM pintle.leader").await;
    world.repository.change("alice", "suites/many.yaml", &many(1_500, "x"));
    world.database.until("EXISTS (SELECT FROM pintle.job_state WHERE state = 'released')").await;
    leads.kill().await;
    assert!(!waits.log().contains("leading, term"), "it led before the lease was over");
    eventually_within(Duration::from_secs(30), "the other leads", async || waits.log().contains("leading, term")).await;
    assert_eq!(world.database.count("SELECT term FROM pintle.leader").await, term + 1);
    world.settled().await;
    world.repository.change("bob", CRM, &suite("crm", "two"));
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    world.assert_whole().await;
    waits.stop().await;
}

#[tokio::test]
async fn a_leader_that_is_told_to_stop_hands_over_at_once() {
    let world = begun().await;
    let (leads, waits) = leader(&world, two(&world)).await;
    leads.stop().await;
    eventually_within(Duration::from_secs(8), "the other leads", async || waits.log().contains("leading, term")).await;
    world.repository.change("bob", CRM, &suite("crm", "two"));
    world.settled().await;
    world.assert_whole().await;
    waits.stop().await;
}

#[tokio::test]
async fn a_leader_that_wakes_after_its_lease_was_taken_writes_nothing_more() {
    let world = begun().await;
    let (leads, waits) = leader(&world, two(&world)).await;
    world.settled().await;
    leads.signal(Signal::SIGSTOP);
    world.lease_expires().await;
    waits.says("leading, term").await;
    world.repository.change("bob", CRM, &suite("crm", "two"));
    world.database.until("EXISTS (SELECT FROM pintle.jobs WHERE object_name = 'crm' AND action = 'update')").await;
    leads.signal(Signal::SIGCONT);
    leads.says("no longer leading").await;
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect update ok"]);
    world.assert_whole().await;
    leads.stop().await;
    waits.stop().await;
}

#[tokio::test]
async fn a_process_told_to_stop_in_the_middle_of_the_work_drains_and_ends_well() {
    let world = begun().await;
    let daemon = world.daemon();
    world.repository.change("alice", "suites/many.yaml", &many(1_000, "x"));
    world.database.until("(SELECT count(*) > 1 FROM pintle.job_state WHERE state = 'done')").await;
    let pid = daemon.id();
    let log = daemon.stop().await;
    let alive = "SELECT pid || ' beat ' || clock_timestamp() - (expires_at - interval '15 s') || ' ago, hands ' || slots || ', now ' || clock_timestamp() FROM pintle.processes";
    let alive = world.database.list(alive).await;
    assert!(alive.is_empty(), "{pid} left its heartbeat behind: {alive:?}: {log}");
    let next = world.daemon();
    world.settled().await;
    world.assert_whole().await;
    next.stop().await;
}

#[tokio::test]
async fn a_process_told_to_stop_while_redis_is_away_ends_well() {
    let mut world = begun().await;
    let daemon = world.daemon();
    world.settled().await;
    world.redis.kill().await;
    daemon.says("retrying").await;
    daemon.stop().await;
}

#[tokio::test]
async fn an_audit_writer_whose_slot_was_taken_leases_another() {
    let world = begun().await;
    let daemon = world.daemon();
    world.settled().await;
    world.repository.change("bob", CRM, &suite("crm", "two"));
    world.settled().await;
    world.database.run("UPDATE pintle.audit_writers SET holder = gen_random_uuid()").await;
    world.repository.change("bob", CRM, &suite("crm", "three"));
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("three"));
    world.assert_whole().await;
    daemon.stop().await;
}
