//! Queued jobs that are due become deliveries: fair over partners, within a bounded window. The
//! doorbell is rung only after the commit.

use super::{LeaderProof, Store, StoreError};
use crate::queue::delivery::Delivery;
use sqlx::Row;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One queue of deliveries, and how it is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The queue, by its name in the ledger and in Redis.
    pub queue: &'static str,
    /// What is out at most.
    pub room: Room,
    /// Whether less is let out by how fast it ends.
    pub paced: bool,
}

/// How much may be out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Jobs of one delivery.
    pub batch: i64,
    /// Jobs that may be released and not yet done.
    pub window: i64,
    /// Jobs that must have come back before others follow them: looking for what is due costs something.
    pub refill: i64,
}

/// Row changes: many at a time.
pub const ROWS: Lane = Lane { queue: "rows", room: Room { batch: 500, window: 8_000, refill: 2_000 }, paced: false };
/// Work that somebody here does.
pub const WORK: Lane = Lane { queue: "work", room: Room { batch: 50, window: 2_000, refill: 1 }, paced: true };
/// Work that only waits for somebody else.
pub const EXTERNAL: Lane = Lane { queue: "external", room: Room { batch: 1, window: 256, refill: 1 }, paced: false };

/// All of them; rows first.
pub const LANES: [Lane; 3] = [ROWS, WORK, EXTERNAL];

/// How much of one kind may be out at one time, over all processes.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Jobs of a kind of work; of a queue that others serve, as `queue:NAME`.
    pub kinds: Vec<(String, i64)>,
    /// Jobs of work of one partner; what is of none is not limited.
    pub partner: Option<i64>,
    /// Jobs of work for one region; what is for none, or for many, is not limited.
    pub region: Option<i64>,
}

impl Limits {
    /// Whether anything is counted.
    pub fn are_set(&self) -> bool {
        !self.kinds.is_empty() || self.partner.is_some() || self.region.is_some()
    }
}

/// Due jobs, as many of each partner (a loose index scan finds them) as it would have if all had as many, of what
/// the window `$1` has room for; each takes the delivery of its place, `$3` to a delivery of those in `$2`. Of those
/// that take turns, the first goes, and only when none is out; of what is limited, no more than `$6` and `$7` (kinds
/// and numbers), `$8` (of a partner) and `$9` (of a region) say. There is always one row, if only to say how many were out before, and
/// whether some partner may have more than its share.
const RELEASE: &str = "WITH RECURSIVE out AS (SELECT partner, work, region, count(*) AS jobs FROM pintle.job_state WHERE queue = $5 AND state IN ('released', 'running') GROUP BY partner, work, region),
    taken AS (SELECT coalesce(sum(jobs), 0)::bigint AS taken FROM out),
    room AS (SELECT taken, CASE WHEN $1 - taken < $4 THEN 0 ELSE $1 - taken END AS free FROM taken),
    limits AS (SELECT l.work, l.most - coalesce((SELECT sum(o.jobs) FROM out o WHERE o.work = l.work), 0) AS free FROM unnest($6::text[], $7::bigint[]) AS l (work, most)),
    regions AS (SELECT region, $9 - sum(jobs) AS free FROM out WHERE region IS NOT NULL GROUP BY region),
    partners AS (
        (SELECT partner FROM pintle.job_state WHERE queue = $5 AND state = 'queued' ORDER BY partner LIMIT 1)
        UNION ALL
        SELECT (SELECT s.partner FROM pintle.job_state s WHERE s.queue = $5 AND s.state = 'queued' AND s.partner > p.partner ORDER BY s.partner LIMIT 1)
        FROM partners p WHERE p.partner IS NOT NULL),
    share AS (SELECT (free + count(p.partner) - 1) / greatest(count(p.partner), 1) AS each FROM room CROSS JOIN partners p GROUP BY free),
    due AS (
        SELECT d.job_id, d.work, d.region, p.partner, row_number() OVER (PARTITION BY p.partner ORDER BY d.priority, d.job_id) AS turn
        FROM partners p CROSS JOIN LATERAL (
            SELECT s.job_id, s.priority, s.work, s.region FROM pintle.job_state s
            WHERE s.queue = $5 AND s.state = 'queued' AND s.partner = p.partner AND s.not_before <= clock_timestamp()
              AND (s.turn IS NULL OR s.job_id = (SELECT o.job_id FROM pintle.job_state o WHERE o.turn = s.turn AND o.state IN ('queued', 'released', 'running')
                  ORDER BY (o.state = 'queued'), o.job_id LIMIT 1))
              AND 0 = (SELECT count(*) FROM pintle.job_needs n WHERE n.job_id = s.job_id AND 'done' <> (SELECT b.state FROM pintle.job_state b WHERE b.job_id = n.needs))
              AND NOT EXISTS (SELECT FROM limits l WHERE l.work = s.work AND l.free <= 0)
              AND NOT EXISTS (SELECT FROM regions r WHERE r.region = s.region AND r.free <= 0)
            ORDER BY s.priority, s.job_id
            LIMIT least((SELECT each FROM share), CASE WHEN p.partner = '' OR p.partner LIKE '~%' THEN NULL ELSE greatest(0, $8 - (SELECT coalesce(sum(o.jobs), 0) FROM out o WHERE o.partner = p.partner)) END)) d
        WHERE p.partner IS NOT NULL),
    within AS (
        SELECT d.job_id, d.turn FROM (SELECT *, row_number() OVER (PARTITION BY work ORDER BY turn, job_id) AS nth,
            row_number() OVER (PARTITION BY region ORDER BY turn, job_id) AS nth_there FROM due) d LEFT JOIN limits l USING (work) LEFT JOIN regions r USING (region)
        WHERE (l.free IS NULL OR d.nth <= l.free) AND (d.region IS NULL OR d.nth_there <= coalesce(r.free, $9))),
    locked AS (
        SELECT s.job_id, s.object_kind, j.uid FROM (SELECT job_id FROM within ORDER BY turn, job_id LIMIT (SELECT free FROM room)) AS first
        CROSS JOIN LATERAL (SELECT * FROM pintle.job_state o WHERE o.job_id = first.job_id AND o.state = 'queued' FOR UPDATE SKIP LOCKED) AS s
        JOIN pintle.jobs j ON j.id = s.job_id),
    placed AS (SELECT job_id, row_number() OVER (ORDER BY object_kind, uid, job_id) - 1 AS place FROM locked),
    released AS (
        UPDATE pintle.job_state s SET state = 'released', delivery = ($2::uuid[])[1 + p.place / $3], changed_at = clock_timestamp()
        FROM placed p WHERE s.job_id = p.job_id RETURNING s.job_id, s.delivery, p.place)
    SELECT room.taken, r.job_id, r.delivery, (SELECT coalesce(sum(slots), 0) FROM pintle.processes WHERE expires_at > clock_timestamp()) AS slots,
        coalesce((SELECT bool_or(due.turn >= share.each) FROM due, share), room.free = 0 AND room.taken > 0) AS more
    FROM room LEFT JOIN released r ON true ORDER BY r.place";

