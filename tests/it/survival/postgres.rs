//! Postgres is the truth, and may go away all the same.

use super::{CRM, begun, many};
use crate::harness::{Database, World, folder, suite};
use pintle::dev::servers::{Options, PrivatePostgres};
use pintle::store::Store;
use pintle::store::pool::migrate;
use pintle::store::records::RecordFilter;
use std::task::Poll;
use uuid::Uuid;

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

/// Polls `future` so often, and gives it up.
async fn given_up_after(polls: usize, future: impl Future) {
    let (mut future, mut left) = (Box::pin(future), polls);
    std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_is_not_left_open_for_the_next_to_write_in() {
    let world = begun().await;
    let store = Store::open(&world.database.url, 1).unwrap();
    let anything = RecordFilter { limit: Some(1), ..RecordFilter::default() };
    store.each_record(&anything, |_| true).await.unwrap();
    for polls in (1..=6).cycle().take(60) {
        given_up_after(polls, store.each_record(&anything, |_| true)).await;
        store.beat(Uuid::new_v4(), "given-up", 1).await.unwrap();
    }
    let beats = "SELECT count(*) FROM pintle.processes WHERE host = 'given-up'";
    assert_eq!(world.database.count(beats).await, 60, "what was answered is there");
}
