//! Reads the live side in one snapshot: heads of every row, the jobs that are not over, and the
//! bodies of the rows that differ. The transaction ends before planning begins. Who looks again is
//! told by the change log which rows were written, and reads no other.

use super::rows::moment;
use super::{LeaderProof, Store, StoreError};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use pintle_core::change::{Digest, Map, ObjectKey, Value};
use pintle_core::diff::{Bodies, LiveObject, LiveState, PacedRun, Pause, PendingJob};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const HEADS: &str = "SELECT kind, name, uid, revision, generation, drifted, applied_digest, written_digest, applied_commit, applied_file,
        (extract(epoch FROM tombstoned_at) * 1000000)::bigint AS tombstoned_us, protected, partner, labels::text AS labels
    FROM pintle.objects WHERE source_id = $1";

/// Those of some rows. By name alone, so that each kind's index is used; more than was asked for may come.
const SOME_HEADS: &str = "SELECT kind, name, uid, revision, generation, drifted, applied_digest, written_digest, applied_commit, applied_file,
        (extract(epoch FROM tombstoned_at) * 1000000)::bigint AS tombstoned_us, protected, partner, labels::text AS labels
    FROM pintle.objects WHERE source_id = $1 AND name = ANY($2)";

/// Open jobs, and of each object the newest dead one that nothing has replaced.
const JOBS: &str = "SELECT s.job_id, s.object_kind, s.object_name, s.state, s.reason, j.target_digest,
        CASE s.state WHEN 'dead' THEN (extract(epoch FROM s.changed_at) * 1000000)::bigint END AS dead_us
    FROM (SELECT * FROM pintle.job_state WHERE source_id = $1 AND queue = 'rows' AND state IN ('queued', 'released', 'running')
          UNION ALL SELECT * FROM pintle.job_state WHERE source_id = $1 AND queue = 'rows' AND state = 'dead') s
    JOIN pintle.jobs j ON j.id = s.job_id ORDER BY s.job_id";

const BODIES: &str =
    "SELECT kind, name, labels, annotations, spec, applied FROM pintle.objects WHERE source_id = $1 AND name = ANY($2)";

/// Of everything beside the rows that a plan is made of, what tells it from another: the current plan, what is paused,
/// what goes out in waves, and the jobs.
macro_rules! mark {
    () => {
        "md5(concat_ws('|', (SELECT plan_id::text FROM pintle.plan_heads WHERE source_id = $1),
            (SELECT string_agg(id::text, ',' ORDER BY id) FROM pintle.pauses WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp())),
            (SELECT string_agg(rollout || since_seq || advanced::text, ',' ORDER BY rollout) FROM pintle.paced_runs WHERE source_id = $1),
            (SELECT string_agg(job_id::text || state, ',' ORDER BY job_id) FROM (
                SELECT job_id, state FROM pintle.job_state WHERE source_id = $1 AND queue = 'rows' AND state IN ('queued', 'released', 'running')
                UNION ALL SELECT job_id, state FROM pintle.job_state WHERE source_id = $1 AND queue = 'rows' AND state = 'dead') jobs))) AS mark"
    };
}

/// Whether anything moved since `$2` was seen: one statement, and so one snapshot.
const PEEK: &str = concat!(
    "SELECT (extract(epoch FROM now()) * 1000000)::bigint AS now_us, ",
    mark!(),
    ", EXISTS (SELECT FROM pintle.live_changes WHERE xid >= pg_snapshot_xmin($2::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())) AS written"
);

/// The moment, which transactions are seen, the current plan, what is paused, what goes out in waves: one round trip.
const MOMENT: &str = concat!(
    "SELECT (extract(epoch FROM now()) * 1000000)::bigint AS now_us, pg_current_snapshot()::text AS seen,
        (SELECT plan_id FROM pintle.plan_heads WHERE source_id = $1) AS parent,
        (SELECT jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'name', name, 'labels', labels, 'reason', reason, 'by', by_whom,
            'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) ORDER BY id)
         FROM pintle.pauses WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp())) AS pauses,
        (SELECT jsonb_agg(jsonb_build_object('rollout', rollout, 'since', since_seq, 'advanced', advanced, 'advancedAt', advanced_at,
            'beganAt', to_char(began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) ORDER BY rollout)
         FROM pintle.paced_runs WHERE source_id = $1) AS runs, ",
    mark!()
);

