//! The effect on live rows, set-based and generic: the table's name comes from the catalog, the
//! statement from here. No statement names a kind.

use super::claim::Job;
use crate::store::live::body_of;
use pintle_core::change::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// A row as it was when it was locked.
#[derive(Debug, Clone)]
pub(super) struct Locked {
    pub revision: i64,
    pub applied_seq: i64,
    pub body: Value,
}

/// Locks the rows of `jobs`, all of one kind.
pub(super) async fn lock(
    tx: &mut PgConnection,
    table: &str,
    jobs: &[&Job],
) -> Result<HashMap<Uuid, Locked>, sqlx::Error> {
    let uids: Vec<Uuid> = jobs.iter().map(|job| job.uid).collect();
    let sql = format!(
        "SELECT uid, revision, applied_seq, annotations, labels, spec FROM pintle.{table} WHERE uid = ANY($1) ORDER BY uid FOR UPDATE"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(uids).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("uid")?,
                Locked {
                    revision: row.try_get("revision")?,
                    applied_seq: row.try_get("applied_seq")?,
                    body: body_of(row)?,
                },
            ))
        })
        .collect()
}

/// Writes `jobs`, all of one kind and action, whose rows are locked. Returns the uids that were
/// written; a create whose name is taken is not.
pub(super) async fn write(
    tx: &mut PgConnection,
    table: &str,
    action: &str,
    jobs: &[&Job],
) -> Result<Vec<Uuid>, sqlx::Error> {
    match action {
        "create" => rows(tx, create_sql(table), jobs).await,
        "delete" => tombstone(tx, table, jobs).await,
        "remove" => remove(tx, table, jobs).await,
        _ => rows(tx, update_sql(table), jobs).await,
    }
}

/// Taken from the ledger where it stands; a body is unpacked once, not for each part that is taken out of it. What is
/// recorded as the base is what the document declares, where that is not what is written.
const JOBS: &str = "(SELECT j.id, j.plan_id, j.uid, j.source_id, j.object_name, j.body || '{}' AS body, j.declared, j.declared_digest, j.target_digest, j.written_digest, j.file
        FROM pintle.jobs j WHERE j.id = ANY($1) OFFSET 0) j JOIN pintle.plans p ON p.id = j.plan_id";

fn create_sql(table: &str) -> String {
    format!(
        "INSERT INTO pintle.{table} (uid, source_id, name, labels, annotations, spec, applied, applied_digest, written_digest, applied_commit, applied_file, applied_seq, generation)
         SELECT j.uid, j.source_id, j.object_name, j.body -> 'labels', j.body -> 'annotations', j.body -> 'spec', coalesce(j.declared, j.body),
             coalesce(j.declared_digest, j.target_digest), j.written_digest, p.commit, j.file, p.seq, 1 FROM {JOBS}
         ON CONFLICT (source_id, name) DO NOTHING RETURNING uid"
    )
}

fn update_sql(table: &str) -> String {
    format!(
        "UPDATE pintle.{table} AS o SET labels = j.body -> 'labels', annotations = j.body -> 'annotations', spec = j.body -> 'spec', applied = coalesce(j.declared, j.body),
             applied_digest = coalesce(j.declared_digest, j.target_digest), written_digest = j.written_digest, applied_commit = p.commit, applied_file = j.file,
             applied_seq = p.seq, generation = o.generation + 1, tombstoned_at = NULL
         FROM {JOBS} WHERE o.uid = j.uid RETURNING o.uid"
    )
}

async fn rows(tx: &mut PgConnection, sql: String, jobs: &[&Job]) -> Result<Vec<Uuid>, sqlx::Error> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(tx).await
}

async fn tombstone(tx: &mut PgConnection, table: &str, jobs: &[&Job]) -> Result<Vec<Uuid>, sqlx::Error> {
    let uids: Vec<Uuid> = jobs.iter().map(|job| job.uid).collect();
    let seqs: Vec<i64> = jobs.iter().map(|job| job.seq).collect();
    let sql = format!(
        "UPDATE pintle.{table} AS o SET tombstoned_at = clock_timestamp(), applied_seq = r.seq, generation = o.generation + 1
         FROM unnest($1::uuid[], $2::bigint[]) AS r (uid, seq) WHERE o.uid = r.uid RETURNING o.uid"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(uids).bind(seqs).fetch_all(tx).await
}

async fn remove(tx: &mut PgConnection, table: &str, jobs: &[&Job]) -> Result<Vec<Uuid>, sqlx::Error> {
    let uids: Vec<Uuid> = jobs.iter().map(|job| job.uid).collect();
    let sql = format!("DELETE FROM pintle.{table} WHERE uid = ANY($1) AND tombstoned_at IS NOT NULL RETURNING uid");
    let gone: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(uids).fetch_all(&mut *tx).await?;
    sqlx::query("DELETE FROM pintle.observed WHERE uid = ANY($1)").bind(&gone).execute(tx).await?;
    Ok(gone)
}
