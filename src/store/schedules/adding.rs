//! Ticks in the ledger: what becomes of each is decided, and those that run are added with their jobs, each once.

use super::job::{body, lane, partner, region, turn, work};
use super::open::{AtMost, Memory, open_runs, room_for, takes_turns};
use super::ticks::{Fired, Looked, Tick, Trigger, columns, nothing_forgotten};
use crate::store::StoreError;
use crate::store::release::{Room, WORK};
use crate::store::straight::{Counted, Standing, dealt};
use crate::store::work::cancel_turns;
use pintle_core::schedule::{OverlapRule, Start, start_by_hand};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use uuid::Uuid;

/// Scheduled work goes last: security, rollback, intent and drift go before it.
const PRIORITY: i16 = 50;

/// Each by itself, so that it is one probe of an index whatever the server thinks of the table.
const RAN: &str = "SELECT t.uid, t.tick_us FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, tick_us)
    WHERE 0 < (SELECT count(*) FROM pintle.runs r WHERE r.schedule_uid = t.uid AND r.tick = to_timestamp(t.tick_us / 1000000.0)
        AND r.outcome = 'run' AND r.trigger <> 'hand')";

/// What was cancelled did not run: it may, after all.
const FREE: &str = "UPDATE pintle.runs r SET outcome = 'cancelled' FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, tick_us), pintle.job_state s
    WHERE r.schedule_uid = t.uid AND r.tick = to_timestamp(t.tick_us / 1000000.0) AND r.outcome = 'run' AND r.trigger <> 'hand' AND s.job_id = r.job_id AND s.state = 'cancelled'";

/// With `$19` it is done under that leader alone, and says whether it still leads; without, in the caller's transaction. Under a
/// leader it does not wait for the disk either: a Postgres that crashes forgets all of it or nothing, and then the tick is due
/// again: what is looked at beyond what it forgot is refused. Who starts the job waits for the disk, and so for what was written before.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!("WITH led AS MATERIALIZED (SELECT FROM pintle.leader WHERE token = $19 FOR KEY SHARE),
    proven AS MATERIALIZED (SELECT $19::uuid IS NULL OR EXISTS (SELECT FROM led) AS leads),
    looked AS (
        UPDATE pintle.schedule_clocks c SET looked_until = greatest(c.looked_until, to_timestamp(t.until_us / 1000000.0))
        FROM proven, unnest($20::uuid[], $21::bigint[]) AS t (uid, until_us) WHERE proven.leads AND c.uid = t.uid),
    wanted AS (
        SELECT t.*, CASE t.outcome WHEN 'run' THEN nextval('pintle.jobs_id_seq') END AS job_id
        FROM proven, (SELECT unnest($1::text[]) AS source, unnest($2::text[]) AS name, unnest($3::uuid[]) AS uid, unnest($4::bigint[]) AS tick_us, unnest($5::text[]) AS trigger, unnest($6::text[]) AS outcome, unnest($7::bigint[]) AS from_us,
            unnest($8::uuid[]) AS turn, unnest($9::text[]) AS body, unnest($10::text[]) AS file, unnest($11::text[]) AS partner, unnest($12::text[]) AS by_whom, unnest($13::text[]) AS reason,
            unnest($15::text[]) AS queue, unnest($16::text[]) AS work, unnest($17::text[]) AS region, unnest($18::uuid[]) AS delivery) t
        WHERE proven.leads),
    told AS (
        INSERT INTO pintle.runs (source_id, schedule, schedule_uid, tick, trigger, outcome, job_id, by_whom, reason)
        SELECT source, name, uid, to_timestamp(tick_us / 1000000.0), trigger, outcome, job_id, by_whom, reason FROM wanted
        ON CONFLICT DO NOTHING RETURNING job_id),
    fresh AS (SELECT w.* FROM wanted w JOIN told USING (job_id)),
    job AS (
        INSERT INTO pintle.jobs (id, source_id, object_kind, object_name, uid, action, cause, body, file) OVERRIDING SYSTEM VALUE
        SELECT job_id, source, 'Schedule', name, uid, 'run', CASE WHEN trigger IN ('clock', 'late') THEN 'schedule' ELSE 'request' END, body::jsonb, file FROM fresh),
    state AS (
        INSERT INTO pintle.job_state (job_id, source_id, object_kind, object_name, partner, priority, queue, work, region, turn, not_before, counted, state, delivery)
        SELECT job_id, source, 'Schedule', name, partner, $14, queue, work, region, turn, to_timestamp(from_us / 1000000.0), false, CASE WHEN delivery IS NULL THEN 'queued' ELSE 'released' END, delivery FROM fresh)
    SELECT p.leads, f.job_id, f.delivery, CASE WHEN $19::uuid IS NOT NULL THEN set_config('synchronous_commit', 'off', true) END, (SELECT {}), (SELECT pg_notify('pintle_jobs', 'work') WHERE EXISTS (SELECT FROM fresh WHERE delivery IS NULL))
    FROM proven p LEFT JOIN fresh f ON true ORDER BY f.job_id", nothing_forgotten(20, 22))
});

