//! Reads what waits, and what the ledger is doing about the rest.

use super::{WaitingRow, Why};
use crate::store::acceptance::SOURCE;
use crate::store::rows::moment;
use crate::store::{Store, StoreError};
use sqlx::Row;
use sqlx::postgres::PgRow;

const WAITING: &str = "SELECT object_kind, object_name, code, message, lifted_by, (extract(epoch FROM until) * 1000000)::bigint AS until_us
    FROM pintle.waiting WHERE source_id = $1 AND ($2::text IS NULL OR object_kind = $2) AND ($3::text IS NULL OR object_name = $3)
    ORDER BY object_kind, object_name";

const OPEN_JOBS: &str = "SELECT object_kind, object_name, job_id, state, reason FROM pintle.job_state
    WHERE source_id = $1 AND queue = 'rows' AND state IN ('queued', 'released', 'running', 'dead')
      AND ($2::text IS NULL OR object_kind = $2) AND ($3::text IS NULL OR object_name = $3) ORDER BY job_id DESC";

/// A row change that is on its way, or failed for good.
#[derive(Debug)]
pub struct OpenJob {
    /// `Kind/name`.
    pub object: String,
    /// The ledger's number.
    pub id: i64,
    /// `queued`, `released`, `dead`.
    pub state: String,
    /// Its last error.
    pub reason: Option<String>,
}

impl Store {
    /// What waits, as of the newest plan: of one kind, or one object, if asked for.
    pub async fn waiting(&self, kind: Option<&str>, name: Option<&str>) -> Result<Vec<WaitingRow>, StoreError> {
        let failed = || StoreError::during("read what waits");
        let rows = sqlx::query(WAITING).bind(SOURCE).bind(kind).bind(name).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(waiting).collect::<Result<_, _>>().map_err(failed())
    }

    /// How many objects wait.
    pub async fn waiting_count(&self) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM pintle.waiting_objects WHERE source_id = $1").bind(SOURCE);
        count.fetch_one(&self.pool).await.map_err(StoreError::during("count what waits"))
    }

    /// The row changes that are not over, newest first: of one kind, or one object, if asked for.
    pub async fn open_jobs(&self, kind: Option<&str>, name: Option<&str>) -> Result<Vec<OpenJob>, StoreError> {
        let failed = || StoreError::during("read the jobs that are not over");
        let rows = sqlx::query(OPEN_JOBS).bind(SOURCE).bind(kind).bind(name).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(open_job).collect::<Result<_, _>>().map_err(failed())
    }
}

fn object(row: &PgRow) -> Result<String, sqlx::Error> {
    Ok(format!("{}/{}", row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?))
}

fn open_job(row: &PgRow) -> Result<OpenJob, sqlx::Error> {
    Ok(OpenJob {
        object: object(row)?,
        id: row.try_get("job_id")?,
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
    })
}

fn waiting(row: &PgRow) -> Result<WaitingRow, sqlx::Error> {
    Ok(WaitingRow {
        object: object(row)?,
        why: Why {
            code: row.try_get("code")?,
            message: row.try_get("message")?,
            lifted_by: row.try_get("lifted_by")?,
            until: moment(row, "until_us")?,
            wave: None,
        },
    })
}
