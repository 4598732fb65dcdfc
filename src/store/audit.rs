//! Appends to the audit log. A writer is a leased slot whose counter advances in the same
//! transaction as its records, so that a missing record is a gap.

use super::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::{Draft, Place, leaf};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};
use uuid::Uuid;

/// A leased slot of the log. One transaction at a time uses it.
#[derive(Debug, Clone, Copy)]
pub struct AuditWriter {
    slot: i32,
    holder: Uuid,
}

const LEASE: &str = "UPDATE pintle.audit_writers SET holder = $1, lease_until = clock_timestamp() + interval '1 hour'
    WHERE slot = (SELECT slot FROM pintle.audit_writers WHERE lease_until < clock_timestamp() ORDER BY slot FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING slot";

const NEW_SLOT: &str = "INSERT INTO pintle.audit_writers (holder, lease_until) VALUES ($1, clock_timestamp() + interval '1 hour') RETURNING slot";

/// Places in the sequence of a writer, and the time at which they were taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    last: i64,
    places: i64,
    now_us: i64,
}

impl Taken {
    /// Statement text: takes `count` places of the writer whose slot and holder are the parameters from `slot` on.
    pub(super) fn sql(count: &str, slot: usize) -> String {
        format!(
            "UPDATE pintle.audit_writers SET seq = seq + {count}, lease_until = clock_timestamp() + interval '1 hour'
            WHERE slot = ${slot} AND holder = ${} RETURNING seq AS last_seq, ({count})::bigint AS places, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us",
            slot + 1
        )
    }

    /// What that statement says in `row`; nothing if the writer's lease is another's by now.
    pub(super) fn of(row: &PgRow) -> Result<Self, StoreError> {
        let read = |name| row.try_get::<Option<i64>, _>(name).map_err(StoreError::during("append to the audit log"));
        match (read("last_seq")?, read("places")?, read("now_us")?) {
            (Some(last), Some(places), Some(now_us)) => Ok(Self { last, places, now_us }),
            _ => Err(StoreError::WriterLost),
        }
    }
}

/// Arrays are unnested side by side in the list of what is selected: as functions to select from, each would be written
/// down first.
const INSERT: &str = "INSERT INTO pintle.audit_logs
    (recorded_at, writer, id, seq, leaf, salt, sealed, stage, actor, action, resource_kind, resource_name, partner, commit, job_id, outcome)
    SELECT to_timestamp($1::bigint / 1000000.0), $2, unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::bytea[]), unnest($6::bytea[]), unnest($7::bytea[]),
        unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]), unnest($12::text[]), unnest($13::text[]), unnest($14::text[]), unnest($15::bigint[]), unnest($16::text[])";

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
        Ok(AuditWriter { slot, holder: process })
    }

    /// Leases another slot for the holder of one that was lost.
    pub async fn replace_audit_writer(&self, lost: AuditWriter) -> Result<AuditWriter, StoreError> {
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
        let mut tx = self.pool.begin().await.map_err(StoreError::during("begin"))?;
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
        let query = sqlx::query(AssertSqlSafe(Taken::sql("$1", 2))).bind(drafts.len() as i64);
        let row = self.bind(query).fetch_optional(&mut *tx).await;
        let row = row.map_err(StoreError::during("append to the audit log"))?.ok_or(StoreError::WriterLost)?;
        self.append_at(tx, drafts, Taken::of(&row)?).await
    }

    /// Appends `drafts` at the places that a statement of the caller's took for them, as many as there are.
    pub(super) async fn append_at(
        &self,
        tx: &mut PgConnection,
        drafts: &[Draft],
        taken: Taken,
    ) -> Result<(), StoreError> {
        if taken.places != drafts.len() as i64 {
            let source = format!("{} places for {} records", taken.places, drafts.len()).into();
            return Err(StoreError::Corrupt { what: "audit sequence", source });
        }
        let time = Timestamp::from_microsecond(taken.now_us).unwrap_or_default();
        let columns = self.columns(drafts, taken.last - drafts.len() as i64, time);
        columns.insert(tx, taken.now_us, self.slot).await.map_err(StoreError::during("append to the audit log"))
    }

    /// Binds the two parameters of [`Taken::sql`].
    pub(super) fn bind<'q>(&self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        query.bind(self.slot).bind(self.holder)
    }

    fn columns<'a>(&self, drafts: &'a [Draft], before: i64, time: Timestamp) -> Columns<'a> {
        let mut columns = Columns::default();
        for (draft, seq) in drafts.iter().zip(before + 1..) {
            let salt = *Uuid::new_v4().as_bytes();
            let bytes = leaf(draft, Place { writer: self.slot, seq, time, salt });
            columns.id.push(draft.id);
            columns.seq.push(seq);
            columns.leaf.push(bytes.leaf);
            columns.salt.push(bytes.sealed.is_some().then(|| salt.to_vec()));
            columns.sealed.push(bytes.sealed);
            columns.stage.push(draft.stage.as_str());
            columns.actor.push(&draft.actor.id);
            columns.action.push(&draft.action);
            columns.resource_kind.push(draft.resource.as_ref().map(|(key, _)| &*key.kind));
            columns.resource_name.push(draft.resource.as_ref().map(|(key, _)| &*key.name));
            columns.partner.push(draft.partner.as_deref());
            columns.commit.push(draft.git.as_ref().map(|git| git.commit.as_str()));
            columns.job.push(draft.job.as_ref().map(|job| job.id));
            columns.outcome.push(draft.outcome.status);
        }
        columns
    }
}

#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    seq: Vec<i64>,
    leaf: Vec<Vec<u8>>,
    salt: Vec<Option<Vec<u8>>>,
    sealed: Vec<Option<Vec<u8>>>,
    stage: Vec<&'a str>,
    actor: Vec<&'a str>,
    action: Vec<&'a str>,
    resource_kind: Vec<Option<&'a str>>,
    resource_name: Vec<Option<&'a str>>,
    partner: Vec<Option<&'a str>>,
    commit: Vec<Option<&'a str>>,
    job: Vec<Option<i64>>,
    outcome: Vec<&'a str>,
}

impl Columns<'_> {
    async fn insert(self, tx: &mut PgConnection, now_us: i64, slot: i32) -> Result<(), sqlx::Error> {
        sqlx::query(INSERT)
            .bind(now_us)
            .bind(slot)
            .bind(self.id)
            .bind(self.seq)
            .bind(self.leaf)
            .bind(self.salt)
            .bind(self.sealed)
            .bind(self.stage)
            .bind(self.actor)
            .bind(self.action)
            .bind(self.resource_kind)
            .bind(self.resource_name)
            .bind(self.partner)
            .bind(self.commit)
            .bind(self.job)
            .bind(self.outcome)
            .execute(tx)
            .await
            .map(|_| ())
    }
}
