//! A tick becomes a run and its job, in one transaction and once: the unique index over ticks decides, whoever looks
//! and however often.

use super::clocks::ScheduleRow;
use super::job::{body, lane, partner, region, turn, work};
use super::open::{AtMost, open_runs, room_for, takes_turns};
use crate::store::audit::AuditWriter;
use crate::store::enqueue::{MANY, grown};
use crate::store::release::{Released, Room, WORK};
use crate::store::straight::{Standing, dealt};
use crate::store::work::cancel_turns;
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::Draft;
use pintle_core::schedule::{OverlapRule, Start, start_by_hand};
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Why a tick runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its time came.
    Clock,
    /// Its time had passed.
    Late,
    /// Somebody wanted it now.
    Hand,
    /// Somebody wanted one that passed.
    Backfill,
}

impl Trigger {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Late => "late",
            Self::Hand => "hand",
            Self::Backfill => "backfill",
        }
    }
}

/// One tick of one schedule, and what is to become of it.
#[derive(Debug, Clone)]
pub struct Tick<'a> {
    /// Whose.
    pub schedule: &'a ScheduleRow,
    /// The scheduled time.
    pub tick: Timestamp,
    /// Not before: the time and its jitter.
    pub not_before: Timestamp,
    /// Why.
    pub trigger: Trigger,
    /// `None`: it runs if its schedule's overlap rule lets it; else why it does not.
    pub dropped: Option<&'static str>,
    /// More about it.
    pub note: Option<String>,
    /// Who wants it, and why, where that is not the clock.
    pub by: Option<(&'a str, &'a str)>,
}

/// Scheduled work goes last: security, rollback, intent and drift go before it.
const PRIORITY: i16 = 50;

/// Each by itself, so that it is one probe of an index whatever the server thinks of the table.
const RAN: &str = "SELECT t.uid, t.tick_us FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, tick_us)
    WHERE 0 < (SELECT count(*) FROM pintle.runs r WHERE r.schedule_uid = t.uid AND r.tick = to_timestamp(t.tick_us / 1000000.0)
        AND r.outcome = 'run' AND r.trigger <> 'hand')";

/// What was cancelled did not run: it may, after all.
const FREE: &str = "UPDATE pintle.runs r SET outcome = 'cancelled' FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, tick_us), pintle.job_state s
    WHERE r.schedule_uid = t.uid AND r.tick = to_timestamp(t.tick_us / 1000000.0) AND r.outcome = 'run' AND r.trigger <> 'hand' AND s.job_id = r.job_id AND s.state = 'cancelled'";

/// With `$19` it is done under that leader alone, and says whether it still leads; without, in the caller's transaction.
const INSERT: &str = "WITH led AS MATERIALIZED (SELECT FROM pintle.leader WHERE token = $19 FOR KEY SHARE),
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
    SELECT p.leads, f.job_id, f.delivery, (SELECT pg_notify('pintle_jobs', 'work') WHERE EXISTS (SELECT FROM fresh WHERE delivery IS NULL))
    FROM proven p LEFT JOIN fresh f ON true ORDER BY f.job_id";

const LOOKED: &str =
    "UPDATE pintle.schedule_clocks c SET looked_until = greatest(c.looked_until, to_timestamp(t.until_us / 1000000.0))
    FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, until_us) WHERE c.uid = t.uid";

