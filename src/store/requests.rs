//! What others than the repository ask for: recorded before anything is done about it.

use super::audit::AuditWriter;
use super::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::{Actor, Draft, Outcome, Stage};
use uuid::Uuid;

impl Store {
    /// Records a request, and wakes the leader.
    pub async fn record_request(&self, origin: &str, request: &str, reason: Option<&str>) -> Result<(), StoreError> {
        let failed = || StoreError::during("record a request");
        let mut tx = self.begin().await.map_err(failed())?;
        sqlx::query("INSERT INTO pintle.requests (origin, request, accepted, reason) VALUES ($1, $2, true, $3)")
            .bind(origin)
            .bind(request)
            .bind(reason)
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        sqlx::query("SELECT pg_notify('pintle_ask', $1)").bind(request).execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())
    }

    /// When everything was compared last, as far as the leader said.
    pub async fn compared_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let at_us: Option<i64> =
            sqlx::query_scalar("SELECT (extract(epoch FROM max(compared_at)) * 1000000)::bigint FROM pintle.sources")
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::during("read when everything was compared"))?;
        Ok(at_us.and_then(|us| Timestamp::from_microsecond(us).ok()))
    }

    /// Wakes the leader. Only a doorbell: nothing depends on its being heard, and a database that is
    /// read-only has none.
    pub async fn ring(&self) {
        let _ = sqlx::query("SELECT pg_notify('pintle_ask', 'asked')").execute(&self.pool).await;
    }

    /// Puts a refused request into the audit log, and how many `more` there were before it.
    pub async fn record_refused_request(
        &self,
        writer: &AuditWriter,
        id: &str,
        name: &str,
        more: u64,
    ) -> Result<(), StoreError> {
        let more = if more > 0 { format!("; {more} more were refused before it") } else { String::new() };
        let draft = Draft {
            correlation: Some(format!("redis job {id}")),
            outcome: Outcome { status: "refused", code: Some("foreign-job".into()) },
            reason: Some(format!("`{name}` is not a request that a foreign job may make{more}")),
            ..Draft::new(Uuid::now_v7(), Stage::Denied, Actor { kind: "foreign", id: "queue".into() }, "request")
        };
        self.record(writer, &[draft]).await
    }
}
