//! What people see while a change is held, and when the repository is away.

use super::{PROD, ask, begun, golden};
use crate::harness::{World, instance};

#[tokio::test]
async fn a_held_commit_says_what_lifts_it_and_ends_with_4_until_it_is_lifted() {
    let (world, daemon) = begun(&[]).await;
    let base = world.repository.head();
    let change = world.repository.change("alice", PROD, &instance("prod", "acme", 4));
    world.held().await;
    let looks = [
        ask(&world, &["status"]).ends(0),
        ask(&world, &["why", &change]).ends(0),
        ask(&world, &["why", "Instance/prod"]).ends(0),
    ];
    insta::assert_snapshot!("status", golden(&world, &looks));
    let waits = [
        ask(&world, &["verify"]).ends(4),
        ask(&world, &["verify", "--explain"]).ends(4),
        ask(&world, &["wait", "HEAD"]).ends(4),
        ask(&world, &["apply"]).ends(4),
    ];
    insta::assert_snapshot!("exit_4", golden(&world, &waits));
    for words in ["verify", "wait", "apply"] {
        let answer = ask(&world, &[words, "-o", "json"]).ends(4).json();
        assert!(answer.to_string().contains("PIN0510"), "{words}: {answer}");
    }

    world.repository.approve("bob", &base);
    let lifted = [
        ask(&world, &["wait", "HEAD"]).ends(0),
        ask(&world, &["apply"]).ends(0),
        ask(&world, &["verify"]).ends(0),
        ask(&world, &["history"]).ends(0),
    ];
    insta::assert_snapshot!("lifted", golden(&world, &lifted));
    daemon.stop().await;
}

#[tokio::test]
async fn a_commit_that_does_not_arrive_is_waited_for_only_so_long() {
    let (world, daemon) = begun(&[]).await;
    a_repository_that_cannot_be_fetched_is_seen_in_status(&world).await;
    world.repository.git(&["checkout", "--quiet", "-b", "aside"]);
    world.repository.say("alice", "Not pushed");
    let said =
        [ask(&world, &["wait", "aside", "--timeout", "0s"]).ends(1), ask(&world, &["apply", "--rev", "aside"]).ends(1)];
    insta::assert_snapshot!("timeout", golden(&world, &said));
    daemon.stop().await;
}

async fn a_repository_that_cannot_be_fetched_is_seen_in_status(world: &World) {
    let away = world.path().join("away");
    std::fs::rename(&world.repository.path, &away).unwrap();
    world.database.until("(SELECT fetch_error IS NOT NULL FROM pintle.sources)").await;
    let status = ask(world, &["status"]).ends(0);
    std::fs::rename(&away, &world.repository.path).unwrap();
    insta::assert_snapshot!("fetch_fails", golden(world, &[status]));
    world.database.until("(SELECT fetch_error IS NULL FROM pintle.sources)").await;
    assert!(!ask(world, &["status"]).ends(0).out.contains("fails"));
}
