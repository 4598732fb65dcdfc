//! Claims what a delivery carries. The doorbell's word counts for nothing: only rows that the ledger
//! has released under that very delivery are found. By their numbers: the state is written so that no plan looks at all that
//! is out for them.

use pintle_core::change::{ObjectKey, Value};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

const CLAIM: &str = "SELECT s.job_id, s.attempts, j.source_id, j.object_kind, j.object_name, j.uid, j.action, j.cause,
        j.planned_revision, j.body, j.file, j.line, s.partner, p.commit, p.seq, p.actions, p.id AS plan_id, o.repo_id::text AS repo_id
    FROM pintle.job_state s JOIN pintle.jobs j ON j.id = s.job_id JOIN pintle.plans p ON p.id = j.plan_id JOIN pintle.sources o ON o.id = j.source_id
    WHERE s.job_id = ANY($1) AND s.delivery = $2 AND s.state || '' = 'released' ORDER BY s.job_id FOR UPDATE OF s";

/// A claimed job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub id: i64,
    pub attempts: i16,
    pub source: String,
    pub key: ObjectKey,
    pub uid: Uuid,
    pub action: String,
    pub cause: String,
    pub revision: Option<i64>,
    pub body: Option<Value>,
    pub file: Option<String>,
    pub line: Option<i32>,
    pub partner: Option<String>,
    pub commit: String,
    pub seq: i64,
    pub actions: Vec<u8>,
    pub plan: i64,
    pub repo_id: String,
}

/// Locks the jobs of `delivery` among `ids` that are still its own: in order of id, as enqueuing does,
/// so that the two never wait for each other in a circle.
pub(super) async fn claim(tx: &mut PgConnection, ids: &[i64], delivery: Uuid) -> Result<Vec<Job>, sqlx::Error> {
    let rows = sqlx::query(CLAIM).bind(ids).bind(delivery).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let body: Option<Json<Value>> = row.try_get("body")?;
            let partner: String = row.try_get("partner")?;
            Ok(Job {
                id: row.try_get("job_id")?,
                attempts: row.try_get("attempts")?,
                source: row.try_get("source_id")?,
                key: ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
                uid: row.try_get("uid")?,
                action: row.try_get("action")?,
                cause: row.try_get("cause")?,
                revision: row.try_get("planned_revision")?,
                body: body.map(|json| json.0.normalised()),
                file: row.try_get("file")?,
                line: row.try_get("line")?,
                partner: (!partner.is_empty()).then_some(partner),
                commit: row.try_get("commit")?,
                seq: row.try_get("seq")?,
                actions: row.try_get("actions")?,
                plan: row.try_get("plan_id")?,
                repo_id: row.try_get("repo_id")?,
            })
        })
        .collect()
}