/// What was released.
#[derive(Debug, Default)]
pub struct Released {
    /// To be rung for.
    pub deliveries: Vec<Delivery>,
    /// How many jobs these bring.
    pub jobs: usize,
    /// How many jobs were out already, if that was counted.
    pub out: Option<i64>,
    /// How many jobs of work the processes that live take at one time.
    pub slots: i64,
    /// Whether more may be due.
    pub more: bool,
}

impl Store {
    /// Releases what is due of `queue`, as far as there is `room` and `limits` let it. Commits before it returns; ring the
    /// deliveries then.
    pub async fn release(
        &self,
        proof: &LeaderProof,
        queue: &str,
        room: Room,
        limits: &Limits,
    ) -> Result<Released, StoreError> {
        let failed = || StoreError::during("release jobs");
        let mut tx = self.begin_derived(proof).await?;
        let minted: Vec<Uuid> = (0..=room.window / room.batch).map(|_| Uuid::now_v7()).collect();
        let rows = sqlx::query(RELEASE)
            .bind(room.window)
            .bind(minted)
            .bind(room.batch)
            .bind(room.refill)
            .bind(queue)
            .bind(limits.kinds.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>())
            .bind(limits.kinds.iter().map(|(_, most)| *most).collect::<Vec<_>>())
            .bind(limits.partner.unwrap_or(i64::MAX))
            .bind(limits.region.unwrap_or(i64::MAX))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        let (mut released, mut out) = (Released::default(), 0);
        let mut pairs = Vec::with_capacity(rows.len());
        for row in &rows {
            out = row.try_get("taken").map_err(failed())?;
            released.slots = row.try_get("slots").map_err(failed())?;
            released.more = row.try_get("more").map_err(failed())?;
            let delivery: Option<Uuid> = row.try_get("delivery").map_err(failed())?;
            pairs.extend(delivery.zip(row.try_get("job_id").map_err(failed())?));
        }
        // What is limited may hide what is due behind it.
        released.more |= limits.are_set() && out + pairs.len() as i64 > 0;
        released.out = Some(out);
        released.jobs = pairs.len();
        released.deliveries = by_delivery(pairs);
        Ok(released)
    }
}

/// Jobs by the delivery that carries them.
pub(super) fn by_delivery(rows: impl IntoIterator<Item = (Uuid, i64)>) -> Vec<Delivery> {
    let mut deliveries: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for (delivery, job) in rows {
        deliveries.entry(delivery).or_default().push(job);
    }
    deliveries.into_iter().map(|(id, jobs)| Delivery { id, jobs }).collect()
}
