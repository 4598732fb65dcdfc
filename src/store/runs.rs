//! Wide changes that go out in waves. The leader says which are under way; people open waves by hand.

use super::audit::AuditWriter;
use super::{LeaderProof, Store, StoreError};
use pintle_core::audit::{Actor, Draft, Stage};
use pintle_core::diff::PacedRun;
use uuid::Uuid;

/// Those that are over are forgotten, with what was opened of them.
const RECORD: &str =
    "WITH over AS (DELETE FROM pintle.paced_runs WHERE source_id = $1 AND NOT rollout = ANY($2::text[]))
    INSERT INTO pintle.paced_runs (source_id, rollout, since_seq, began_at)
    SELECT $1, rollout, since, to_timestamp(began_us / 1000000.0) FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS new(rollout, since, began_us) ON CONFLICT DO NOTHING";

const ADVANCE: &str = "UPDATE pintle.paced_runs SET advanced = array_append(array_remove(advanced, $3), $3),
    advanced_at = jsonb_build_object($3::text, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) || advanced_at WHERE source_id = $1 AND rollout = $2";

impl Store {
    /// Records that `runs` are under way, and no others.
    pub async fn record_runs(&self, proof: &LeaderProof, source: &str, runs: &[PacedRun]) -> Result<(), StoreError> {
        let (rollouts, since): (Vec<&str>, Vec<i64>) =
            runs.iter().map(|run| (run.rollout.as_str(), run.since as i64)).unzip();
        let began: Vec<i64> = runs.iter().map(|run| run.began_at.unwrap_or_default().as_microsecond()).collect();
        let statement = sqlx::query(RECORD).bind(source).bind(rollouts).bind(since).bind(began);
        self.write_derived(proof, "record which changes go out in waves", statement).await
    }

    /// The waves of `rollout`, by its row.
    pub async fn waves(&self, source: &str, rollout: &str) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT wave ->> 'name' FROM pintle.rollouts, jsonb_array_elements(spec -> 'waves') wave WHERE source_id = $1 AND name = $2",
        )
        .bind(source)
        .bind(rollout)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("read the waves"))
    }

    /// Opens `wave` of the run of `rollout`; whether there is such a run.
    pub async fn advance(
        &self,
        writer: &AuditWriter,
        source: &str,
        (rollout, wave): (&str, &str),
        (by, reason): (&str, &str),
    ) -> Result<bool, StoreError> {
        let failed = || StoreError::during("open a wave");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let advanced = sqlx::query(ADVANCE).bind(source).bind(rollout).bind(wave).execute(&mut *tx).await;
        if advanced.map_err(failed())?.rows_affected() == 0 {
            return Ok(false);
        }
        let draft = Draft {
            correlation: Some(format!("{rollout}/{wave}")),
            reason: Some(reason.to_owned()),
            ..Draft::new(Uuid::now_v7(), Stage::System, Actor::os_user(by), "advance")
        };
        writer.append(&mut tx, &[draft]).await?;
        tx.commit().await.map_err(failed())?;
        Ok(true)
    }
}
