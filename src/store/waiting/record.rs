//! Writes down what waits: what changed since the plan before.

use super::{Waits, Why};
use crate::store::acceptance::SOURCE;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use std::collections::BTreeMap;

const RECORD: &str = "WITH gone AS (DELETE FROM pintle.waiting_objects o USING unnest($2::text[], $3::text[]) AS g (kind, name)
        WHERE o.source_id = $1 AND o.object_kind = g.kind AND o.object_name = g.name),
    lifted AS (DELETE FROM pintle.waiting_reasons WHERE source_id = $1 AND id = ANY($4)),
    said AS (INSERT INTO pintle.waiting_reasons (source_id, id, code, message, lifted_by, until, rollout, held)
        SELECT $1, r.id, r.code, r.message, r.lifted_by, to_timestamp(r.until_us / 1000000.0), r.rollout, r.held
        FROM unnest($5::integer[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[]) AS r (id, code, message, lifted_by, until_us, rollout, held)
        ON CONFLICT (source_id, id) DO UPDATE SET code = excluded.code, message = excluded.message, lifted_by = excluded.lifted_by,
            until = excluded.until, rollout = excluded.rollout, held = excluded.held)
    INSERT INTO pintle.waiting_objects (source_id, object_kind, object_name, reason)
    SELECT $1, o.kind, o.name, o.reason FROM unnest($12::text[], $13::text[], $14::integer[]) AS o (kind, name, reason)
    ON CONFLICT (source_id, object_kind, object_name) DO UPDATE SET reason = excluded.reason";

/// What a leader before wrote is not known: it goes.
const FORGET: &str = "WITH objects AS (DELETE FROM pintle.waiting_objects WHERE source_id = $1)
    DELETE FROM pintle.waiting_reasons WHERE source_id = $1";

impl Store {
    /// Records that `waits` is what waits; `before` is what this leader recorded last, if it did. Gives what is to be
    /// `before` then.
    pub async fn record_waiting(
        &self,
        proof: &LeaderProof,
        before: Option<Waits>,
        waits: Waits,
    ) -> Result<Waits, StoreError> {
        let failed = || StoreError::during("record what waits");
        let waits = waits.numbered_like(before.as_ref().unwrap_or(&Waits::default()));
        if before.as_ref() == Some(&waits) {
            return Ok(waits);
        }
        // It lasts: what is written next is what changed since.
        let mut tx = self.begin_as(proof).await?;
        if before.is_none() {
            sqlx::query(FORGET).bind(SOURCE).execute(&mut *tx).await.map_err(failed())?;
        }
        let before = before.unwrap_or_default();
        let (put, gone) = difference(&before.of, &waits.of);
        let (said, lifted) = difference(&before.reasons, &waits.reasons);
        sqlx::query(RECORD)
            .bind(SOURCE)
            .bind(gone.iter().map(|key| &*key.kind).collect::<Vec<_>>())
            .bind(gone.iter().map(|key| &*key.name).collect::<Vec<_>>())
            .bind(lifted.iter().map(|number| **number).collect::<Vec<_>>())
            .bind(said.iter().map(|(number, _)| **number).collect::<Vec<_>>())
            .bind(column(&said, |why| why.code.as_str()))
            .bind(column(&said, |why| why.message.as_str()))
            .bind(column(&said, |why| why.lifted_by.as_str()))
            .bind(column(&said, |why| why.until.map(Timestamp::as_microsecond)))
            .bind(column(&said, |why| why.wave.as_ref().map(|(rollout, _)| rollout.as_str())))
            .bind(column(&said, |why| why.wave.as_ref().and_then(|(_, held)| *held)))
            .bind(put.iter().map(|(key, _)| &*key.kind).collect::<Vec<_>>())
            .bind(put.iter().map(|(key, _)| &*key.name).collect::<Vec<_>>())
            .bind(put.iter().map(|(_, number)| **number).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        sqlx::query("SELECT pg_notify('pintle_source', $1)").bind(SOURCE).execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(waits)
    }
}

/// The entries of `after` that `before` does not have, and the keys that only `before` has.
fn difference<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> (Vec<(&'a K, &'a V)>, Vec<&'a K>) {
    let put = after.iter().filter(|(key, value)| before.get(key) != Some(value)).collect();
    (put, before.keys().filter(|key| !after.contains_key(key)).collect())
}

fn column<'a, T>(said: &[(&i32, &'a Why)], of: impl Fn(&'a Why) -> T) -> Vec<T> {
    said.iter().map(|(_, why)| of(why)).collect()
}