/// What is seen now and was not then. A transaction that stays open anywhere on the server, in any
/// database, holds the snapshots' lower edge back; so each entry is held against the snapshot itself.
const CHANGES: &str = "SELECT kind, names FROM pintle.live_changes
    WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
      AND xid < pg_snapshot_xmax(pg_current_snapshot())";

/// Entries of transactions that are still to come were made by another cluster, before a restore.
/// Others follow the log as well, a day behind at most; whoever is further behind is told to read everything.
const FORGET: &str = "WITH gone AS (DELETE FROM pintle.live_changes
        WHERE (xid < pg_snapshot_xmin($1::text::pg_snapshot) AND at < clock_timestamp() - interval '24 hours')
            OR xid >= pg_snapshot_xmax(pg_current_snapshot()) RETURNING xid)
    UPDATE pintle.forgotten_changes SET xid = (SELECT max(g.xid::text::bigint)::text::xid8 FROM gone g WHERE g.xid < pg_snapshot_xmax(pg_current_snapshot()))
    WHERE EXISTS (SELECT FROM gone g WHERE g.xid < pg_snapshot_xmax(pg_current_snapshot()))";

/// Bodies read by one statement.
const BODIES_AT_ONCE: usize = 5_000;
/// Beyond this many written rows it is cheaper to read all heads.
const MANY: usize = 2_000;
/// How long the change log is believed before every row is looked at again.
const FULL_EVERY: Duration = Duration::from_mins(10);

/// The live side as it was seen last, and from where on the change log must be read to see it now.
#[derive(Debug, Default)]
pub struct LiveView {
    state: LiveState,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// Which transactions were seen, in Postgres's words.
    snapshot: String,
    mark: String,
    full_at: Instant,
}

impl LiveView {
    /// What was seen.
    pub fn state(&self) -> &LiveState {
        &self.state
    }

    /// Reads every row the next time.
    pub fn forget(&mut self) {
        self.seen = None;
    }
}

impl Store {
    /// The live side of `source`; `needs` names the rows whose bodies are wanted.
    pub async fn snapshot(
        &self,
        source: &str,
        needs: impl FnOnce(&LiveState) -> Vec<ObjectKey>,
    ) -> Result<LiveState, StoreError> {
        let mut view = LiveView::default();
        self.look(source, &mut view, |_, _, live| needs(live)).await?;
        Ok(view.state)
    }

    /// Brings `view` up to date in one snapshot. `needs` is told whether anything differs from what
    /// was seen before, rows, jobs or plan, and which rows were written; it names those whose bodies
    /// are wanted.
    pub async fn look(
        &self,
        source: &str,
        view: &mut LiveView,
        needs: impl FnOnce(bool, &Written, &LiveState) -> Vec<ObjectKey>,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::during("read the live state");
        let mut tx = self.begin_reading().await.map_err(failed())?;
        let moment = sqlx::query(MOMENT).bind(source).fetch_one(&mut *tx).await.map_err(failed())?;
        let before = view.seen.take().filter(|seen| seen.full_at.elapsed() < FULL_EVERY);
        let written = refresh(&mut tx, source, &mut view.state, before.as_ref()).await.map_err(failed())?;
        let parent = moment.try_get("parent").map_err(failed())?;
        let jobs = jobs(&mut tx, source).await.map_err(failed())?;
        let pauses: Option<Json<Vec<Pause>>> = moment.try_get("pauses").map_err(failed())?;
        let pauses = pauses.map(|json| json.0).unwrap_or_default();
        let runs: Option<Json<Vec<PacedRun>>> = moment.try_get("runs").map_err(failed())?;
        let runs = runs.map(|json| json.0).unwrap_or_default();
        let state = &view.state;
        let steady = (&state.parent, &state.jobs, &state.pauses, &state.runs) == (&parent, &jobs, &pauses, &runs);
        let moved = !written.is_empty() || !steady;
        let now_us: i64 = moment.try_get("now_us").map_err(failed())?;
        view.state.read_at = Timestamp::from_microsecond(now_us).unwrap_or_default();
        (view.state.parent, view.state.jobs, view.state.pauses, view.state.runs) = (parent, jobs, pauses, runs);
        view.state.bodies.clear();
        for keys in needs(moved, &written, &view.state).chunks(BODIES_AT_ONCE) {
            view.state.bodies.extend(bodies(&mut tx, source, keys).await.map_err(failed())?);
        }
        tx.commit().await.map_err(failed())?;
        let full_at = before.map_or_else(Instant::now, |seen| seen.full_at);
        let (snapshot, mark) = (moment.try_get("seen").map_err(failed())?, moment.try_get("mark").map_err(failed())?);
        view.seen = Some(Seen { snapshot, mark, full_at });
        Ok(())
    }

