//! Databases that are not ours to touch: the daemon refuses to act and ends with 1.

use super::{CRM, begun, state};
use crate::harness::{Daemon, World, suite};

/// Starts a daemon that must refuse, and gives what it said.
async fn refused(world: &World, settings: &[(&str, &str)]) -> String {
    let mut daemon = Daemon::start(world, "refused", settings);
    let status = daemon.ends().await;
    assert_eq!(status.code(), Some(1), "{}", daemon.log());
    daemon.log()
}

#[tokio::test]
async fn a_database_of_a_newer_schema_is_not_touched() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let before = state(&world).await;
    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99990101000001, 'of the future', true, '', 0)";
    world.database.run(future).await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let said = refused(&world, &[]).await;
    assert!(said.contains("newer than this pintle knows (migration 99990101000001)"), "{said}");
    assert_eq!(state(&world).await, before);
    let (code, text) = world.pintle(&["migrate"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("newer"), "{text}");
}

#[tokio::test]
async fn a_migrated_database_is_migrated_again_without_effect() {
    let (world, daemon) = begun().await;
    daemon.stop().await;
    let (code, text) = world.pintle(&["migrate"]);
    assert_eq!((code, text.trim()), (0, "The schema is up to date."));
}

#[tokio::test]
async fn a_database_without_a_schema_is_not_touched() {
    let world = World::new(&[(CRM, suite("crm", "one"))]).await;
    world.database.run("DROP SCHEMA pintle CASCADE").await;
    let said = refused(&world, &[]).await;
    assert!(said.contains("older than this pintle"), "{said}");
    assert!(said.contains("pintle migrate"), "no remedy is named: {said}");
}

#[tokio::test]
async fn a_database_of_another_introduction_is_not_touched() {
    let (mut world, daemon) = begun().await;
    daemon.stop().await;
    let before = state(&world).await;
    let second = world.repository.change("alice", CRM, &suite("crm", "two"));
    world.repository.introduced.commit = second;
    let said = refused(&world, &[]).await;
    assert!(said.contains("introduced to another repository or commit"), "{said}");
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn an_introduction_that_does_not_hold_accepts_nothing_and_can_be_corrected() {
    let mut world = World::new(&[(CRM, suite("crm", "one"))]).await;
    let right = std::mem::replace(&mut world.repository.introduced.policy, "0".repeat(64));
    let daemon = world.daemon();
    let verdict = world.held().await;
    assert_eq!(verdict["refused"]["code"], "PIN0522", "{verdict:#}");
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.accepted_commits").await, 0);
    assert_eq!(state(&world).await, Vec::<String>::new());
    daemon.stop().await;

    world.repository.introduced.policy = right;
    let daemon = world.daemon();
    world.settled().await;
    world.assert_whole().await;
    daemon.stop().await;
}
