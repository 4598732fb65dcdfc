//! A view that goes by the change log sees what a fresh snapshot sees, whoever wrote, however, and
//! however late the commit.

use super::harness::Database;
use pintle::store::Store;
use pintle::store::acceptance::SOURCE;
use pintle::store::live::LiveView;

struct Watched {
    database: Database,
    store: Store,
    view: LiveView,
}

impl Watched {
    async fn new() -> Self {
        let database = Database::new().await;
        let store = Store::open(&database.url, 3).unwrap();
        Self { store, view: LiveView::default(), database }
    }

    /// Looks again; whether anything moved. The view must be what a snapshot is.
    async fn look(&mut self) -> bool {
        let mut moved = false;
        self.store
            .look(SOURCE, &mut self.view, |differs, _, _| {
                moved = differs;
                Vec::new()
            })
            .await
            .unwrap();
        let fresh = self.store.snapshot(SOURCE, |_| Vec::new()).await.unwrap();
        assert_eq!(self.view.state().objects, fresh.objects);
        moved
    }
}

const INSERT: &str = "INSERT INTO pintle.partners (name, spec)
    SELECT 'p' || n, '{\"displayName\": \"P\", \"lifecycle\": \"active\"}' FROM generate_series(1, 5) AS n";

#[tokio::test]
async fn whatever_is_written_is_seen_and_nothing_else_is_read() {
    let mut watched = Watched::new().await;
    watched.database.run(INSERT).await;
    assert!(watched.look().await, "the first look reads everything");
    assert!(!watched.look().await, "nothing moved");
    for statement in [
        "UPDATE pintle.partners SET labels = '{\"a\": \"b\"}' WHERE name = 'p1'",
        "UPDATE pintle.partners SET name = 'renamed' WHERE name = 'p2'",
        "DELETE FROM pintle.partners WHERE name = 'p3'",
        "UPDATE pintle.objects SET annotations = '{\"pintle/protect\": \"true\"}' WHERE name = 'p4'",
        "INSERT INTO pintle.suites (name, spec) VALUES ('crm', '{}')",
        "TRUNCATE pintle.suites",
        "DELETE FROM pintle.objects WHERE name = 'p5'",
    ] {
        watched.database.run(statement).await;
        assert!(watched.look().await, "{statement}");
        assert!(!watched.look().await, "once only: {statement}");
    }
    watched.database.run("UPDATE pintle.partners SET labels = '{}' WHERE name = 'nobody'").await;
    assert!(!watched.look().await, "a statement without rows moves nothing");
}

#[tokio::test]
async fn a_transaction_that_began_before_the_look_and_ended_after_it_is_seen() {
    let mut watched = Watched::new().await;
    watched.database.run(INSERT).await;
    let mut slow = watched.database.pool().begin().await.unwrap();
    sqlx::query("UPDATE pintle.partners SET labels = '{\"slow\": \"yes\"}' WHERE name = 'p1'")
        .execute(&mut *slow)
        .await
        .unwrap();
    watched.database.run("UPDATE pintle.partners SET labels = '{\"quick\": \"yes\"}' WHERE name = 'p2'").await;
    watched.look().await;
    slow.commit().await.unwrap();
    assert!(watched.look().await, "its number is lower than the other's, and yet it is new");
}

#[tokio::test]
async fn more_rows_than_are_worth_naming_are_read_together() {
    let mut watched = Watched::new().await;
    watched.database.run(&INSERT.replace("(1, 5)", "(1, 5000)")).await;
    watched.look().await;
    watched.database.run("UPDATE pintle.partners SET labels = '{\"a\": \"b\"}'").await;
    assert!(watched.look().await);
    assert!(!watched.look().await);
}

#[tokio::test]
async fn a_transaction_that_stays_open_makes_nothing_be_read_twice() {
    let mut watched = Watched::new().await;
    let mut open = watched.database.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *open).await.unwrap();
    watched.database.run(INSERT).await;
    watched.look().await;
    assert!(!watched.look().await, "what was seen above the open one is not new");
    open.rollback().await.unwrap();
}
