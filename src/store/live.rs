//! Reads the live side in one snapshot: heads of every row, the jobs that are not over, and the
//! bodies of the rows that differ. The transaction ends before planning begins.

use super::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::{Digest, Map, ObjectKey, Value};
use pintle_core::diff::{Bodies, LiveObject, LiveState, PendingJob};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

const HEADS: &str = "SELECT kind, name, uid, revision, generation, drifted, applied_digest, written_digest, applied_commit, applied_file,
        (extract(epoch FROM tombstoned_at) * 1000000)::bigint AS tombstoned_us, protected, partner
    FROM pintle.objects WHERE source_id = $1";

/// Open jobs, and of each object the newest dead one that nothing has replaced.
const JOBS: &str = "SELECT s.job_id, s.object_kind, s.object_name, s.state, s.reason, j.target_digest
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id
    WHERE s.source_id = $1 AND s.state IN ('queued', 'released', 'running', 'dead') ORDER BY s.job_id";

const BODIES: &str = "SELECT kind, name, labels, annotations, spec, applied
    FROM pintle.objects WHERE source_id = $1 AND (kind, name) IN (SELECT * FROM unnest($2::text[], $3::text[]))";

/// Bodies read by one statement.
const BODIES_AT_ONCE: usize = 5_000;

impl Store {
    /// The live side of `source`; `needs` names the rows whose bodies are wanted.
    pub async fn snapshot(&self, source: &str, needs: impl FnOnce(&LiveState) -> Vec<ObjectKey>) -> Result<LiveState, StoreError> {
        let failed = || StoreError::during("read the live state");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await.map_err(failed())?;
        let now_us: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000000)::bigint").fetch_one(&mut *tx).await.map_err(failed())?;
        let mut live = LiveState {
            objects: heads(&mut tx, source).await.map_err(failed())?,
            jobs: jobs(&mut tx, source).await.map_err(failed())?,
            read_at: Timestamp::from_microsecond(now_us).unwrap_or_default(),
            parent: parent(&mut tx, source).await.map_err(failed())?,
            bodies: HashMap::new(),
        };
        for keys in needs(&live).chunks(BODIES_AT_ONCE) {
            live.bodies.extend(bodies(&mut tx, source, keys).await.map_err(failed())?);
        }
        tx.commit().await.map_err(failed())?;
        Ok(live)
    }
}

async fn heads(tx: &mut PgConnection, source: &str) -> Result<Vec<LiveObject>, sqlx::Error> {
    let rows = sqlx::query(HEADS).bind(source).fetch_all(tx).await?;
    let mut objects = rows.iter().map(head).collect::<Result<Vec<_>, _>>()?;
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(objects)
}

fn head(row: &PgRow) -> Result<LiveObject, sqlx::Error> {
    Ok(LiveObject {
        key: ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?),
        uid: row.try_get::<Uuid, _>("uid")?,
        revision: row.try_get("revision")?,
        generation: row.try_get("generation")?,
        drifted: row.try_get("drifted")?,
        applied: digest(row.try_get("applied_digest")?),
        written: digest(row.try_get("written_digest")?),
        applied_commit: row.try_get::<Option<&str>, _>("applied_commit")?.map(Arc::from),
        applied_file: row.try_get::<Option<&str>, _>("applied_file")?.map(Arc::from),
        tombstoned_at: row.try_get::<Option<i64>, _>("tombstoned_us")?.and_then(|us| Timestamp::from_microsecond(us).ok()),
        protected: row.try_get("protected")?,
        partner: row.try_get::<Option<&str>, _>("partner")?.map(Arc::from),
    })
}

async fn jobs(tx: &mut PgConnection, source: &str) -> Result<Vec<PendingJob>, sqlx::Error> {
    let rows = sqlx::query(JOBS).bind(source).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let state: &str = row.try_get("state")?;
            Ok(PendingJob {
                id: row.try_get("job_id")?,
                key: ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
                target: digest(row.try_get("target_digest")?),
                running: state == "running",
                dead: state == "dead",
                error: row.try_get("reason")?,
            })
        })
        .collect()
}

async fn parent(tx: &mut PgConnection, source: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT plan_id FROM pintle.plan_heads WHERE source_id = $1").bind(source).fetch_optional(tx).await
}

async fn bodies(tx: &mut PgConnection, source: &str, keys: &[ObjectKey]) -> Result<HashMap<ObjectKey, Bodies>, sqlx::Error> {
    let kinds: Vec<&str> = keys.iter().map(|key| &*key.kind).collect();
    let names: Vec<&str> = keys.iter().map(|key| &*key.name).collect();
    let rows = sqlx::query(BODIES).bind(source).bind(kinds).bind(names).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let key = ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?);
            let applied: Option<Json<Value>> = row.try_get("applied")?;
            Ok((key, Bodies { live: body_of(row)?, applied: applied.map(|json| json.0.normalised()) }))
        })
        .collect()
}

/// The body of a row: `{annotations, labels, spec}`, as a document would say it.
pub(super) fn body_of(row: &PgRow) -> Result<Value, sqlx::Error> {
    let mut map = Map::default();
    for column in ["annotations", "labels", "spec"] {
        let Json(value): Json<Value> = row.try_get(column)?;
        map.insert(column, value);
    }
    Ok(Value::Map(map).normalised())
}

pub(super) fn digest(bytes: Option<&[u8]>) -> Option<Digest> {
    bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest)
}
