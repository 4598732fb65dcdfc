//! Released work starts: it draws a fence, and says before anything is done what is about to be done.

use super::piece::Work;
use crate::store::StoreError;
use crate::store::audit::{AuditWriter, standing, writing};
use crate::store::pauses::{LOCK, pauses};
use jiff::Timestamp;
use pintle_core::audit::{Draft, Outcome, Stage};
use pintle_core::change::ObjectKey;
use pintle_core::model::guard::Subject;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use std::sync::LazyLock;
use uuid::Uuid;

/// What was asked for and may start, under the fence that it will start with, what is paused, and where the writer stands. A
/// delivery is claimed once: a fence that is drawn by who knows the delivery is above those of all earlier ones. A sequence
/// writes to the log with every 32nd number; nobody waits for the disk for it: the start does, and has that written as well.
///
/// Here as where it is claimed and ended, a state is compared such that no index of what is out answers: a job is looked up by
/// its number. While a transaction is open for long, what ended stays in those indexes.
static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT s.job_id, s.delivery, nextval('pintle.fences') AS fence, s.attempts, s.partner, j.object_name, j.uid, j.body, j.file, coalesce(o.repo_id::text, '') AS repo_id,
        EXISTS (SELECT FROM pintle.pauses WHERE ended_at IS NULL) AS paused, set_config('synchronous_commit', 'off', true), {}
    FROM unnest($1::bigint[], $2::uuid[]) AS asked (job_id, delivery) JOIN pintle.job_state s ON s.job_id = asked.job_id AND s.delivery = asked.delivery AND s.state || '' = 'released'
    JOIN pintle.jobs j ON j.id = s.job_id LEFT JOIN pintle.sources o ON o.id = j.source_id", standing(3))
});

/// Nothing else is paused than was seen before this ends.
static START: LazyLock<String> = LazyLock::new(|| {
    let with = "held AS MATERIALIZED (SELECT pintle.paused_under($7) AS pauses),
    started AS (
        UPDATE pintle.job_state s SET state = own.state, reason = CASE own.state WHEN 'cancelled' THEN 'paused' ELSE s.reason END,
            fence = own.fence, process = CASE own.state WHEN 'running' THEN $5::uuid END, started_at = to_timestamp($6::bigint / 1000000.0), changed_at = clock_timestamp()
        FROM held, (SELECT unnest($1::bigint[]) AS job_id, unnest($2::uuid[]) AS delivery, unnest($3::bigint[]) AS fence, unnest($4::text[]) AS state) own
        WHERE s.job_id = own.job_id AND s.delivery = own.delivery AND s.state || '' = 'released' AND held.pauses = $8::bigint[]
        RETURNING s.job_id)";
    writing(with, "(SELECT count(*) FROM started) = cardinality($1::bigint[])", "", 9)
});

/// How often it is tried before it is given up.
pub(super) const LOOKS: usize = 8;

/// Claims for `process` what is asked for, each job by the delivery that brought it. Gives what starts, with its delivery:
/// not what the ledger knows nothing of, nor what somebody paused.
///
/// It is looked first, and what was seen then is claimed and recorded in one statement, or nothing if it does not hold any
/// more.
pub async fn start(
    connection: &mut PgConnection,
    writer: &AuditWriter,
    process: Uuid,
    asked: &[(Uuid, i64)],
) -> Result<Vec<(Uuid, Work)>, StoreError> {
    let (deliveries, jobs): (Vec<Uuid>, Vec<i64>) = asked.iter().copied().unzip();
    for _ in 0..LOOKS {
        let Some(seen) = Seen::look(connection, writer, &jobs, &deliveries).await? else { return Ok(Vec::new()) };
        let claimed = seen.claim(connection, writer, process).await.map_err(StoreError::during("start jobs"))?;
        if let Some(at) = claimed {
            return Ok(seen.started(at));
        }
    }
    Err(StoreError::Overtaken("start jobs"))
}

