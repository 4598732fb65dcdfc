//! Rows of the table of faults that have no other place: each proves that its fault happened first. `scripts/mutants`
//! shows that these and others fail where the rule that they hold is taken away.

use super::{CRM, begun, many, reconciler, worker};
use crate::harness::{Daemon, eventually, suite};
use nix::sys::signal::Signal;

const JOB: &str = "SELECT max(job_id) FROM pintle.job_state WHERE object_name = 'crm'";

#[tokio::test]
async fn a_hand_edit_between_plan_and_execution_ends_the_job_as_stale_and_is_the_next_before() {
    let world = begun().await;
    let db = &world.database;
    let reconciler = reconciler(&world);
    world.repository.change("alice", CRM, &suite("crm", "two"));
    db.until("EXISTS (SELECT FROM pintle.job_state WHERE object_name = 'crm' AND state = 'released')").await;
    let planned = db.count(JOB).await;
    eventually("it is rung", async || world.redis.ask::<u64>(&["LLEN", "pintle:rows:wait"]).await == 1).await;
    // Whoever plans is asleep: the edit meets the job that was planned before it.
    reconciler.signal(Signal::SIGSTOP);
    db.run("UPDATE pintle.suites SET spec = jsonb_set(spec, '{owner}', '\"a stranger\"') WHERE name = 'crm'").await;
    let moved = format!(
        "SELECT (s.revision <> j.planned_revision)::text FROM pintle.suites s, pintle.jobs j WHERE s.name = 'crm' AND j.id = {planned}"
    );
    assert_eq!(db.ask(&moved).await.as_deref(), Some("true"), "the fault must have happened");
    let worker = worker(&world);
    db.until(&format!(
        "(SELECT state = 'superseded' AND reason = 'stale' FROM pintle.job_state WHERE job_id = {planned})"
    ))
    .await;
    reconciler.signal(Signal::SIGCONT);
    world.settled().await;
    let before = "SELECT convert_from(sealed, 'UTF8')::jsonb #>> '{before,spec,owner}' FROM pintle.audit_logs WHERE resource_name = 'crm' AND stage = 'effect' ORDER BY recorded_at DESC, seq DESC LIMIT 1";
    assert_eq!(db.ask(before).await.as_deref(), Some("a stranger"));
    world.assert_whole().await;
    worker.stop().await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_leader_stopped_inside_a_transaction_is_waited_for_until_its_backend_ends() {
    let world = begun().await;
    let db = &world.database;
    let role = [("PINTLE_ROLE", "reconciler")];
    let first = Daemon::start(&world, "first", &role);
    first.says("leading, term").await;
    // Its next write waits inside its transaction, after it has shown that it leads.
    let mut gate = db.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE pintle.plans IN EXCLUSIVE MODE").execute(&mut *gate).await.unwrap();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO pintle.plans %' LIMIT 1";
    db.until(&format!("EXISTS ({waits})")).await;
    let backend = db.count(waits).await;
    first.signal(Signal::SIGSTOP);
    gate.rollback().await.unwrap();
    let stuck =
        format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {backend} AND state = 'idle in transaction'");
    db.until(&format!("(({stuck}) = 1)")).await;
    let term = db.count("SELECT term FROM pintle.leader").await;
    world.lease_expires().await;
    let second = Daemon::start(&world, "second", &role);
    db.until(&format!("(SELECT term > {term} FROM pintle.leader)")).await;
    assert_eq!(db.count(&stuck).await, 0, "the takeover waited for the write that was under way");
    first.signal(Signal::SIGCONT);
    first.says("no longer leading").await;
    let worker = worker(&world);
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect update ok"]);
    world.assert_whole().await;
    for daemon in [first, second, worker] {
        daemon.stop().await;
    }
}

#[tokio::test]
async fn plans_that_come_after_a_job_do_not_keep_it_from_being_done() {
    let world = begun().await;
    let db = &world.database;
    world.repository.change("alice", "suites/many.yaml", &many(8, "x"));
    let whole = world.daemon();
    world.settled().await;
    whole.stop().await;
    let reconciler = reconciler(&world);
    world.repository.change("alice", CRM, &suite("crm", "two"));
    db.until("EXISTS (SELECT FROM pintle.job_state WHERE object_name = 'crm' AND state = 'released')").await;
    let job = db.count(JOB).await;
    let newer =
        format!("SELECT count(*) FROM pintle.plans WHERE id > (SELECT plan_id FROM pintle.jobs WHERE id = {job})");
    for n in 0..5 {
        db.run(&format!(
            "UPDATE pintle.suites SET spec = jsonb_set(spec, '{{description}}', '\"drift\"') WHERE name = 's{n}'"
        ))
        .await;
        db.until(&format!("(({newer}) > {n})")).await;
    }
    assert!(db.count(&newer).await >= 5, "the fault must have happened");
    let worker = worker(&world);
    world.settled().await;
    let state = format!("SELECT state FROM pintle.job_state WHERE job_id = {job}");
    assert_eq!(db.ask(&state).await.as_deref(), Some("done"));
    world.assert_whole().await;
    worker.stop().await;
    reconciler.stop().await;
}
