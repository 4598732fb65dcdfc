//! Accepted commits for people, and what a commit became.

use super::acceptance::SOURCE;
use super::{Store, StoreError};
use pintle_core::trust::Acceptance;
use sqlx::Row;
use sqlx::types::Json;

const HISTORY: &str = "SELECT acceptance, (SELECT count(DISTINCT (l.resource_kind, l.resource_name)) FROM pintle.audit_logs l WHERE l.commit = a.commit AND l.stage = 'effect') AS objects
    FROM pintle.accepted_commits a WHERE source_id = $1 AND commit LIKE $2 ORDER BY seq DESC LIMIT $3";

const PLAN: &str = "SELECT encode(p.actions, 'hex') AS actions FROM pintle.plans p WHERE p.source_id = $1 AND p.commit = $2 ORDER BY p.id LIMIT 1";

/// An accepted commit and its effect.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryRow {
    /// The acceptance as recorded.
    #[serde(flatten)]
    pub acceptance: Acceptance,
    /// How many objects it changed.
    pub objects: i64,
}

impl Store {
    /// The newest accepted commits, newest first, whose id begins with `prefix`.
    pub async fn history(&self, prefix: &str, limit: i64) -> Result<Vec<HistoryRow>, StoreError> {
        let failed = || StoreError::during("read the history");
        let prefix = format!("{}%", prefix.replace(['%', '_', '\\'], ""));
        let rows =
            sqlx::query(HISTORY).bind(SOURCE).bind(prefix).bind(limit).fetch_all(&self.pool).await.map_err(failed())?;
        let read = |row: &sqlx::postgres::PgRow| {
            let Json(acceptance): Json<Acceptance> = row.try_get("acceptance")?;
            Ok(HistoryRow { acceptance, objects: row.try_get("objects")? })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(failed())
    }

    /// The action digest of the first plan of `commit`, in hex: later ones only healed drift.
    pub async fn actions_of(&self, commit: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar(PLAN)
            .bind(SOURCE)
            .bind(commit)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::during("read the plan of a commit"))
    }
}
