//! Why each object waits that should move and does not: of every one, as of the newest plan. A plan that moves nothing is not
//! stored, so this stands beside the source. What is written is what changed since the plan before.

use super::acceptance::SOURCE;
use super::rows::moment;
use super::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::ObjectKey;
use pintle_core::plan::{Plan, Reason};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Reasons kept with a plan for its history; the number of all is kept beside them.
const OF_A_PLAN: usize = 1_000;

/// An object that should move and does not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingRow {
    /// `Kind/name`.
    pub object: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// Why something waits, in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The stable word.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What lifts it.
    pub lifted_by: String,
    /// When time alone lifts it, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The Rollout in whose waves it waits, and what keeps its wave closed until somebody acts.
    #[serde(skip)]
    pub wave: Option<(String, Option<&'static str>)>,
}

impl Why {
    fn of(reason: &Reason) -> Self {
        let wave = match reason {
            Reason::Wave { rollout, held, .. } => Some((rollout.to_string(), held.as_ref().map(|held| held.as_str()))),
            _ => None,
        };
        Self {
            code: reason.code().to_owned(),
            message: reason.sentence(),
            lifted_by: reason.lifted_by(),
            until: reason.until(),
            wave,
        }
    }
}

/// The first reasons of `plan`, for its record.
pub(super) fn of_a_plan(plan: &Plan) -> Vec<WaitingRow> {
    let first = plan.waiting().iter().take(OF_A_PLAN);
    first.map(|one| WaitingRow { object: one.change.key.to_string(), why: Why::of(&one.reason) }).collect()
}

/// What a plan lets wait: each reason once, by a number, and which of them each object has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    reasons: BTreeMap<i32, Why>,
    of: BTreeMap<ObjectKey, i32>,
}

impl Waits {
    /// What `plan` lets wait.
    pub fn of(plan: &Plan) -> Self {
        let (mut numbers, mut waits): (HashMap<Why, i32>, _) = (HashMap::new(), Self::default());
        for one in plan.waiting() {
            let next = numbers.len() as i32;
            let number = *numbers.entry(Why::of(&one.reason)).or_insert(next);
            waits.of.entry(one.change.key.clone()).or_insert(number);
        }
        waits.reasons = numbers.into_iter().map(|(why, number)| (number, why)).collect();
        waits
    }

    /// The same under numbers with which least changes against `before`: a reason keeps the number under which the first of
    /// its objects waited, so that other words of it are one row.
    fn numbered_like(self, before: &Self) -> Self {
        let mut first: BTreeMap<i32, &ObjectKey> = BTreeMap::new();
        for (key, number) in &self.of {
            first.entry(*number).or_insert(key);
        }
        let mut taken: BTreeSet<i32> = BTreeSet::new();
        let mut again: HashMap<i32, i32> = HashMap::new();
        for (number, key) in &first {
            if let Some(old) = before.of.get(*key).filter(|old| taken.insert(**old)) {
                again.insert(*number, *old);
            }
        }
        let mut free = (0..).filter(|number| !taken.contains(number));
        for number in first.keys() {
            again.entry(*number).or_insert_with(|| free.next().unwrap_or_default());
        }
        let other = |number: i32| again.get(&number).copied().unwrap_or(number);
        Self {
            reasons: self.reasons.into_iter().map(|(number, why)| (other(number), why)).collect(),
            of: self.of.into_iter().map(|(key, number)| (key, other(number))).collect(),
        }
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

const WAITING: &str = "SELECT object_kind, object_name, code, message, lifted_by, (extract(epoch FROM until) * 1000000)::bigint AS until_us
    FROM pintle.waiting WHERE source_id = $1 AND ($2::text IS NULL OR object_kind = $2) AND ($3::text IS NULL OR object_name = $3)
    ORDER BY object_kind, object_name";

const OPEN_JOBS: &str = "SELECT object_kind, object_name, job_id, state, reason FROM pintle.job_state
    WHERE source_id = $1 AND queue = 'rows' AND state IN ('queued', 'released', 'running', 'dead')
      AND ($2::text IS NULL OR object_kind = $2) AND ($3::text IS NULL OR object_name = $3) ORDER BY job_id";

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
        let mut tx = self.begin_derived(proof).await?;
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

    /// What waits, as of the newest plan: of one kind, or one object, if asked for.
    pub async fn waiting(&self, kind: Option<&str>, name: Option<&str>) -> Result<Vec<WaitingRow>, StoreError> {
        let failed = || StoreError::during("read what waits");
        let rows = sqlx::query(WAITING).bind(SOURCE).bind(kind).bind(name).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(waiting).collect::<Result<_, _>>().map_err(failed())
    }

    /// The row changes that are not over: of one kind, or one object, if asked for.
    pub async fn open_jobs(&self, kind: Option<&str>, name: Option<&str>) -> Result<Vec<OpenJob>, StoreError> {
        let failed = || StoreError::during("read the jobs that are not over");
        let rows = sqlx::query(OPEN_JOBS).bind(SOURCE).bind(kind).bind(name).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(open_job).collect::<Result<_, _>>().map_err(failed())
    }
}

fn column<'a, T>(said: &[(&i32, &'a Why)], of: impl Fn(&'a Why) -> T) -> Vec<T> {
    said.iter().map(|(_, why)| of(why)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(of: &[(&str, &str)]) -> Waits {
        let why = |message: &str| Why {
            code: "wave".into(),
            message: message.into(),
            lifted_by: String::new(),
            until: None,
            wave: None,
        };
        let words: BTreeSet<&str> = of.iter().map(|(_, message)| *message).collect();
        let number = |message: &str| words.iter().position(|one| *one == message).unwrap() as i32;
        Waits {
            reasons: words.iter().map(|message| (number(message), why(message))).collect(),
            of: of.iter().map(|(name, message)| (ObjectKey::new("Suite", *name), number(message))).collect(),
        }
    }

    /// What each object waits for, whatever the numbers.
    fn said(waits: &Waits) -> Vec<(String, String)> {
        waits.of.iter().map(|(key, number)| (key.name.to_string(), waits.reasons[number].message.clone())).collect()
    }

    #[test]
    fn other_words_of_a_reason_are_one_row_however_many_wait_for_it() {
        let before = waits(&[("a", "nine move"), ("b", "nine move"), ("c", "paused")]);
        let after = waits(&[("a", "ten move"), ("b", "ten move"), ("c", "paused")]).numbered_like(&before);
        assert!(difference(&before.of, &after.of).0.is_empty());
        assert_eq!(difference(&before.reasons, &after.reasons).0.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn numbers_change_nothing_of_what_is_said(
            before in proptest::collection::btree_map("[a-f]", "[x-z]", 0..6),
            after in proptest::collection::btree_map("[a-f]", "[x-z]", 0..6),
        ) {
            let pairs = |map: &BTreeMap<String, String>| {
                waits(&map.iter().map(|(name, message)| (name.as_str(), message.as_str())).collect::<Vec<_>>())
            };
            let (before, after) = (pairs(&before), pairs(&after));
            let like = after.clone().numbered_like(&before);
            proptest::prop_assert_eq!(said(&like), said(&after));
            proptest::prop_assert_eq!(like.reasons.len(), after.reasons.len());
        }
    }
}
