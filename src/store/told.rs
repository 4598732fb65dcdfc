//! What people are to be told of, and what they were told last.

use super::acceptance::SOURCE;
use super::runs::RunStanding;
use super::{LeaderProof, Store, StoreError};
use sqlx::Row;
use sqlx::types::Json;
use std::collections::BTreeMap;

const STANDS: &str = "SELECT s.verdict, s.applied_commit, s.applied_in_ms, s.alarms, s.told,
        ARRAY(SELECT object_kind || '/' || object_name FROM pintle.waiting w WHERE w.source_id = s.id AND w.code IN ('reported', 'fight') ORDER BY 1 LIMIT 20) AS drift_left,
        (SELECT commit FROM pintle.accepted_commits a WHERE a.source_id = s.id ORDER BY seq DESC LIMIT 1) AS accepted,
        ARRAY(SELECT job_id FROM pintle.job_state WHERE source_id = s.id AND queue = 'rows' AND state = 'dead' ORDER BY job_id) AS dead,
        (SELECT max(j.id) FROM pintle.jobs j JOIN pintle.job_state d ON d.job_id = j.id
         WHERE j.source_id = s.id AND j.cause = 'drift' AND d.state = 'done' AND d.changed_at > now() - interval '1 hour') AS healed
    FROM pintle.sources s WHERE s.id = $1";

/// The newest: older ones were told long ago.
const DEAD_WORK: &str = "SELECT job_id, object_name FROM pintle.job_state WHERE source_id = $1 AND queue <> 'rows' AND state = 'dead' ORDER BY job_id DESC LIMIT 500";

/// How things stand, as far as anybody is told of it.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Held or refused, with reasons.
    pub verdict: Option<serde_json::Value>,
    /// The newest commit that is applied wherever it can be, and how long that took.
    pub applied: Option<(String, i64)>,
    /// The newest accepted commit.
    pub accepted: Option<String>,
    /// Alarms.
    pub alarms: serde_json::Value,
    /// Objects that drift and are left, the first of them.
    pub drift_left: Vec<String>,
    /// Wide changes that go out in waves.
    pub runs: Vec<RunStanding>,
    /// Dead letters.
    pub dead: Vec<i64>,
    /// Work that failed for good, and the Schedule that it is of.
    pub dead_work: Vec<(i64, String)>,
    /// The newest job that healed something within the hour.
    pub healed: Option<i64>,
    /// What was told last, by event.
    pub told: BTreeMap<String, String>,
}

impl Store {
    /// How things stand.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let failed = || StoreError::during("read what is to be told");
        let row = sqlx::query(STANDS).bind(SOURCE).fetch_optional(&self.pool).await.map_err(failed())?;
        let Some(row) = row else { return Ok(Standing::default()) };
        let dead_work: Vec<(i64, String)> =
            sqlx::query_as(DEAD_WORK).bind(SOURCE).fetch_all(&self.pool).await.map_err(failed())?;
        let runs = self.run_standings().await?;
        let read = move || -> Result<Standing, sqlx::Error> {
            let verdict: Option<Json<serde_json::Value>> = row.try_get("verdict")?;
            let applied: Option<String> = row.try_get("applied_commit")?;
            let took: Option<i64> = row.try_get("applied_in_ms")?;
            Ok(Standing {
                verdict: verdict.map(|json| json.0),
                applied: applied.map(|commit| (commit, took.unwrap_or_default())),
                accepted: row.try_get("accepted")?,
                alarms: row.try_get::<Json<serde_json::Value>, _>("alarms")?.0,
                drift_left: row.try_get("drift_left")?,
                runs,
                dead: row.try_get("dead")?,
                dead_work,
                healed: row.try_get("healed")?,
                told: row.try_get::<Json<BTreeMap<String, String>>, _>("told")?.0,
            })
        };
        read().map_err(failed())
    }

    /// Records what was told.
    pub async fn record_told(&self, proof: &LeaderProof, told: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE pintle.sources SET told = $2 WHERE id = $1").bind(SOURCE).bind(Json(told));
        self.write_derived(proof, "record what was told", statement).await
    }
}