/// What was asked for, as it was when it was looked.
struct Seen {
    pauses: Vec<i64>,
    candidates: Vec<Candidate>,
}

struct Candidate {
    delivery: Uuid,
    work: Work,
    paused: bool,
}

impl Seen {
    async fn look(
        connection: &mut PgConnection,
        writer: &AuditWriter,
        jobs: &[i64],
        deliveries: &[Uuid],
    ) -> Result<Option<Self>, StoreError> {
        let failed = || StoreError::during("start jobs");
        let look = writer.bind(sqlx::query(LOOK.as_str()).bind(jobs).bind(deliveries));
        let rows = look.fetch_all(&mut *connection).await.map_err(failed())?;
        let Some(first) = rows.first() else { return Ok(None) };
        writer.learn_from(first)?;
        let any: bool = first.try_get("paused").map_err(failed())?;
        let pauses = if any { pauses(connection).await.map_err(failed())? } else { Vec::new() };
        let labels =
            if pauses.is_empty() { HashMap::new() } else { labels(connection, &rows).await.map_err(failed())? };
        let candidate = |row: &PgRow| {
            let work = Work::of(row)?;
            let key = ObjectKey::new("Schedule", work.schedule.as_str());
            let subject = Subject::new(&key, labels.get(&work.uid).map(String::as_str), None);
            let paused = pauses.iter().any(|pause| pause.what.covers(&subject));
            Ok(Candidate { delivery: row.try_get("delivery")?, work, paused })
        };
        let mut candidates = rows.iter().map(candidate).collect::<Result<Vec<_>, sqlx::Error>>().map_err(failed())?;
        // In one order, so that two that claim or finish at once rarely wait for each other; who does is asked one by one.
        candidates.sort_unstable_by_key(|one| one.work.job);
        Ok(Some(Self { pauses: pauses.iter().map(|pause| pause.id).collect(), candidates }))
    }

    /// Claims all of it, if it is as it was seen; since when.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        writer: &AuditWriter,
        process: Uuid,
    ) -> Result<Option<Timestamp>, sqlx::Error> {
        let all = &self.candidates;
        let drafts: Vec<Draft> = all.iter().map(begins).collect();
        let Some(foreseen) = writer.foreseen(&drafts, Timestamp::UNIX_EPOCH) else { return Ok(None) };
        let at = Timestamp::from_microsecond(foreseen.now_us).unwrap_or_default();
        let start = sqlx::query(START.as_str())
            .bind(all.iter().map(|one| one.work.job).collect::<Vec<_>>())
            .bind(all.iter().map(|one| one.delivery).collect::<Vec<_>>())
            .bind(all.iter().map(|one| one.work.fence).collect::<Vec<_>>())
            .bind(all.iter().map(|one| if one.paused { "cancelled" } else { "running" }).collect::<Vec<_>>())
            .bind(process)
            .bind(foreseen.now_us)
            .bind(LOCK)
            .bind(&self.pauses);
        Ok(writer.write(connection, start, foreseen).await?.then_some(at))
    }

    fn started(self, at: Timestamp) -> Vec<(Uuid, Work)> {
        let started = self.candidates.into_iter().filter(|one| !one.paused);
        started.map(|one| (one.delivery, one.work.since(at))).collect()
    }
}

/// The record of a try that is about to begin, or may not.
fn begins(one: &Candidate) -> Draft {
    if one.paused {
        one.work.draft(Stage::Denied, Outcome { status: "refused", code: Some("paused".into()) }, None)
    } else {
        one.work.draft(Stage::Intent, Outcome::ok(), None)
    }
}

/// The labels of the Schedules of `rows`.
async fn labels(tx: &mut PgConnection, rows: &[PgRow]) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let uids: Vec<Uuid> = rows.iter().map(|row| row.try_get("uid")).collect::<Result<_, _>>()?;
    let labels = sqlx::query_as("SELECT uid, labels::text FROM pintle.schedules WHERE uid = ANY($1)").bind(uids);
    Ok(labels.fetch_all(tx).await?.into_iter().collect())
}
