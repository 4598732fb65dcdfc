//! What a host keeps beside the servers, and what may have happened to it.

use super::{CRM, begun, description};
use crate::harness::{Clock, Daemon, suite};

#[tokio::test]
async fn a_lock_that_a_killed_git_left_in_the_mirror_is_no_hindrance() {
    let world = begun().await;
    let lock = world.path().join("daemon.state/mirror.git/refs/pintle/tip.lock");
    std::fs::write(&lock, "").unwrap();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let daemon = world.daemon();
    world.settled().await;
    assert!(!lock.exists());
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    daemon.stop().await;
}

#[tokio::test]
async fn a_lost_state_folder_is_derived_again() {
    let world = begun().await;
    std::fs::remove_dir_all(world.path().join("daemon.state")).unwrap();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let daemon = world.daemon();
    world.settled().await;
    assert_eq!(world.told("crm").await, ["effect create ok", "effect update ok"]);
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_database_restored_from_a_backup_is_noticed_and_nothing_is_applied() {
    let world = begun().await;
    let records = "SELECT count(*) FROM pintle.audit_logs";
    let daemon = world.daemon();
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    daemon.stop().await;
    let before = world.database.count(records).await;
    world.database.run("DELETE FROM pintle.accepted_commits WHERE seq = 2").await;
    world.repository.change("alice", CRM, &suite("crm", "three"));
    let daemon = world.daemon();
    daemon.says("was a backup restored").await;
    assert_eq!(description(&world).await.as_deref(), Some("two"));
    assert_eq!(world.database.count(records).await, before);
    daemon.stop().await;
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_accepts_nothing_and_leaves_no_time_that_others_must_wait_for() {
    let world = begun().await;
    let clock = Clock::new(world.path(), "wrong");
    clock.set(3_600);
    let wrong = Daemon::start(&world, "wrong", &clock.environment());
    world.repository.change("alice", CRM, &suite("crm", "two"));
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0528"), "{verdict}");
    let commits = "SELECT count(*) FROM pintle.accepted_commits";
    assert_eq!(world.database.count(commits).await, 1);
    wrong.stop().await;
    let right = Daemon::start(&world, "right", &[]);
    world.settled().await;
    right.stop().await;

    world.repository.change("alice", CRM, &suite("crm", "three"));
    clock.set(-3_600);
    let wrong = Daemon::start(&world, "wrong", &clock.environment());
    // What others accepted since is not judged by such a clock either.
    let verdict = world.held().await;
    assert!(verdict.to_string().contains("PIN0528"), "{verdict}");
    clock.set(0);
    world.settled().await;
    assert_eq!(description(&world).await.as_deref(), Some("three"));
    wrong.stop().await;
}

#[tokio::test]
async fn hosts_whose_clocks_differ_a_little_lead_in_turn_and_show_again_what_each_accepted() {
    let world = begun().await;
    let clocks = [("ahead", 120), ("behind", -120)].map(|(name, seconds)| {
        let clock = Clock::new(world.path(), name);
        clock.set(seconds);
        (name, clock)
    });
    for round in 0..2 {
        for (name, clock) in &clocks {
            let daemon = Daemon::start(&world, name, &clock.environment());
            let text = format!("{name} {round}");
            world.repository.change("alice", CRM, &suite("crm", &text));
            world.settled().await;
            assert_eq!(description(&world).await, Some(text));
            daemon.stop().await;
        }
    }
    let back = "SELECT count(*) FROM (SELECT accepted_at < lag(accepted_at) OVER (ORDER BY seq) AS back FROM pintle.accepted_commits) a WHERE back";
    assert!(world.database.count(back).await > 0, "the fault must have happened");
}
