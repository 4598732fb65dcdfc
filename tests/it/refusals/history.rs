//! Histories that are not considered: the state is kept.

use super::{CRM, begun, refuses, state};
use crate::harness::suite;

#[tokio::test]
async fn a_rewound_ref_keeps_the_state() {
    let (world, daemon) = begun().await;
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    let before = state(&world).await;
    world.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let verdict = world.held().await;
    assert_eq!(verdict["refused"]["code"], "PIN0520", "{verdict:#}");
    world.ticks().await;
    assert_eq!(state(&world).await, before);

    world.repository.git(&["reset", "--quiet", "--hard", "ORIG_HEAD"]);
    world.database.until("(SELECT verdict IS NULL FROM pintle.sources)").await;
    world.assert_whole().await;
    daemon.stop().await;
}

#[tokio::test]
async fn an_unrelated_root_keeps_the_state() {
    refuses(&["PIN0521"], async |world| {
        world.repository.git(&["checkout", "--quiet", "--orphan", "other"]);
        world.repository.change("alice", CRM, &suite("crm", "other"));
        world.repository.git(&["branch", "--quiet", "--force", "main", "other"]);
    })
    .await;
}

#[tokio::test]
async fn a_repository_that_is_gone_keeps_the_state_and_is_found_again() {
    let (world, daemon) = begun().await;
    let before = state(&world).await;
    let (here, away) = (world.repository.path.clone(), world.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    world.database.until("(SELECT fetch_error IS NOT NULL FROM pintle.sources)").await;
    assert_eq!(state(&world).await, before);
    std::fs::rename(&away, &here).unwrap();
    world.repository.change("bob", CRM, &suite("crm", "two"));
    world.settled().await;
    assert_eq!(world.database.ask("SELECT fetch_error FROM pintle.sources").await, None);
    world.assert_whole().await;
    daemon.stop().await;
}
