//! Records that are written by the statement that does what they tell of. A writer is one process's alone, so where its
//! next record will stand is known before it is asked; should that be wrong after all, the statement is refused.

use super::AuditWriter;
use super::columns::Columns;
use crate::store::StoreError;
use jiff::Timestamp;
use pintle_core::audit::{Draft, Place};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The database's clock is asked again after as long.
const BELIEVED: Duration = Duration::from_secs(10);
/// A record is of no other time than that at which it is written, but for so many microseconds: longer than a statement may
/// wait. The clock may have been set, and this host may have slept.
const TOLERANCE_US: u64 = 15_000_000;
/// SQLSTATE of `pintle.insist`.
const OVERTAKEN: &str = "PN005";

/// The number of a writer's last record, and the database's time when that was learned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    last: i64,
    now_us: i64,
    learned: Instant,
}

impl Known {
    fn now_us(&self) -> i64 {
        self.now_us.saturating_add(self.learned.elapsed().as_micros() as i64)
    }
}

/// Records, and where they will stand.
pub(in crate::store) struct Foreseen<'a> {
    columns: Columns<'a>,
    known: Known,
    count: i64,
    /// As of when they are written, in microseconds since 1970: by the database's clock, as it was told last.
    pub now_us: i64,
}

/// Columns of a statement that looks where the writer stands whose slot and holder are the parameters `slot` and the next.
pub(in crate::store) fn standing(slot: usize) -> String {
    format!(
        "(SELECT seq FROM pintle.audit_writers WHERE slot = ${slot} AND holder = ${}) AS last_seq, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us",
        slot + 1
    )
}

/// Statement text: does what `with` says and writes the records, if `holds` and they stand where it was foreseen;
/// selects `also`. The parameters from `from` on are bound by [`AuditWriter::write`].
pub(in crate::store) fn writing(with: &str, holds: &str, also: &str, from: usize) -> String {
    let [slot, holder, before, count, now] = [0, 1, 2, 3, 4].map(|n| from + n);
    format!(
        "WITH {with},
    taken AS (UPDATE pintle.audit_writers SET seq = seq + ${count}, lease_until = clock_timestamp() + interval '1 hour'
        WHERE slot = ${slot} AND holder = ${holder} AND seq = ${before} RETURNING seq),
    logged AS ({})
    SELECT pintle.insist({holds} AND EXISTS (SELECT FROM taken) AND abs(extract(epoch FROM clock_timestamp()) * 1000000 - ${now}) < {TOLERANCE_US}){also}",
        Columns::sql(now, slot, from + 5)
    )
}

impl AuditWriter {
    /// Whether it is known where its next record will stand.
    pub(in crate::store) fn foresees(&self) -> bool {
        self.known().is_some()
    }

    /// `drafts`, where they will stand, as of a time that is not `before`; nothing while that is not known.
    pub(in crate::store) fn foreseen<'a>(&self, drafts: &'a [Draft], before: Timestamp) -> Option<Foreseen<'a>> {
        let known = self.known()?;
        let now_us = known.now_us().max(before.as_microsecond());
        let time = Timestamp::from_microsecond(now_us).unwrap_or_default();
        let columns = Columns::of(drafts, |at| self.place(known.last + 1 + at as i64, time));
        Some(Foreseen { columns, known, count: drafts.len() as i64, now_us })
    }

    /// Runs `statement`, whose text is of [`writing`]. Says whether it was written: nothing of it is, where something that was
    /// seen or foreseen does not hold any more.
    pub(in crate::store) async fn write(
        &self,
        connection: &mut PgConnection,
        statement: Query<'_, Postgres, PgArguments>,
        foreseen: Foreseen<'_>,
    ) -> Result<bool, sqlx::Error> {
        let Foreseen { columns, known, count, now_us } = foreseen;
        self.know(None);
        let statement = self.bind(statement).bind(known.last).bind(count).bind(now_us);
        // All of what is answered: the first row comes before the end of the transaction.
        match columns.bind(statement).fetch_all(connection).await {
            Ok(_) => {
                // The time is learned by looks alone, which are short: between it and this answer the disk was waited for.
                self.know(Some(Known { last: known.last + count, ..known }));
                Ok(true)
            }
            Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some(OVERTAKEN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Learns from a row of a statement with [`standing`].
    pub(in crate::store) fn learn_from(&self, row: &PgRow) -> Result<(), StoreError> {
        let read = |name| row.try_get::<Option<i64>, _>(name).map_err(StoreError::during("append to the audit log"));
        match (read("last_seq")?, read("now_us")?) {
            (Some(last), Some(now_us)) => self.learn(last, now_us),
            _ => return Err(StoreError::WriterLost),
        }
        Ok(())
    }

    /// Its last record is number `last` now, at which the database's clock said `now_us`.
    pub(super) fn learn(&self, last: i64, now_us: i64) {
        self.know(Some(Known { last, now_us, learned: Instant::now() }));
    }

    fn know(&self, known: Option<Known>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    pub(super) fn place(&self, seq: i64, time: Timestamp) -> Place {
        Place { writer: self.slot, seq, time, salt: *Uuid::new_v4().as_bytes() }
    }

    fn known(&self) -> Option<Known> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|known| known.learned.elapsed() < BELIEVED)
    }
}