    /// The moment, when nothing of `view` moved since it was seen: rows, jobs, pauses, runs and plan are the same.
    pub async fn still(&self, source: &str, view: &LiveView) -> Result<Option<Timestamp>, StoreError> {
        let failed = || StoreError::during("look whether anything moved");
        let Some(seen) = view.seen.as_ref().filter(|seen| seen.full_at.elapsed() < FULL_EVERY) else {
            return Ok(None);
        };
        let row = sqlx::query(PEEK).bind(source).bind(&seen.snapshot).fetch_one(&self.pool).await.map_err(failed())?;
        let (mark, written): (&str, bool) =
            (row.try_get("mark").map_err(failed())?, row.try_get("written").map_err(failed())?);
        let now_us: i64 = row.try_get("now_us").map_err(failed())?;
        let still = !written && mark == seen.mark;
        Ok(still.then(|| Timestamp::from_microsecond(now_us).unwrap_or_default()))
    }

    /// Forgets what the change log says of transactions that `view` has seen the end of. Only the
    /// leader may: its view is the only one that goes by the log.
    pub async fn prune_changes(&self, proof: &LeaderProof, view: &LiveView) -> Result<(), StoreError> {
        let Some(seen) = &view.seen else { return Ok(()) };
        let statement = sqlx::query(FORGET).bind(&seen.snapshot);
        self.write_derived(proof, "prune the change log", statement).await
    }
}

/// The rows that were written since they were seen last.
#[derive(Debug)]
pub enum Written {
    /// All were read again.
    All,
    /// These.
    Rows(HashSet<ObjectKey>),
}

impl Written {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Rows(rows) if rows.is_empty())
    }
}

/// Brings the heads in `state` up to date, from the change log if they were read `before`.
async fn refresh(
    tx: &mut PgConnection,
    source: &str,
    state: &mut LiveState,
    before: Option<&Seen>,
) -> Result<Written, sqlx::Error> {
    let written = match before {
        Some(seen) => written_since(tx, &seen.snapshot).await?,
        None => None,
    };
    let Some(written) = written else {
        state.objects = heads(tx, source, None).await?;
        return Ok(Written::All);
    };
    if written.is_empty() {
        return Ok(Written::Rows(written));
    }
    let names: Vec<&str> = written.iter().map(|key| &*key.name).collect();
    let fresh = heads(tx, source, Some(names)).await?;
    let mut fresh: HashMap<ObjectKey, LiveObject> = fresh.into_iter().map(|row| (row.key.clone(), row)).collect();
    for key in &written {
        place(&mut state.objects, key, fresh.remove(key));
    }
    Ok(Written::Rows(written))
}

/// Puts `row`, or nothing, where the row of `key` stands or would stand.
fn place(rows: &mut Vec<LiveObject>, key: &ObjectKey, row: Option<LiveObject>) {
    match (rows.binary_search_by(|row| row.key.cmp(key)), row) {
        (Ok(at), Some(row)) => rows[at] = row,
        (Ok(at), None) => drop(rows.remove(at)),
        (Err(at), Some(row)) => rows.insert(at, row),
        (Err(_), None) => {}
    }
}

/// The rows that `snapshot` did not see written; `None` when they are too many or not told one by one.
async fn written_since(tx: &mut PgConnection, snapshot: &str) -> Result<Option<HashSet<ObjectKey>>, sqlx::Error> {
    let mut written = HashSet::new();
    for row in sqlx::query(CHANGES).bind(snapshot).fetch_all(tx).await? {
        let (Some(kind), Some(names)) =
            (row.try_get::<Option<&str>, _>("kind")?, row.try_get::<Option<Vec<String>>, _>("names")?)
        else {
            return Ok(None);
        };
        written.extend(names.into_iter().map(|name| ObjectKey::new(kind, name)));
        if written.len() > MANY {
            return Ok(None);
        }
    }
    Ok(Some(written))
}

