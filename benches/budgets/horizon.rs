//! Work while somebody's transaction stays open, as that of a `pg_dump` does: what ended meanwhile cannot be cleared away, and
//! a ledger that walks past it stops.

use super::bullmq::Load;
use super::clock::ms;
use super::noop::Line;
use super::report::{Goal, Report, Row};
use super::work::open;
use super::world::Database;
use std::time::Duration;

/// The same load once more; `before` is what its p50 was without.
pub async fn measure(database: &Database, line: &Line, load: Load, before: Duration, report: &mut Report) {
    let mut old = database.owner().await;
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ").execute(&mut old).await.unwrap();
    let _: i64 = sqlx::query_scalar("SELECT count(*) FROM pintle.runs").fetch_one(&mut old).await.unwrap();
    let hindered = open(line, load).await;
    sqlx::query("COMMIT").execute(&mut old).await.unwrap();
    report.add(Row {
        name: "work, p50 while a transaction is open",
        size: load.jobs,
        ours: ms(hindered.p50),
        floor: Some(ms(before)),
        unit: "ms",
        goal: Goal::AtMost(2.0),
        note: format!(
            "from {} jobs before it counts to {} at the end that cannot be cleared away; the floor is ours without",
            load.start,
            load.start + load.jobs
        ),
    });
}
