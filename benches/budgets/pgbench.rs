//! One transaction a change, with the same bytes of row and audit, in tables without our triggers
//! and foreign keys.

use super::world::Database;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row};
use std::process::Command;

/// Copies of both tables, filled from the present rows, and one row and record to write.
pub async fn tables(owner: &mut PgConnection) {
    let sql = "CREATE TABLE bench_rows (LIKE pintle.instances INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING CONSTRAINTS INCLUDING COMPRESSION);
        ALTER TABLE bench_rows ADD number serial;
        CREATE UNIQUE INDEX ON bench_rows (number);
        CREATE TABLE bench_audit (LIKE pintle.audit_logs INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING CONSTRAINTS INCLUDING COMPRESSION)";
    sqlx::raw_sql(sql).execute(&mut *owner).await.unwrap();
    let columns: String = sqlx::query_scalar(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'pintle.instances'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
    )
    .fetch_one(&mut *owner)
    .await
    .unwrap();
    let fill = format!(
        "INSERT INTO bench_rows ({columns}) SELECT {columns} FROM pintle.instances; CREATE TABLE bench_one AS SELECT a.* FROM pintle.audit_logs a WHERE stage = 'effect' ORDER BY seq DESC LIMIT 1"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *owner).await.unwrap();
    sqlx::raw_sql("VACUUM ANALYZE bench_rows").execute(owner).await.unwrap();
}

/// Changes the row with this number as one of ours is changed: the whole body, digests, commit.
pub fn update(number: &str) -> String {
    format!(
        "UPDATE bench_rows SET labels = labels || '{{\"tier\": \"gold\"}}', annotations = annotations || '{{}}', spec = jsonb_set(spec, '{{resources,replicas}}', '4'), applied = jsonb_set(applied, '{{spec,resources,replicas}}', '4'),
        applied_digest = sha256(applied_digest), written_digest = sha256(written_digest), revision = revision + 1, generation = generation + 1, updated_at = clock_timestamp() WHERE number = {number};"
    )
}

/// One audit record of the size of ours.
pub fn insert() -> String {
    "INSERT INTO bench_audit SELECT clock_timestamp(), gen_random_uuid(), o.writer, nextval('bench_rows_number_seq'), o.leaf, o.mac, o.salt, o.sealed, o.stage, o.actor, o.action, o.resource_kind, o.resource_name, o.partner, o.commit, o.job_id, o.outcome FROM bench_one o;".into()
}

/// The best of 4, 8 and 16 clients over `changes` transactions: how many a second, and by how many clients.
pub async fn best(owner: &mut PgConnection, database: &Database, changes: usize) -> (f64, usize) {
    let script = std::env::temp_dir().join(format!("pintle-bench-{}.sql", std::process::id()));
    let mut quickest = (0.0, 0);
    for clients in [4, 8, 16] {
        std::fs::write(
            &script,
            format!("\\set n random(1, {changes})\nBEGIN;\n{}\n{}\nCOMMIT;\n", update(":n"), insert())
                .replace("\n        ", " "),
        )
        .unwrap();
        let output = Command::new("pgbench")
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--jobs=2",
                "--client",
                &clients.to_string(),
                "--transactions",
                &(changes / clients).to_string(),
                "--file",
            ])
            .arg(&script)
            .arg(&database.url)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let rate: f64 = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = "))
            .and_then(|rest| rest.split(' ').next())
            .unwrap()
            .parse()
            .unwrap();
        if rate > quickest.0 {
            quickest = (rate, clients);
        }
        owner.ping().await.unwrap();
    }
    std::fs::remove_file(script).unwrap();
    let written: i64 = sqlx::query("SELECT count(*) FROM bench_audit").fetch_one(owner).await.unwrap().get(0);
    assert!(written > 0, "pgbench wrote its records");
    quickest
}
