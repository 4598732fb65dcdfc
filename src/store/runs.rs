//! Wide changes that go out in waves. The leader says which are under way; people open waves by hand.

use super::acceptance::SOURCE;
use super::audit::AuditWriter;
use super::{LeaderProof, Store, StoreError};
use pintle_core::audit::{Actor, Draft, Stage};
use pintle_core::diff::PacedRun;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Those that are over are forgotten, with what was opened of them.
const RECORD: &str =
    "WITH over AS (DELETE FROM pintle.paced_runs WHERE source_id = $1 AND NOT rollout = ANY($2::text[]))
    INSERT INTO pintle.paced_runs (source_id, rollout, since_seq, began_at)
    SELECT $1, rollout, since, to_timestamp(began_us / 1000000.0) FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS new(rollout, since, began_us) ON CONFLICT DO NOTHING";

const ADVANCE: &str = "UPDATE pintle.paced_runs SET advanced = array_append(array_remove(advanced, $3), $3),
    advanced_at = jsonb_build_object($3::text, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) || advanced_at WHERE source_id = $1 AND rollout = $2";

/// Of what keeps waves closed, what failed is told first.
const STANDING: &str = "SELECT p.rollout, p.since_seq, a.commit, h.held, h.message, h.lifted_by,
        (SELECT count(*) FROM pintle.waiting w WHERE w.source_id = p.source_id AND w.rollout = p.rollout) AS waits,
        EXISTS (SELECT FROM pintle.job_state s WHERE s.source_id = p.source_id AND s.queue = 'rows' AND s.state IN ('queued', 'released', 'running'))
            OR EXISTS (SELECT FROM pintle.waiting_reasons m WHERE m.source_id = p.source_id AND m.code = 'moving') AS moves
    FROM pintle.paced_runs p LEFT JOIN pintle.accepted_commits a ON a.source_id = p.source_id AND a.seq = p.since_seq
    LEFT JOIN LATERAL (SELECT held, message, lifted_by FROM pintle.waiting_reasons r
        WHERE r.source_id = p.source_id AND r.rollout = p.rollout AND r.held IS NOT NULL ORDER BY (r.held = 'by-hand'), r.id LIMIT 1) h ON true
    WHERE p.source_id = $1 ORDER BY p.rollout";

/// A wide change that goes out in waves, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStanding {
    /// The Rollout.
    pub rollout: String,
    /// The accepted step with which it began.
    pub since: u64,
    /// Its commit.
    pub commit: Option<String>,
    /// How many objects wait for its waves.
    pub waits: i64,
    /// What keeps its next wave closed until somebody acts.
    pub stops: Option<Stop>,
    /// Whether rows are being written, or services carry some out: of this run, or beside it.
    #[serde(skip)]
    pub moves: bool,
}

impl RunStanding {
    /// What keeps it from going on now: nothing that somebody is to say, while there is still something under way.
    pub fn ended(&self) -> Option<&Stop> {
        self.stops.as_ref().filter(|stop| stop.halted || !self.moves)
    }
}

/// Why a run goes on only when somebody acts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Whether something is wrong; else its Rollout asks for somebody's word.
    pub halted: bool,
    /// One sentence.
    pub message: String,
    /// What lifts it.
    pub lifted_by: String,
}

impl Store {
    /// Records that `runs` are under way, and no others.
    pub async fn record_runs(&self, proof: &LeaderProof, source: &str, runs: &[PacedRun]) -> Result<(), StoreError> {
        let (rollouts, since): (Vec<&str>, Vec<i64>) =
            runs.iter().map(|run| (run.rollout.as_str(), run.since as i64)).unzip();
        let began: Vec<i64> = runs.iter().map(|run| run.began_at.unwrap_or_default().as_microsecond()).collect();
        let statement = sqlx::query(RECORD).bind(source).bind(rollouts).bind(since).bind(began);
        self.write_derived(proof, "record which changes go out in waves", statement).await
    }

    /// The wide changes that are under way, and what stops them.
    pub async fn run_standings(&self) -> Result<Vec<RunStanding>, StoreError> {
        let failed = || StoreError::during("read which changes go out in waves");
        let rows = sqlx::query(STANDING).bind(SOURCE).fetch_all(&self.pool).await.map_err(failed())?;
        rows.iter().map(standing).collect::<Result<_, _>>().map_err(failed())
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
        let mut tx = self.begin().await.map_err(failed())?;
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

fn standing(row: &PgRow) -> Result<RunStanding, sqlx::Error> {
    let (held, moves): (Option<String>, bool) = (row.try_get("held")?, row.try_get("moves")?);
    let halted = held.as_deref() != Some("by-hand");
    Ok(RunStanding {
        rollout: row.try_get("rollout")?,
        since: row.try_get::<i64, _>("since_seq")? as u64,
        commit: row.try_get("commit")?,
        waits: row.try_get("waits")?,
        stops: match (row.try_get("message")?, row.try_get("lifted_by")?) {
            (Some(message), Some(lifted_by)) => Some(Stop { halted, message, lifted_by }),
            _ => None,
        },
        moves,
    })
}
