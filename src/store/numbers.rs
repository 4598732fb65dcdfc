//! Counts for `status` and metrics.

use super::{Store, StoreError};
use sqlx::Row;

/// How things stand, in numbers.
#[derive(Debug, Clone, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// Drifted rows of each kind, kinds without any included.
    pub drifted: Vec<(String, i64)>,
    /// Rows that Pintle never applied, of each kind.
    pub unmanaged: Vec<(String, i64)>,
    /// Rows that are not tombstoned, of each kind.
    pub rows: Vec<(String, i64)>,
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs that are out.
    pub released: i64,
    /// Dead letters.
    pub dead: i64,
    /// For how long the job has waited that waits longest: due and not begun, in seconds; 0 for none.
    pub oldest_queued_s: f64,
    /// Audit records.
    pub audit_records: i64,
    /// Who leads, and for how many seconds the lease holds.
    pub leader: Option<(String, f64)>,
}

impl Store {
    /// Reads them all.
    pub async fn numbers(&self) -> Result<Numbers, StoreError> {
        let failed = || StoreError::during("read the numbers");
        let rows = sqlx::query("SELECT kind, count(*) FILTER (WHERE drifted AND tombstoned_at IS NULL) AS drifted, count(*) FILTER (WHERE applied_digest IS NULL AND tombstoned_at IS NULL) AS unmanaged, count(*) FILTER (WHERE tombstoned_at IS NULL) AS live FROM pintle.objects GROUP BY kind ORDER BY kind")
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        let jobs = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state <> 'queued') AS released,
                (SELECT count(*) FROM pintle.job_state WHERE state = 'dead') AS dead,
                coalesce(extract(epoch FROM now() - min(greatest(changed_at, not_before)) FILTER (WHERE state = 'released' OR (state = 'queued' AND not_before <= now()))), 0)::float8 AS oldest
             FROM (SELECT state, changed_at, not_before FROM pintle.job_state WHERE state = 'queued'
                UNION ALL SELECT state, changed_at, not_before FROM pintle.job_state WHERE state IN ('released', 'running')) open",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(failed())?;
        let leader = sqlx::query("SELECT holder, extract(epoch FROM expires_at - clock_timestamp())::float8 AS left FROM pintle.leader WHERE expires_at > clock_timestamp()")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed())?;
        let audit_records = sqlx::query_scalar("SELECT coalesce(sum(seq), 0)::bigint FROM pintle.audit_writers")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let counts = |column: &str| {
            rows.iter()
                .map(|row| Ok((row.try_get("kind")?, row.try_get(column)?)))
                .collect::<Result<Vec<_>, sqlx::Error>>()
        };
        Ok(Numbers {
            drifted: counts("drifted").map_err(failed())?,
            unmanaged: counts("unmanaged").map_err(failed())?,
            rows: counts("live").map_err(failed())?,
            queued: jobs.try_get("queued").map_err(failed())?,
            released: jobs.try_get("released").map_err(failed())?,
            dead: jobs.try_get("dead").map_err(failed())?,
            oldest_queued_s: jobs.try_get("oldest").map_err(failed())?,
            audit_records,
            leader: leader
                .map(|row| Ok((row.try_get("holder")?, row.try_get("left")?)))
                .transpose()
                .map_err(failed())?,
        })
    }

    /// Whether the database answers, is migrated, and the audit log can be written.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        self.check_schema().await?;
        sqlx::query("SELECT has_table_privilege('pintle.audit_logs', 'INSERT')")
            .execute(&self.pool)
            .await
            .map_err(StoreError::during("look at the audit log"))?;
        Ok(())
    }
}