impl Store {
    /// Turns `ticks`, in order, into runs, and remembers up to when each schedule was looked at. As far as there is room
    /// to go `straight` their jobs are released, and to be rung for.
    pub async fn fire(
        &self,
        proof: &LeaderProof,
        writer: &AuditWriter,
        ticks: &[Tick<'_>],
        looked: &[(Uuid, Timestamp)],
        straight: Option<Room>,
    ) -> Result<Fired, StoreError> {
        let (since, mut at_most) = self.at_most(proof.token());
        let fired = if !ticks.is_empty() && ticks.len() < MANY && ticks.iter().all(stands_alone) {
            self.fire_at_once(proof, ticks, looked, straight, &mut at_most).await?
        } else {
            self.fire_in_turn(proof, writer, ticks, looked, straight, &mut at_most).await?
        };
        self.remember(proof.token(), since, at_most);
        Ok(fired)
    }

    /// Writes in one statement, as nothing else is written with it.
    async fn fire_at_once(
        &self,
        proof: &LeaderProof,
        ticks: &[Tick<'_>],
        looked: &[(Uuid, Timestamp)],
        straight: Option<Room>,
        at_most: &mut AtMost,
    ) -> Result<Fired, StoreError> {
        if !proof.is_fresh() {
            return Err(StoreError::NotLeader);
        }
        let mut connection = self.firing.take(self).await?;
        let fired = insert(&mut connection, ticks, at_most, straight, Some(Led { by: proof.token(), looked })).await?;
        self.firing.hold(connection);
        Ok(fired)
    }

    /// In a transaction: what ran is left out first, turns are counted and ended, and what is ended recorded.
    async fn fire_in_turn(
        &self,
        proof: &LeaderProof,
        writer: &AuditWriter,
        ticks: &[Tick<'_>],
        looked: &[(Uuid, Timestamp)],
        straight: Option<Room>,
        at_most: &mut AtMost,
    ) -> Result<Fired, StoreError> {
        let failed = || StoreError::during("turn ticks into jobs");
        let mut tx = self.begin_as(proof).await?;
        let mut fired = insert(&mut tx, ticks, at_most, straight, None).await?;
        writer.append(&mut tx, &std::mem::take(&mut fired.cancelled)).await?;
        grown(&mut tx, fired.jobs.len()).await.map_err(failed())?;
        if !looked.is_empty() {
            let (uids, untils) = until(looked);
            sqlx::query(LOOKED).bind(uids).bind(untils).execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(fired)
    }
}

/// Up to when each schedule was looked at, as columns.
fn until(looked: &[(Uuid, Timestamp)]) -> (Vec<Uuid>, Vec<i64>) {
    looked.iter().map(|(uid, until)| (*uid, until.as_microsecond())).unzip()
}

/// Who leads, and up to when it looked at each schedule.
pub(in crate::store) struct Led<'a> {
    by: Uuid,
    looked: &'a [(Uuid, Timestamp)],
}

/// What became of ticks.
#[derive(Debug, Default)]
pub struct Fired {
    /// The jobs of those that run.
    pub jobs: Vec<i64>,
    /// How many had run before.
    pub ran_before: usize,
    /// How many were dropped, because too many of the same schedule are not over.
    pub overlapping: usize,
    /// What of them is released already, to be rung for.
    pub released: Released,
    /// The records of what was cancelled for them.
    pub(in crate::store) cancelled: Vec<Draft>,
}

/// The same in the caller's transaction, or in none where each of `asked` stands alone and it is known who `led`. The
/// caller may remember how many runs there can be `at_most`.
pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    asked: &[Tick<'_>],
    at_most: &mut AtMost,
    straight: Option<Room>,
    led: Option<Led<'_>>,
) -> Result<Fired, StoreError> {
    let led = led.as_ref();
    match add(connection, asked, at_most, straight, led).await.map_err(StoreError::during("turn ticks into jobs"))? {
        Some(fired) => Ok(fired),
        None => Err(StoreError::NotLeader),
    }
}

/// `None` under another leader.
async fn add(
    connection: &mut PgConnection,
    asked: &[Tick<'_>],
    at_most: &mut AtMost,
    straight: Option<Room>,
    led: Option<&Led<'_>>,
) -> Result<Option<Fired>, sqlx::Error> {
    // Where each stands alone, and there is room for all, the index may leave out those that ran.
    let leave_out = led.is_none() || !room_for(asked, at_most);
    let ticks = &if leave_out { not_run_yet(connection, asked).await? } else { asked.to_vec() };
    if ticks.is_empty() {
        return Ok(Some(Fired { ran_before: asked.len(), ..Fired::default() }));
    }
    let mut open = open_runs(connection, ticks, at_most).await?;
    let wanted = ticks.iter().enumerate().filter(|(_, tick)| tick.dropped.is_none());
    let last: HashMap<Uuid, usize> = wanted.map(|(at, tick)| (tick.schedule.uid, at)).collect();
    let beside: HashSet<Uuid> = ticks.iter().filter(|tick| !takes_turns(tick)).map(|tick| tick.schedule.uid).collect();
    let mut cancelled = Vec::new();
    let outcomes: Vec<&str> = ticks
        .iter()
        .enumerate()
        .map(|(at, tick)| {
            let followed = last.get(&tick.schedule.uid).is_some_and(|last| at < *last);
            outcome(tick, followed, &mut open, &mut cancelled)
        })
        .collect();
    at_most.extend(open.into_iter().filter(|(uid, _)| beside.contains(uid)));
    let overlapping = outcomes.iter().filter(|outcome| **outcome == "overlap").count();
    let cancelled = cancel_turns(connection, &cancelled, "cancel-other: the next tick came").await?;
    let (standing, deliveries) = deal(connection, ticks, &outcomes, straight).await?;
    let column = |of: &dyn Fn(&Tick<'_>) -> String| ticks.iter().map(of).collect::<Vec<_>>();
    let runs = outcomes.iter().filter(|outcome| **outcome == "run").count();
    let (looked, untils) = led.map(|led| until(led.looked)).unwrap_or_default();
    let rows = sqlx::query(INSERT)
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
        .fetch_all(&mut *connection)
        .await?;
    let leads = rows.first().map(|row| row.try_get("leads")).transpose()?;
    if leads != Some(true) {
        return Ok(None);
    }
    // One row says who leads, also where nothing was added.
    let added = rows.iter().map(|row| Ok((row.try_get("job_id")?, row.try_get("delivery")?)));
    let added = added.collect::<Result<Vec<(Option<i64>, Option<Uuid>)>, sqlx::Error>>()?;
    let straight = added.iter().filter_map(|(job, delivery)| Some(((*delivery)?, (*job)?))).collect();
    let jobs: Vec<i64> = added.iter().filter_map(|(job, _)| *job).collect();
    let released = standing.map(|standing| standing.released(straight)).unwrap_or_default();
    let ran_before = asked.len() - ticks.len() + runs - jobs.len();
    Ok(Some(Fired { jobs, ran_before, overlapping, released, cancelled }))
}

/// Whether nothing else is to be decided with `tick`: its run waits for no other and ends none, and it was not dropped.
fn stands_alone(tick: &Tick<'_>) -> bool {
    !takes_turns(tick) && tick.dropped.is_none() && matches!(tick.trigger, Trigger::Clock | Trigger::Late)
}

/// The deliveries of those that go straight, and how the lane stood when that was looked at.
async fn deal(
    connection: &mut PgConnection,
    ticks: &[Tick<'_>],
    outcomes: &[&str],
    straight: Option<Room>,
) -> Result<(Option<Standing>, Vec<Option<Uuid>>), sqlx::Error> {
    let Some(room) = straight else { return Ok((None, vec![None; ticks.len()])) };
    let standing = Standing::of(connection, WORK.queue, room).await?;
    let partners: Vec<Option<String>> = ticks
        .iter()
        .zip(outcomes)
        .map(|(tick, outcome)| (*outcome == "run" && may_go_straight(tick)).then(|| partner(tick)))
        .collect();
    let partners: Vec<Option<&str>> = partners.iter().map(Option::as_deref).collect();
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
