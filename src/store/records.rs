//! Reads the audit log. The leaf is given as it is stored, because that is what was hashed.

use super::rows::moment;
use super::{Store, StoreError};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use pintle_core::change::Digest;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use uuid::Uuid;

const FIND: &str = "SELECT leaf, salt, sealed, (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_us FROM pintle.audit_logs
    WHERE ($1::bigint IS NULL OR recorded_at >= to_timestamp($1 / 1000000.0)) AND ($2::bigint IS NULL OR recorded_at < to_timestamp($2 / 1000000.0))
      AND ($3::text IS NULL OR actor = $3 OR convert_from(leaf, 'UTF8')::jsonb -> 'approvals' @> jsonb_build_array(jsonb_build_object('person', $3)))
      AND ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR resource_kind = $5) AND ($6::text IS NULL OR resource_name = $6)
      AND ($7::text IS NULL OR partner = $7) AND ($8::text IS NULL OR commit LIKE $8 || '%') AND ($9::bigint IS NULL OR job_id = $9) AND ($10::uuid IS NULL OR id = $10)";
const NEWEST: &str = " ORDER BY recorded_at DESC, writer DESC, seq DESC LIMIT $11";
const OLDEST: &str = " ORDER BY recorded_at, writer, seq LIMIT $11";

/// Which records.
#[derive(Debug, Clone, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordFilter {
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who acted, or whose approval counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// `create`, `heal`, `accept`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The object's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The partner whose object it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// The accepted commit, or the beginning of its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<i64>,
    /// The record's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// At most so many; all if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}

/// A record as stored.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// The hashed bytes: JSON.
    pub leaf: Vec<u8>,
    /// What the sealed part was hashed with.
    pub salt: Option<Vec<u8>>,
    /// Before, after and diff: JSON, unless erased.
    pub sealed: Option<Vec<u8>>,
    /// By the database's clock.
    pub recorded_at: Option<Timestamp>,
}

/// Whether the sealed part is what the leaf says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Seal {
    /// There is none, and the leaf says so.
    None,
    /// Its salted hash is the one in the leaf.
    Matches,
    /// It is not the one that the leaf was written with.
    Broken,
    /// The leaf names one that is no longer there.
    Erased,
}

impl StoredRecord {
    /// The leaf, parsed.
    pub fn json(&self) -> Result<serde_json::Value, StoreError> {
        serde_json::from_slice(&self.leaf)
            .map_err(|error| StoreError::Corrupt { what: "audit leaf", source: error.into() })
    }

    /// Compares sha256(salt ‖ sealed) with what the leaf says.
    pub fn seal(&self) -> Seal {
        let leaf: serde_json::Value = serde_json::from_slice(&self.leaf).unwrap_or_default();
        match (leaf["sealed"].as_str(), &self.sealed) {
            (None, None) => Seal::None,
            (Some(_), None) => Seal::Erased,
            (None, Some(_)) => Seal::Broken,
            (Some(said), Some(sealed)) => {
                let bytes = [self.salt.as_deref().unwrap_or_default(), sealed].concat();
                if Digest::of(&bytes).to_string() == said { Seal::Matches } else { Seal::Broken }
            }
        }
    }
}

impl Store {
    /// The newest records of `filter`, newest first.
    pub async fn records(&self, filter: &RecordFilter) -> Result<Vec<StoredRecord>, StoreError> {
        let failed = || StoreError::during("search the audit log");
        let sql = format!("{FIND}{NEWEST}");
        let rows = bound(&sql, filter).fetch_all(&self.pool).await.map_err(failed())?;
        rows.iter().map(record).collect::<Result<_, _>>().map_err(failed())
    }

    /// Gives every record of `filter`, oldest first, to `each`, as they come; `false` ends it.
    pub async fn each_record(
        &self,
        filter: &RecordFilter,
        mut each: impl FnMut(StoredRecord) -> bool,
    ) -> Result<u64, StoreError> {
        let failed = || StoreError::during("export the audit log");
        let mut tx = self.begin().await.map_err(failed())?;
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await.map_err(failed())?;
        let sql = format!("{FIND}{OLDEST}");
        let mut given = 0;
        let mut rows: std::pin::Pin<Box<dyn Stream<Item = Result<PgRow, sqlx::Error>> + Send + '_>> =
            bound(&sql, filter).fetch(&mut *tx);
        while let Some(row) = rows.next().await {
            given += 1;
            if !each(record(&row.map_err(failed())?).map_err(failed())?) {
                break;
            }
        }
        Ok(given)
    }

    /// Whether this connection may add to the audit log.
    pub async fn may_record(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT has_table_privilege('pintle.audit_logs', 'INSERT') AND has_table_privilege('pintle.audit_writers', 'INSERT') AND has_table_privilege('pintle.audit_writers', 'UPDATE')")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("look at the audit log"))
    }

    /// The database's clock.
    pub async fn clock(&self) -> Result<Timestamp, StoreError> {
        let us: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("read the clock"))?;
        Ok(Timestamp::from_microsecond(us).unwrap_or_default())
    }
}

fn bound<'q>(sql: &'q str, filter: &'q RecordFilter) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .bind(filter.since.map(Timestamp::as_microsecond))
        .bind(filter.until.map(Timestamp::as_microsecond))
        .bind(&filter.actor)
        .bind(&filter.action)
        .bind(&filter.kind)
        .bind(&filter.name)
        .bind(&filter.partner)
        .bind(filter.commit.as_ref().map(|commit| commit.replace(['%', '_', '\\'], "")))
        .bind(filter.job)
        .bind(filter.id)
        .bind(filter.limit)
}

fn record(row: &PgRow) -> Result<StoredRecord, sqlx::Error> {
    Ok(StoredRecord {
        leaf: row.try_get("leaf")?,
        salt: row.try_get("salt")?,
        sealed: row.try_get("sealed")?,
        recorded_at: moment(row, "recorded_us")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(said: &str, sealed: Option<&str>) -> StoredRecord {
        let leaf =
            serde_json::json!({ "sealed": if said.is_empty() { None } else { Some(said) } }).to_string().into_bytes();
        StoredRecord {
            leaf,
            salt: Some(vec![7; 16]),
            sealed: sealed.map(|text| text.as_bytes().to_vec()),
            recorded_at: None,
        }
    }

    #[test]
    fn a_changed_sealed_part_is_told_from_a_missing_one() {
        let said = Digest::of(&[&[7; 16][..], b"{}"].concat()).to_string();
        assert_eq!(stored(&said, Some("{}")).seal(), Seal::Matches);
        assert_eq!(stored(&said, Some("{} ")).seal(), Seal::Broken);
        assert_eq!(stored(&said, None).seal(), Seal::Erased);
        assert_eq!(stored("", None).seal(), Seal::None);
        assert_eq!(stored("", Some("{}")).seal(), Seal::Broken);
    }
}
