//! Live rows for people: `get` and `why`. Generic over kinds, as everything here.

use super::acceptance::SOURCE;
use super::live::body_of;
use super::{Store, StoreError};
use jiff::Timestamp;
use pintle_core::change::{ObjectKey, Value};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

const ROWS: &str = "SELECT kind, name, uid, labels, annotations, spec, applied, drifted, protected, partner, generation, revision, applied_commit, applied_file, applied_seq,
        (extract(epoch FROM tombstoned_at) * 1000000)::bigint AS tombstoned_us, (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
        (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_us
    FROM pintle.objects
    WHERE source_id = $1 AND kind = $2 AND ($3::text IS NULL OR name = $3) AND ($4::text IS NULL OR partner = $4) AND labels @> $5
    ORDER BY name";

/// Which rows.
#[derive(Debug, Clone, Default)]
pub struct Selection<'a> {
    /// The kind, by its registered name.
    pub kind: &'a str,
    /// One of them.
    pub name: Option<&'a str>,
    /// Those of one partner.
    pub partner: Option<&'a str>,
    /// Those with all of these labels.
    pub labels: BTreeMap<String, String>,
}

/// A live row, whole.
#[derive(Debug, Clone)]
pub struct LiveRow {
    /// Kind and name.
    pub key: ObjectKey,
    /// Identity.
    pub uid: Uuid,
    /// `{annotations, labels, spec}` as it stands.
    pub live: Value,
    /// The same as last applied; `None` for a row that Pintle never applied.
    pub base: Option<Value>,
    /// Whether the two differ; the database says so.
    pub drifted: bool,
    /// Whether it carries `pintle/protect`.
    pub protected: bool,
    /// Whose it is.
    pub partner: Option<String>,
    /// How often it was applied.
    pub generation: i64,
    /// How often it was written.
    pub revision: i64,
    /// The commit it was last applied from.
    pub applied_commit: Option<String>,
    /// The file that its document stood in.
    pub applied_file: Option<String>,
    /// The place of that commit.
    pub applied_seq: i64,
    /// Since when it is tombstoned.
    pub tombstoned_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Option<Timestamp>,
    /// When it was last written, by whomever.
    pub updated_at: Option<Timestamp>,
}

impl Store {
    /// The rows of `selection`, by name.
    pub async fn rows(&self, selection: &Selection<'_>) -> Result<Vec<LiveRow>, StoreError> {
        let failed = || StoreError::during("read live rows");
        let rows = sqlx::query(ROWS)
            .bind(SOURCE)
            .bind(selection.kind)
            .bind(selection.name)
            .bind(selection.partner)
            .bind(Json(&selection.labels))
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        rows.iter().map(live_row).collect::<Result<_, _>>().map_err(failed())
    }

    /// The row of `key`.
    pub async fn row(&self, key: &ObjectKey) -> Result<Option<LiveRow>, StoreError> {
        let selection = Selection { kind: &key.kind, name: Some(&key.name), ..Selection::default() };
        Ok(self.rows(&selection).await?.pop())
    }
}

fn live_row(row: &PgRow) -> Result<LiveRow, sqlx::Error> {
    let base: Option<Json<Value>> = row.try_get("applied")?;
    Ok(LiveRow {
        key: ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?),
        uid: row.try_get("uid")?,
        live: body_of(row)?,
        base: base.map(|json| json.0.normalised()),
        drifted: row.try_get("drifted")?,
        protected: row.try_get("protected")?,
        partner: row.try_get("partner")?,
        generation: row.try_get("generation")?,
        revision: row.try_get("revision")?,
        applied_commit: row.try_get("applied_commit")?,
        applied_file: row.try_get("applied_file")?,
        applied_seq: row.try_get("applied_seq")?,
        tombstoned_at: moment(row, "tombstoned_us")?,
        created_at: moment(row, "created_us")?,
        updated_at: moment(row, "updated_us")?,
    })
}

/// A moment that SQL gave in microseconds.
pub(super) fn moment(row: &PgRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.and_then(|us| Timestamp::from_microsecond(us).ok()))
}
