//! The contract of services that act on rows: views, feed, and what they say back.

use crate::harness::{World, instance, partner};
use sqlx::{Connection, PgConnection, Row};
use std::collections::BTreeSet;

async fn service(world: &World) -> PgConnection {
    let mut connection = PgConnection::connect(&world.database.url).await.unwrap();
    sqlx::query("SET ROLE pintle_service").execute(&mut connection).await.unwrap();
    connection
}

/// What changed since `position`, and where to go on.
async fn changes(connection: &mut PgConnection, position: Option<&str>) -> (BTreeSet<String>, String) {
    let sql =
        "SELECT coalesce(kind, 'any') || '/' || coalesce(name, 'any') AS key, position FROM pintle_api.changes_v1($1)";
    let rows = sqlx::query(sql).bind(position).fetch_all(connection).await.unwrap();
    let keys = rows.iter().map(|row| row.get::<String, _>("key")).filter(|key| key != "/").collect();
    (keys, rows[0].get("position"))
}

async fn begun() -> (World, crate::harness::Daemon) {
    let files = [("partners/acme.yaml", partner("acme")), ("instances/a.yaml", instance("a", "acme", 1))];
    let world = World::new(&files).await;
    let daemon = world.daemon();
    world.settled().await;
    (world, daemon)
}

#[tokio::test]
async fn the_feed_tells_every_write_once_and_loses_none_to_a_transaction_that_ends_late() {
    let (world, daemon) = begun().await;
    let mut service = service(&world).await;
    let (keys, position) = changes(&mut service, None).await;
    assert_eq!(keys, BTreeSet::from(["any/any".to_owned()]), "the first look reads everything");
    let (keys, position) = changes(&mut service, Some(&position)).await;
    assert_eq!(keys, BTreeSet::new());
    // A transaction begins before the look and ends after the next one.
    let mut late = PgConnection::connect(&world.database.url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut late).await.unwrap();
    sqlx::query("INSERT INTO pintle.suites (name, spec) VALUES ('late', '{}')").execute(&mut late).await.unwrap();
    world.database.run("INSERT INTO pintle.suites (name, spec) VALUES ('early', '{}')").await;
    let (keys, position) = changes(&mut service, Some(&position)).await;
    assert_eq!(keys, BTreeSet::from(["Suite/early".to_owned()]));
    sqlx::query("COMMIT").execute(&mut late).await.unwrap();
    let (keys, _) = changes(&mut service, Some(&position)).await;
    assert_eq!(keys, BTreeSet::from(["Suite/late".to_owned()]));
    for odd in ["", "nonsense", "1:1:", "999999999:999999999:"] {
        let (keys, _) = changes(&mut service, Some(odd)).await;
        assert_eq!(keys, BTreeSet::from(["any/any".to_owned()]), "{odd:?} reads everything");
    }
    daemon.stop().await;
}

#[tokio::test]
async fn a_service_may_read_and_say_what_it_did_and_nothing_else() {
    let (world, daemon) = begun().await;
    let mut service = service(&world).await;
    for refused in [
        "SELECT * FROM pintle.instances",
        "UPDATE pintle_api.instances_v1 SET spec = '{}'",
        "SELECT * FROM pintle.observed",
        "DELETE FROM pintle.objects",
    ] {
        let error = sqlx::query(refused).execute(&mut service).await.unwrap_err().to_string();
        assert!(error.contains("permission denied") || error.contains("cannot update view"), "{refused}: {error}");
    }
    let view = "SELECT uid, generation, observed_generation FROM pintle_api.instances_v1 WHERE name = 'a'";
    let row = sqlx::query(view).fetch_one(&mut service).await.unwrap();
    let (uid, generation): (uuid::Uuid, i64) = (row.get("uid"), row.get("generation"));
    assert_eq!(row.get::<Option<i64>, _>("observed_generation"), None);
    let say = "SELECT pintle_api.observe_v1($1, $2, '{\"ready\": true}')";
    let revision = "SELECT revision FROM pintle.instances WHERE name = 'a'";
    let before = world.database.ask(revision).await;
    let said = |generation| sqlx::query_scalar::<_, bool>(say).bind(uid).bind(generation);
    assert!(said(generation).fetch_one(&mut service).await.unwrap());
    assert!(!said(generation - 1).fetch_one(&mut service).await.unwrap(), "an older word is not taken");
    assert!(said(generation + 1).fetch_one(&mut service).await.is_err(), "nobody has done what is not there");
    assert_eq!(world.database.ask(revision).await, before, "saying is no change of the row");
    world.assert_plans_empty();
    daemon.stop().await;
}

#[tokio::test]
async fn the_example_follows_what_is_applied_and_says_so() {
    let (world, daemon) = begun().await;
    let follow = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/follow-rows/follow.sh");
        let output = std::process::Command::new("bash")
            .args([script, "--once"])
            .env("DATABASE_URL", &world.database.url)
            .env("PGOPTIONS", "-c role=pintle_service")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(follow(), "run a with 8Gi\n");
    assert_eq!(follow(), "");
    let base = world.repository.head();
    world.repository.change("alice", "instances/a.yaml", &instance("a", "acme", 1).replace("8Gi", "16Gi"));
    for who in ["bob", "carol"] {
        world.repository.approve(who, &base);
    }
    world.settled().await;
    assert_eq!(follow(), "run a with 16Gi\n");
    let done = "SELECT count(*) FROM pintle_api.instances_v1 WHERE observed_generation = generation";
    assert_eq!(world.database.count(done).await, 1);
    daemon.stop().await;
}