/// The heads of every row, or of those of some names, sorted.
async fn heads(tx: &mut PgConnection, source: &str, names: Option<Vec<&str>>) -> Result<Vec<LiveObject>, sqlx::Error> {
    let mut shared = Shared::default();
    let query = match names {
        Some(names) => {
            sqlx::query(SOME_HEADS).bind(source).bind(names.into_iter().map(str::to_owned).collect::<Vec<_>>())
        }
        None => sqlx::query(HEADS).bind(source),
    };
    let mut rows = query.fetch(tx);
    let mut objects = Vec::new();
    while let Some(row) = rows.try_next().await? {
        objects.push(head(&row, &mut shared)?);
    }
    // In its place: a second copy of all rows would be the most that a plan ever holds.
    objects.shrink_to_fit();
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(objects)
}

/// Words that many rows share, kept once.
#[derive(Default)]
struct Shared(HashSet<Arc<str>>);

impl Shared {
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let word: Arc<str> = text.into();
        self.0.insert(word.clone());
        word
    }
}

fn head(row: &PgRow, shared: &mut Shared) -> Result<LiveObject, sqlx::Error> {
    let mut word = |text: Option<&str>| text.map(|text| shared.word(text));
    Ok(LiveObject {
        key: ObjectKey { kind: row.try_get::<&str, _>("kind")?.into(), name: row.try_get::<&str, _>("name")?.into() },
        uid: row.try_get::<Uuid, _>("uid")?,
        revision: row.try_get("revision")?,
        generation: row.try_get("generation")?,
        drifted: row.try_get("drifted")?,
        applied: digest(row.try_get("applied_digest")?),
        written: digest(row.try_get("written_digest")?),
        applied_commit: word(row.try_get("applied_commit")?),
        applied_file: row.try_get::<Option<&str>, _>("applied_file")?.map(Arc::from),
        tombstoned_at: row
            .try_get::<Option<i64>, _>("tombstoned_us")?
            .and_then(|us| Timestamp::from_microsecond(us).ok()),
        protected: row.try_get("protected")?,
        partner: word(row.try_get("partner")?),
        labels: word(row.try_get("labels")?).unwrap_or_else(|| "{}".into()),
    })
}

async fn jobs(tx: &mut PgConnection, source: &str) -> Result<Vec<PendingJob>, sqlx::Error> {
    let rows = sqlx::query(JOBS).bind(source).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let state: &str = row.try_get("state")?;
            Ok(PendingJob {
                id: row.try_get("job_id")?,
                key: ObjectKey::new(row.try_get::<&str, _>("object_kind")?, row.try_get::<&str, _>("object_name")?),
                target: digest(row.try_get("target_digest")?),
                running: state == "running",
                dead: state == "dead",
                dead_since: moment(row, "dead_us")?,
                error: row.try_get("reason")?,
            })
        })
        .collect()
}

async fn bodies(
    tx: &mut PgConnection,
    source: &str,
    keys: &[ObjectKey],
) -> Result<HashMap<ObjectKey, Bodies>, sqlx::Error> {
    let names: Vec<&str> = keys.iter().map(|key| &*key.name).collect();
    let wanted: HashSet<&ObjectKey> = keys.iter().collect();
    let rows = sqlx::query(BODIES).bind(source).bind(names).fetch_all(tx).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let key = ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?);
        if wanted.contains(&key) {
            let applied: Option<Json<Value>> = row.try_get("applied")?;
            found.insert(key, Bodies::of(body_of(row)?, applied.map(|json| json.0.normalised())));
        }
    }
    Ok(found)
}

/// The body of a row: `{annotations, labels, spec}`, as a document would say it.
pub(super) fn body_of(row: &PgRow) -> Result<Value, sqlx::Error> {
    let mut map = Map::default();
    for column in ["annotations", "labels", "spec"] {
        let Json(value): Json<Value> = row.try_get(column)?;
        map.insert(column, value);
    }
    Ok(Value::Map(map).normalised())
}

pub(super) fn digest(bytes: Option<&[u8]>) -> Option<Digest> {
    bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest)
}
