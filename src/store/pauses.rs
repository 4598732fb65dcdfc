//! What somebody paused. Pausing takes the lock that every applying transaction shares: once it returns,
//! nothing of it starts.

use super::audit::AuditWriter;
use super::rows::moment;
use super::{Store, StoreError};
use pintle_core::audit::{Actor, Draft, Stage};
use pintle_core::diff::{Pause, Selector};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

const PAUSES: &str =
    "SELECT id, kind, name, labels, reason, by_whom, (extract(epoch FROM until) * 1000000)::bigint AS until_us
    FROM pintle.pauses WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp()) ORDER BY id";

const PAUSE: &str = "INSERT INTO pintle.pauses (kind, name, labels, reason, by_whom, until)
    VALUES ($1, $2, $3, $4, $5, to_timestamp($6::bigint / 1000000.0)) RETURNING id";

const RESUME: &str = "UPDATE pintle.pauses SET ended_at = clock_timestamp(), ended_by = $2, end_reason = $3 WHERE id = ANY($1) AND ended_at IS NULL";

/// The lock: taken alone to pause, shared to apply. Any number that nothing else of ours takes.
pub(super) const LOCK: i64 = 0x0070_696e_746c_6501;

/// What is paused now. The snapshot of the live state reads the same with its first statement.
pub(super) async fn pauses(tx: &mut PgConnection) -> Result<Vec<Pause>, sqlx::Error> {
    sqlx::query(PAUSES).fetch_all(tx).await?.iter().map(pause).collect()
}

/// The same, and no pause comes before this transaction ends.
pub(super) async fn pauses_held(tx: &mut PgConnection) -> Result<Vec<Pause>, sqlx::Error> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT pintle.paused_under($1)").bind(LOCK).fetch_one(&mut *tx).await?;
    if ids.is_empty() { Ok(Vec::new()) } else { pauses(tx).await }
}

fn pause(row: &PgRow) -> Result<Pause, sqlx::Error> {
    let Json(labels): Json<BTreeMap<String, String>> = row.try_get("labels")?;
    Ok(Pause {
        id: row.try_get("id")?,
        what: Selector { kind: row.try_get("kind")?, name: row.try_get("name")?, labels },
        reason: row.try_get("reason")?,
        by: row.try_get("by_whom")?,
        until: moment(row, "until_us")?,
    })
}

impl Store {
    /// What is paused now.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let failed = || StoreError::during("read what is paused");
        let mut connection = self.pool.acquire().await.map_err(failed())?;
        pauses(&mut connection).await.map_err(failed())
    }

    /// Pauses what `pause` covers, whose number is not looked at; its number. Waits for what is being
    /// applied; nothing of it starts afterwards.
    pub async fn pause(&self, writer: &AuditWriter, pause: &Pause) -> Result<i64, StoreError> {
        let failed = || StoreError::during("pause");
        let mut tx = self.begin().await.map_err(failed())?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await.map_err(failed())?;
        let id: i64 = sqlx::query_scalar(PAUSE)
            .bind(&pause.what.kind)
            .bind(&pause.what.name)
            .bind(Json(&pause.what.labels))
            .bind(&pause.reason)
            .bind(&pause.by)
            .bind(pause.until.map(jiff::Timestamp::as_microsecond))
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        writer.append(&mut tx, &[draft("pause", &pause.by, &pause.what.to_string(), &pause.reason)]).await?;
        tx.commit().await.map_err(failed())?;
        Ok(id)
    }

    /// Ends `pauses`.
    pub async fn resume(
        &self,
        writer: &AuditWriter,
        pauses: &[Pause],
        by: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::during("resume");
        let ids: Vec<i64> = pauses.iter().map(|pause| pause.id).collect();
        let mut tx = self.begin().await.map_err(failed())?;
        sqlx::query(RESUME).bind(ids).bind(by).bind(reason).execute(&mut *tx).await.map_err(failed())?;
        let drafts: Vec<Draft> =
            pauses.iter().map(|pause| draft("resume", by, &pause.what.to_string(), reason)).collect();
        writer.append(&mut tx, &drafts).await?;
        tx.commit().await.map_err(failed())
    }
}

fn draft(action: &str, by: &str, scope: &str, reason: &str) -> Draft {
    Draft {
        correlation: Some(scope.to_owned()),
        reason: Some(reason.to_owned()),
        ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(by), action)
    }
}
