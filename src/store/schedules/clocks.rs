//! The Schedules that are applied, and up to when their ticks were looked at.

use crate::store::audit::AuditWriter;
use crate::store::rows::moment;
use crate::store::work::cancelled_work;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::Draft;
use pintle_core::change::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One that is seen for the first time, goes on after it was suspended, or got another clock, begins now: what passed
/// before is not missed, and no tick is due that it did not have then.
const BEGIN: &str = "INSERT INTO pintle.schedule_clocks AS c (uid, looked_until, suspended, clock)
    SELECT s.uid, clock_timestamp(), coalesce((s.spec ->> 'suspend')::boolean, false),
        jsonb_build_object('cron', s.spec -> 'cron', 'every', s.spec -> 'every', 'offset', s.spec -> 'offset', 'at', s.spec -> 'at', 'zone', s.spec -> 'timezone', 'dst', s.spec -> 'dst', 'exclude', s.spec -> 'exclude')::text
    FROM pintle.schedules s WHERE s.tombstoned_at IS NULL
    ON CONFLICT (uid) DO UPDATE SET suspended = EXCLUDED.suspended, clock = EXCLUDED.clock,
        looked_until = CASE WHEN c.suspended OR c.clock <> EXCLUDED.clock THEN greatest(c.looked_until, clock_timestamp()) ELSE c.looked_until END
    WHERE (c.suspended, c.clock) IS DISTINCT FROM (EXCLUDED.suspended, EXCLUDED.clock)";

/// One that is taken away and comes back begins anew.
const END: &str = "DELETE FROM pintle.schedule_clocks c WHERE NOT EXISTS (SELECT FROM pintle.schedules s WHERE s.uid = c.uid AND s.tombstoned_at IS NULL)";

/// What waits for a Schedule that is gone, or suspended, does not run any more.
const CANCEL_GONE: &str = "UPDATE pintle.job_state s SET state = 'cancelled', reason = 'the schedule is gone or suspended', changed_at = clock_timestamp()
    FROM pintle.jobs j LEFT JOIN pintle.schedules k ON k.uid = j.uid
    WHERE j.id = s.job_id AND j.cause = 'schedule' AND s.queue <> 'rows' AND s.state = 'queued'
      AND (k.uid IS NULL OR k.tombstoned_at IS NOT NULL OR coalesce((k.spec ->> 'suspend')::boolean, false))
    RETURNING s.job_id, s.object_name, j.uid";

const SCHEDULES: &str = "SELECT s.uid, s.source_id, s.name, s.spec, s.applied_commit, s.applied_file, coalesce(c.suspended, false) AS suspended,
        (extract(epoch FROM c.looked_until) * 1000000)::bigint AS looked_us
    FROM pintle.schedules s LEFT JOIN pintle.schedule_clocks c ON c.uid = s.uid
    WHERE s.tombstoned_at IS NULL AND ($1::text IS NULL OR s.name = $1) ORDER BY s.name";

const WINDOWS: &str = "SELECT name, spec FROM pintle.windows WHERE tombstoned_at IS NULL";

/// An applied Schedule.
#[derive(Debug, Clone)]
pub struct ScheduleRow {
    /// Identity.
    pub uid: Uuid,
    /// The source that it is of.
    pub source: String,
    /// Its name.
    pub name: String,
    /// What it declares.
    pub spec: Value,
    /// The commit that it was applied from.
    pub commit: Option<String>,
    /// Where its document stands.
    pub file: Option<String>,
    /// Whether it keeps from firing.
    pub suspended: bool,
    /// Up to when its ticks were looked at; `None` before the first look.
    pub looked_until: Option<Timestamp>,
}

/// All of them, and the windows that they may exclude.
#[derive(Debug, Clone, Default)]
pub struct Schedules {
    /// In order of name.
    pub rows: Vec<ScheduleRow>,
    /// Specs by name.
    pub windows: BTreeMap<String, Value>,
}

impl Schedules {
    /// The windows that `row` excludes. One that is gone excludes nothing.
    pub fn excluded(&self, row: &ScheduleRow) -> Vec<Value> {
        let names = row.spec.get("exclude").and_then(Value::as_list).unwrap_or_default();
        names.iter().filter_map(Value::as_str).filter_map(|name| self.windows.get(name)).cloned().collect()
    }
}

impl Store {
    /// Starts the clocks of those that are new, and cancels what waits for those that are gone.
    pub async fn keep_clocks(&self, proof: &LeaderProof, writer: &AuditWriter) -> Result<(), StoreError> {
        let failed = || StoreError::during("keep the clocks of schedules");
        let mut tx = self.begin_as(proof).await?;
        for statement in [END, BEGIN] {
            sqlx::query(statement).execute(&mut *tx).await.map_err(failed())?;
        }
        let gone: Vec<(i64, String, Uuid)> = sqlx::query_as(CANCEL_GONE).fetch_all(&mut *tx).await.map_err(failed())?;
        let drafts: Vec<Draft> = gone
            .iter()
            .map(|(job, name, uid)| cancelled_work(*job, name, *uid, "the schedule is gone or suspended"))
            .collect();
        writer.append(&mut tx, &drafts).await?;
        tx.commit().await.map_err(failed())
    }

    /// The applied Schedules, or the one called `name`.
    pub async fn schedules(&self, name: Option<&str>) -> Result<Schedules, StoreError> {
        let failed = || StoreError::during("read the schedules");
        let rows = sqlx::query(SCHEDULES).bind(name).fetch_all(&self.pool).await.map_err(failed())?;
        let windows: Vec<(String, Json<Value>)> =
            sqlx::query_as(WINDOWS).fetch_all(&self.pool).await.map_err(failed())?;
        Ok(Schedules {
            rows: rows.iter().map(schedule).collect::<Result<_, _>>().map_err(failed())?,
            windows: windows.into_iter().map(|(name, spec)| (name, spec.0)).collect(),
        })
    }
}

impl Store {
    /// Up to when exports of the Schedule `uid` went.
    pub async fn export_position(&self, uid: Uuid) -> Result<Option<Timestamp>, StoreError> {
        let failed = || StoreError::during("read how far an export went");
        let row = sqlx::query("SELECT (extract(epoch FROM position) * 1000000)::bigint AS at_us FROM pintle.schedule_clocks WHERE uid = $1")
            .bind(uid)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed())?;
        row.map_or(Ok(None), |row| moment(&row, "at_us").map_err(failed()))
    }

    /// Writes down that they went up to `until`.
    pub async fn exported(&self, uid: Uuid, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE pintle.schedule_clocks SET position = greatest(position, to_timestamp($2::bigint / 1000000.0)) WHERE uid = $1")
            .bind(uid)
            .bind(until.as_microsecond())
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::during("write down how far an export went"))
    }
}

fn schedule(row: &PgRow) -> Result<ScheduleRow, sqlx::Error> {
    let Json(spec): Json<Value> = row.try_get("spec")?;
    Ok(ScheduleRow {
        uid: row.try_get("uid")?,
        source: row.try_get("source_id")?,
        name: row.try_get("name")?,
        spec,
        commit: row.try_get("applied_commit")?,
        file: row.try_get("applied_file")?,
        suspended: row.try_get("suspended")?,
        looked_until: moment(row, "looked_us")?,
    })
}
