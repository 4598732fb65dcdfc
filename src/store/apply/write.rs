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

/// `base` is what the document declares, where that is not what is written.
const INPUT: &str = "unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::bigint[], $9::text[], $10::text[])
    AS r (uid, source, name, body, target, written, commit, seq, file, base), LATERAL (SELECT r.body::jsonb AS b, coalesce(r.base, r.body)::jsonb AS base) AS j";

fn create_sql(table: &str) -> String {
    format!(
        "INSERT INTO pintle.{table} (uid, source_id, name, labels, annotations, spec, applied, applied_digest, written_digest, applied_commit, applied_file, applied_seq, generation)
         SELECT r.uid, r.source, r.name, j.b -> 'labels', j.b -> 'annotations', j.b -> 'spec', j.base, r.target, r.written, r.commit, r.file, r.seq, 1 FROM {INPUT}
         ON CONFLICT (source_id, name) DO NOTHING RETURNING uid"
    )
}

fn update_sql(table: &str) -> String {
    format!(
        "UPDATE pintle.{table} AS o SET labels = j.b -> 'labels', annotations = j.b -> 'annotations', spec = j.b -> 'spec', applied = j.base,
             applied_digest = r.target, written_digest = r.written, applied_commit = r.commit, applied_file = r.file, applied_seq = r.seq, generation = o.generation + 1, tombstoned_at = NULL
         FROM {INPUT} WHERE o.uid = r.uid RETURNING o.uid"
    )
}

async fn rows(tx: &mut PgConnection, sql: String, jobs: &[&Job]) -> Result<Vec<Uuid>, sqlx::Error> {
    fn column<'a, T>(jobs: &[&'a Job], of: impl Fn(&'a Job) -> T) -> Vec<T> {
        jobs.iter().map(|job| of(job)).collect()
    }
    let bodies: Vec<String> = jobs.iter().map(|job| serde_json::to_string(&job.body).unwrap_or_default()).collect();
    sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(column(jobs, |job| job.uid))
        .bind(column(jobs, |job| job.source.as_str()))
        .bind(column(jobs, |job| &*job.key.name))
        .bind(bodies)
        .bind(column(jobs, |job| {
            let declared = job.declared.as_ref().map(|(digest, _)| *digest);
            declared.or(job.target).map(|digest| digest.0.to_vec())
        }))
        .bind(column(jobs, |job| job.written.map(|digest| digest.0.to_vec())))
        .bind(column(jobs, |job| job.commit.as_str()))
        .bind(column(jobs, |job| job.seq))
        .bind(column(jobs, |job| job.file.as_deref()))
        .bind(column(jobs, |job| {
            job.declared.as_ref().map(|(_, body)| serde_json::to_string(body).unwrap_or_default())
        }))
        .fetch_all(tx)
        .await
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