/// Who leads, and since and up to when it looked at each schedule.
pub(in crate::store) struct Led<'a> {
    pub by: Uuid,
    pub looked: &'a [Looked],
}

/// Turns ticks into runs and their jobs in the caller's transaction, or in none where each of `asked` stands alone and it is
/// known who `led`. The caller may keep the `memory`.
pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    asked: &[Tick<'_>],
    memory: &mut Memory,
    straight: Option<Room>,
    led: Option<Led<'_>>,
) -> Result<Fired, StoreError> {
    let led = led.as_ref();
    match add(connection, asked, memory, straight, led).await.map_err(StoreError::during("turn ticks into jobs"))? {
        Some(fired) => Ok(fired),
        None => Err(StoreError::NotLeader),
    }
}

/// `None` under another leader.
async fn add(
    connection: &mut PgConnection,
    asked: &[Tick<'_>],
    memory: &mut Memory,
    straight: Option<Room>,
    led: Option<&Led<'_>>,
) -> Result<Option<Fired>, sqlx::Error> {
    // Where each stands alone, and there is room for all, the index may leave out those that ran.
    let leave_out = led.is_none() || !room_for(asked, &memory.at_most);
    let ticks = &if leave_out { not_run_yet(connection, asked).await? } else { asked.to_vec() };
    if ticks.is_empty() {
        return Ok(Some(Fired { ran_before: asked.len(), ..Fired::default() }));
    }
    let open = open_runs(connection, ticks, &memory.at_most).await?;
    let Decided { outcomes, ended } = decide(ticks, open, &mut memory.at_most);
    let cancelled = cancel_turns(connection, &ended, "cancel-other: the next tick came").await?;
    let (standing, deliveries) = deal(connection, ticks, &outcomes, straight, &mut memory.lane).await?;
    let Some(added) = write(connection, ticks, &outcomes, deliveries, led).await? else { return Ok(None) };
    let count = |what| outcomes.iter().filter(|outcome| **outcome == what).count();
    if added.iter().any(|(_, delivery)| delivery.is_none()) {
        // Something waits now.
        memory.lane = None;
    }
    let went = added.iter().filter_map(|(job, delivery)| Some(((*delivery)?, *job))).collect();
    let jobs: Vec<i64> = added.iter().map(|(job, _)| *job).collect();
    Ok(Some(Fired {
        ran_before: asked.len() - ticks.len() + count("run") - jobs.len(),
        overlapping: count("overlap"),
        released: standing.map(|standing| standing.released(went, &mut memory.lane)).unwrap_or_default(),
        jobs,
        cancelled,
    }))
}

/// What becomes of each tick, and whose runs end for one.
struct Decided {
    outcomes: Vec<&'static str>,
    ended: Vec<Uuid>,
}

/// As many are `open` of each schedule; of those that run beside each other it is remembered how many there are `at_most`
/// then.
fn decide(ticks: &[Tick<'_>], mut open: HashMap<Uuid, usize>, at_most: &mut AtMost) -> Decided {
    let wanted = ticks.iter().enumerate().filter(|(_, tick)| tick.dropped.is_none());
    let last: HashMap<Uuid, usize> = wanted.map(|(at, tick)| (tick.schedule.uid, at)).collect();
    let beside: HashSet<Uuid> = ticks.iter().filter(|tick| !takes_turns(tick)).map(|tick| tick.schedule.uid).collect();
    let mut ended = Vec::new();
    let outcomes = ticks
        .iter()
        .enumerate()
        .map(|(at, tick)| {
            let followed = last.get(&tick.schedule.uid).is_some_and(|last| at < *last);
            outcome(tick, followed, &mut open, &mut ended)
        })
        .collect();
    at_most.extend(open.into_iter().filter(|(uid, _)| beside.contains(uid)));
    Decided { outcomes, ended }
}

/// Those that were added, each with its delivery; `None` under another leader.
async fn write(
    connection: &mut PgConnection,
    ticks: &[Tick<'_>],
    outcomes: &[&str],
    deliveries: Vec<Option<Uuid>>,
    led: Option<&Led<'_>>,
) -> Result<Option<Vec<(i64, Option<Uuid>)>>, sqlx::Error> {
    let column = |of: &dyn Fn(&Tick<'_>) -> String| ticks.iter().map(of).collect::<Vec<_>>();
    let (looked, froms, untils) = led.map(|led| columns(led.looked)).unwrap_or_default();
    let rows = sqlx::query(INSERT.as_str())
        .bind(column(&|tick| tick.schedule.source.clone()))
        .bind(column(&|tick| tick.schedule.name.clone()))
        .bind(ticks.iter().map(|tick| tick.schedule.uid).collect::<Vec<_>>())
        .bind(ticks.iter().map(|tick| tick.tick.as_microsecond()).collect::<Vec<_>>())
        .bind(column(&|tick| tick.trigger.as_str().to_owned()))
        .bind(outcomes)
        .bind(ticks.iter().map(|tick| tick.not_before.as_microsecond()).collect::<Vec<_>>())
        .bind(ticks.iter().map(turn).collect::<Vec<_>>())
        .bind(column(&body))
        .bind(ticks.iter().map(|tick| tick.schedule.file.as_deref()).collect::<Vec<_>>())
        .bind(column(&partner))
        .bind(ticks.iter().map(|tick| tick.by.map(|(who, _)| who)).collect::<Vec<_>>())
        .bind(ticks.iter().map(|tick| tick.by.map(|(_, reason)| reason).or(tick.note.as_deref())).collect::<Vec<_>>())
        .bind(PRIORITY)
        .bind(column(&|tick| lane(tick).queue.to_owned()))
        .bind(column(&work))
        .bind(ticks.iter().map(region).collect::<Vec<_>>())
        .bind(deliveries)
        .bind(led.map(|led| led.by))
        .bind(looked)
        .bind(untils)
        .bind(froms)
        .fetch_all(&mut *connection)
        .await?;
    let leads = rows.first().map(|row| row.try_get("leads")).transpose()?;
    if leads != Some(true) {
        return Ok(None);
    }
    let added = |row: &PgRow| Ok((row.try_get("job_id")?, row.try_get("delivery")?));
    // One row says who leads, also where nothing was added.
    let added = rows.iter().map(added).collect::<Result<Vec<(Option<i64>, Option<Uuid>)>, sqlx::Error>>()?;
    Ok(Some(added.into_iter().filter_map(|(job, delivery)| Some((job?, delivery))).collect()))
}

/// The deliveries of those that go straight, and how the lane stood when that was looked at.
async fn deal(
    connection: &mut PgConnection,
    ticks: &[Tick<'_>],
    outcomes: &[&str],
    straight: Option<Room>,
    known: &mut Option<Counted>,
) -> Result<(Option<Standing>, Vec<Option<Uuid>>), sqlx::Error> {
    let Some(room) = straight else { return Ok((None, vec![None; ticks.len()])) };
    let partners: Vec<Option<String>> = ticks
        .iter()
        .zip(outcomes)
        .map(|(tick, outcome)| (*outcome == "run" && may_go_straight(tick)).then(|| partner(tick)))
        .collect();
    let partners: Vec<Option<&str>> = partners.iter().map(Option::as_deref).collect();
    let wanted = partners.iter().flatten().count();
    if wanted == 0 {
        return Ok((None, vec![None; ticks.len()]));
    }
    let standing = Standing::of(connection, WORK.queue, room, wanted, known).await?;
    let deliveries = dealt(&partners, standing.free(room), room.batch as usize);
    Ok((Some(standing), deliveries))
}

/// Those that ran before, by the clock or by hand, are no longer decided about.
async fn not_run_yet<'a>(tx: &mut PgConnection, ticks: &[Tick<'a>]) -> Result<Vec<Tick<'a>>, sqlx::Error> {
    let uids: Vec<Uuid> = ticks.iter().map(|tick| tick.schedule.uid).collect();
    let at: Vec<i64> = ticks.iter().map(|tick| tick.tick.as_microsecond()).collect();
    if ticks.iter().any(|tick| tick.trigger == Trigger::Backfill) {
        sqlx::query(FREE).bind(&uids).bind(&at).execute(&mut *tx).await?;
    }
    let ran: Vec<(Uuid, i64)> = sqlx::query_as(RAN).bind(uids).bind(at).fetch_all(tx).await?;
    let ran: HashSet<(Uuid, i64)> = ran.into_iter().collect();
    let key = |tick: &Tick<'_>| (tick.schedule.uid, tick.tick.as_microsecond());
    Ok(ticks.iter().filter(|tick| tick.trigger == Trigger::Hand || !ran.contains(&key(tick))).cloned().collect())
}

/// Whose turn it is, the release alone says: who runs a Schedule by hand counts at the same time. A tick comes when its
/// time has; jitter may put its run off.
fn may_go_straight(tick: &Tick<'_>) -> bool {
    !takes_turns(tick) && tick.not_before <= tick.tick && lane(tick) == WORK
}

/// `followed`: by another of the same schedule.
fn outcome(
    tick: &Tick<'_>,
    followed: bool,
    open: &mut HashMap<Uuid, usize>,
    cancelled: &mut Vec<Uuid>,
) -> &'static str {
    if let Some(dropped) = tick.dropped {
        return dropped;
    }
    let open = open.entry(tick.schedule.uid).or_default();
    let start = match tick.by {
        Some(_) => start_by_hand(*open),
        None => OverlapRule::of(&tick.schedule.spec).start(*open, followed),
    };
    match start {
        Start::Skip => return "overlap",
        Start::Instead => cancelled.push(tick.schedule.uid),
        Start::Run => {}
    }
    *open += 1;
    "run"
}
