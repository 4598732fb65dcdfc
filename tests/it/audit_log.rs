//! The audit log cannot be rewritten, and the engine owns nothing.

use crate::harness::{Database, World, suite};

const REWRITES: [&str; 6] = [
    "UPDATE pintle.audit_logs SET actor = 'nobody'",
    "DELETE FROM pintle.audit_logs",
    "TRUNCATE pintle.audit_logs",
    "TRUNCATE pintle.audit_logs_default",
    "UPDATE {partition} SET actor = 'nobody'",
    "TRUNCATE {partition}",
];

/// The SQLSTATE with which a statement is refused.
async fn refusal(database: &Database, role: &str, sql: &str) -> Option<String> {
    let mut tx = database.pool().begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("SET LOCAL ROLE {role}"))).execute(&mut *tx).await.unwrap();
    let said = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await;
    let code = said.err().and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
    tx.rollback().await.unwrap();
    code
}

#[tokio::test]
async fn neither_the_engine_nor_the_owner_rewrites_the_audit_log() {
    let world = World::new(&[("suites/crm.yaml", suite("crm", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    let database = &world.database;
    let partition = database
        .ask("SELECT 'pintle.' || relname FROM pg_class WHERE oid = (SELECT tableoid FROM pintle.audit_logs LIMIT 1)")
        .await
        .unwrap();
    let records = database.count("SELECT count(*) FROM pintle.audit_logs").await;
    assert!(records > 0);
    for rewrite in REWRITES.map(|sql| sql.replace("{partition}", &partition)) {
        assert_eq!(refusal(database, "pintle_engine", &rewrite).await.as_deref(), Some("42501"), "engine: {rewrite}");
        assert_eq!(refusal(database, "pintle", &rewrite).await.as_deref(), Some("PN002"), "owner: {rewrite}");
    }
    assert_eq!(database.count("SELECT count(*) FROM pintle.audit_logs").await, records);
}

#[tokio::test]
async fn replication_mode_does_not_switch_the_refusal_off() {
    let world = World::new(&[("suites/crm.yaml", suite("crm", "one"))]).await;
    let daemon = world.daemon();
    world.settled().await;
    daemon.stop().await;
    let mut tx = world.database.pool().begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    let said = sqlx::query("DELETE FROM pintle.audit_logs").execute(&mut *tx).await.unwrap_err();
    assert_eq!(said.as_database_error().unwrap().code().unwrap(), "PN002");
}

#[tokio::test]
async fn the_engine_owns_nothing_and_may_not_make_or_drop_anything() {
    let database = Database::new().await;
    let owned = database
        .list("SELECT classid::regclass || ' ' || objid FROM pg_shdepend WHERE deptype = 'o' AND refobjid = 'pintle_engine'::regrole")
        .await;
    assert_eq!(owned, Vec::<String>::new());
    for sql in [
        "CREATE TABLE pintle.mine (n integer)",
        "DROP TABLE pintle.audit_logs",
        "ALTER TABLE pintle.audit_logs DISABLE TRIGGER ALL",
        "ALTER TABLE pintle.suites DISABLE TRIGGER bump_revision",
        "SELECT pintle.create_kind('mine', 'Mine')",
        "DELETE FROM pintle.accepted_commits",
        "DELETE FROM pintle.audit_writers",
    ] {
        assert_eq!(refusal(&database, "pintle_engine", sql).await.as_deref(), Some("42501"), "{sql}");
    }
}
