//! Postgres is the truth, and may go away all the same.

use super::{CRM, many};
use crate::harness::{Database, World, folder, suite};
use pintle::dev::servers::{Options, PrivatePostgres};
use pintle::store::pool::migrate;

/// A world on a Postgres of its own.
async fn world(name: &str) -> (PrivatePostgres, World) {
    let options = Options { fast: true, keep_redis: false };
    let server = PrivatePostgres::start_with(&folder().join(name), options).await.unwrap();
    let url = server.url("postgres");
    migrate(&url).await.unwrap();
    (server, World::on(Database::at(url), &[(CRM, suite("crm", "one"))]).await)
}

#[tokio::test]
async fn a_postgres_killed_in_the_middle_of_the_work_loses_nothing_and_repeats_nothing() {
    let (mut server, world) = world("killed").await;
    let daemon = world.daemon();
    world.settled().await;
    for (round, text) in ["x", "y"].into_iter().enumerate() {
        world.repository.change("alice", "suites/many.yaml", &many(1_000, text));
        let done = format!("(SELECT count(*) > 1000 * {round} + 1 FROM pintle.job_state WHERE state = 'done')");
        world.database.until(&done).await;
        server.kill().await.unwrap();
        daemon.says("Postgres cannot be reached").await;
        server.start_again().await.unwrap();
        world.settled().await;
    }
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.suites WHERE description = 'y'").await, 1_000);
    assert_eq!(world.database.count("SELECT count(*) FROM pintle.job_state WHERE state = 'dead'").await, 0);
    world.assert_whole().await;
    daemon.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_postgres_that_comes_after_the_daemon_is_waited_for() {
    let (mut server, world) = world("late").await;
    server.kill().await.unwrap();
    let daemon = world.daemon();
    daemon.says("retrying").await;
    server.start_again().await.unwrap();
    world.settled().await;
    world.assert_whole().await;
    daemon.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_postgres_on_another_timeline_gives_no_number_away_twice() {
    let (mut server, world) = world("timeline").await;
    let daemon = world.daemon();
    world.settled().await;
    world.database.until("EXISTS (SELECT FROM pintle.cluster)").await;
    let last = "SELECT last_value FROM pintle.fences";
    let before = world.database.count(last).await;
    server.kill().await.unwrap();
    // As one that is promoted: it ends its recovery, and goes on on a timeline of its own.
    let data = folder().join("timeline").join("data");
    std::fs::write(data.join("recovery.signal"), "").unwrap();
    let settings = std::fs::read_to_string(data.join("postgresql.auto.conf")).unwrap();
    std::fs::write(data.join("postgresql.auto.conf"), settings + "restore_command = '/bin/false'\n").unwrap();
    server.start_again().await.unwrap();
    daemon.says("on another timeline").await;
    assert!(world.database.count(last).await >= before + 1_000_000);
    world.repository.change("alice", CRM, &suite("crm", "two"));
    world.settled().await;
    world.assert_whole().await;
    daemon.stop().await;
    server.stop().await.unwrap();
}
