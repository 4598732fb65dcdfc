//! Appends to the audit log. A writer is a leased slot whose counter advances in the same
//! transaction as its records, so that a missing record is a gap.

mod columns;
mod foreseen;

pub(super) use foreseen::{standing, writing};

use super::{Store, StoreError};
use columns::Columns;
use foreseen::Known;
use jiff::Timestamp;
use pintle_core::audit::Draft;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use std::sync::{Arc, LazyLock, Mutex};
use uuid::Uuid;

/// A leased slot of the log. One transaction at a time uses it.
#[derive(Debug, Clone)]
pub struct AuditWriter {
    slot: i32,
    holder: Uuid,
    known: Arc<Mutex<Option<Known>>>,
}

const LEASE: &str = "UPDATE pintle.audit_writers SET holder = $1, lease_until = clock_timestamp() + interval '1 hour'
    WHERE slot = (SELECT slot FROM pintle.audit_writers WHERE lease_until < clock_timestamp() ORDER BY slot FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING slot";

const NEW_SLOT: &str = "INSERT INTO pintle.audit_writers (holder, lease_until) VALUES ($1, clock_timestamp() + interval '1 hour') RETURNING slot";

const TAKE: &str = "UPDATE pintle.audit_writers SET seq = seq + $3, lease_until = clock_timestamp() + interval '1 hour'
    WHERE slot = $1 AND holder = $2 RETURNING seq, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

static INSERT: LazyLock<String> = LazyLock::new(|| Columns::sql(1, 2, 3));

impl Store {
    /// Leases a slot for `process`.
    pub async fn audit_writer(&self, process: Uuid) -> Result<AuditWriter, StoreError> {
        let failed = || StoreError::during("lease an audit writer");
        let free: Option<i32> =
            sqlx::query_scalar(LEASE).bind(process).fetch_optional(&self.pool).await.map_err(failed())?;
        let slot = match free {
            Some(slot) => slot,
            None => sqlx::query_scalar(NEW_SLOT).bind(process).fetch_one(&self.pool).await.map_err(failed())?,
        };
        Ok(AuditWriter { slot, holder: process, known: Arc::default() })
    }

    /// Leases another slot for the holder of one that was lost.
    pub async fn replace_audit_writer(&self, lost: &AuditWriter) -> Result<AuditWriter, StoreError> {
        tracing::warn!(slot = lost.slot, "the lease of audit writer {} ran out; leasing another", lost.slot);
        self.audit_writer(lost.holder).await
    }

    /// Gives the slot back, so that a process that lives for one command need not hold it for an hour.
    pub async fn end_audit_writer(&self, writer: AuditWriter) -> Result<(), StoreError> {
        sqlx::query("UPDATE pintle.audit_writers SET lease_until = clock_timestamp() WHERE slot = $1 AND holder = $2")
            .bind(writer.slot)
            .bind(writer.holder)
            .execute(&self.pool)
            .await
            .map_err(StoreError::during("give back an audit writer"))?;
        Ok(())
    }

    /// Appends records in a transaction of their own.
    pub async fn record(&self, writer: &AuditWriter, drafts: &[Draft]) -> Result<(), StoreError> {
        let mut tx = self.begin().await.map_err(StoreError::during("begin"))?;
        writer.append(&mut tx, drafts).await?;
        tx.commit().await.map_err(StoreError::during("commit an audit record"))
    }

    /// Makes the partitions of the coming months.
    pub async fn ensure_audit_partitions(&self) -> Result<i32, StoreError> {
        sqlx::query_scalar("SELECT pintle.ensure_audit_partitions()")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("make audit partitions"))
    }
}

impl AuditWriter {
    /// Appends `drafts` in the caller's transaction.
    pub async fn append(&self, tx: &mut PgConnection, drafts: &[Draft]) -> Result<(), StoreError> {
        if drafts.is_empty() {
            return Ok(());
        }
        let failed = || StoreError::during("append to the audit log");
        let taken = sqlx::query_as(TAKE).bind(self.slot).bind(self.holder).bind(drafts.len() as i64);
        let taken: Option<(i64, i64)> = taken.fetch_optional(&mut *tx).await.map_err(failed())?;
        let (last, now_us) = taken.ok_or(StoreError::WriterLost)?;
        // Until the transaction ends well it is not so; who foresees something of it is refused.
        self.learn(last, now_us);
        let (before, time) = (last - drafts.len() as i64, Timestamp::from_microsecond(now_us).unwrap_or_default());
        let columns = Columns::of(drafts, |at| self.place(before + 1 + at as i64, time));
        let insert = columns.bind(sqlx::query(INSERT.as_str()).bind(now_us).bind(self.slot));
        insert.execute(tx).await.map(|_| ()).map_err(failed())
    }

    /// Binds the slot and the holder, in this order.
    pub(super) fn bind<'q>(&self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        query.bind(self.slot).bind(self.holder)
    }
}
