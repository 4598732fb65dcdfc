//! The raw commits that prove accepted steps, and the alarms of the moment. What is read back is
//! named by its own hash: a row can be missing, never something else.

use super::acceptance::SOURCE;
use super::{LeaderProof, Store, StoreError};
use pintle_core::change::Oid;
use sqlx::Row;
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A kept commit.
#[derive(Debug, Clone)]
pub struct EvidenceRow {
    /// Its name.
    pub oid: Oid,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Whether it still says something by itself.
    pub standing: bool,
}

impl Store {
    /// Everything that is kept, the oldest first.
    pub async fn evidence(&self) -> Result<Vec<EvidenceRow>, StoreError> {
        let failed = || StoreError::during("read the kept evidence");
        let rows =
            sqlx::query("SELECT oid, raw, standing FROM pintle.evidence WHERE source_id = $1 ORDER BY kept_at, oid")
                .bind(SOURCE)
                .fetch_all(&self.pool)
                .await
                .map_err(failed())?;
        rows.iter()
            .map(|row| {
                let oid: &str = row.try_get("oid").map_err(failed())?;
                let oid = oid
                    .parse()
                    .map_err(|_| StoreError::Corrupt { what: "evidence", source: "it is no object id".into() })?;
                let (raw, standing) =
                    (row.try_get("raw").map_err(failed())?, row.try_get("standing").map_err(failed())?);
                Ok(EvidenceRow { oid, raw, standing })
            })
            .collect()
    }

    /// Keeps commits, with whether each stands by itself; one that is kept already can only come to stand by itself.
    pub async fn keep_evidence(
        &self,
        proof: &LeaderProof,
        commits: &BTreeMap<Oid, (Arc<[u8]>, bool)>,
    ) -> Result<(), StoreError> {
        let names: Vec<String> = commits.keys().map(Oid::to_string).collect();
        let bytes: Vec<&[u8]> = commits.values().map(|(raw, _)| raw.as_ref()).collect();
        let standing: Vec<bool> = commits.values().map(|(_, standing)| *standing).collect();
        let statement = sqlx::query("INSERT INTO pintle.evidence (source_id, oid, raw, standing) SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::bool[]) ON CONFLICT (source_id, oid) DO UPDATE SET standing = true WHERE EXCLUDED.standing AND NOT evidence.standing")
            .bind(SOURCE)
            .bind(names)
            .bind(bytes)
            .bind(standing);
        self.write_derived(proof, "keep evidence", statement).await
    }

    /// Records the alarms of this moment, if they are not those on record.
    pub async fn record_alarms(&self, proof: &LeaderProof, alarms: &serde_json::Value) -> Result<(), StoreError> {
        let statement =
            sqlx::query("UPDATE pintle.sources SET alarms = $2 WHERE id = $1 AND alarms IS DISTINCT FROM $2")
                .bind(SOURCE)
                .bind(Json(alarms));
        self.write_derived(proof, "record the alarms", statement).await
    }
}
