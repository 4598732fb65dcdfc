//! Work that goes out with the transaction that adds it. Where nothing of a lane waits and there is room, looking for what
//! is due would find just that: it is added as released. Who is in whose way is decided here as the release decides it:
//! partners get as many each.

use super::release::{Released, Room, by_delivery};
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Of what waits a hundred are looked at, but for what waits for its turn; where there are more, one of them may be due.
const STANDING: &str = "SELECT (SELECT count(*) FROM (SELECT FROM pintle.job_state WHERE queue = $1 AND state IN ('released', 'running') LIMIT $2) o) AS out,
        (SELECT coalesce(sum(slots), 0) FROM pintle.processes WHERE expires_at > clock_timestamp()) AS slots,
        (SELECT count(*) = 100 OR coalesce(bool_or(q.not_before <= clock_timestamp() AND NOT EXISTS (
                SELECT FROM pintle.job_state o WHERE o.turn = q.turn AND o.state IN ('released', 'running'))), false)
            FROM (SELECT not_before, turn FROM pintle.job_state WHERE queue = $1 AND state = 'queued' LIMIT 100) q) AS waits";

/// How long it is believed how a lane stood.
const BELIEVED: Duration = Duration::from_millis(100);
/// Counting takes about one part in so many of the time, where nothing waits and there is room: it walks past what ended, which
/// is not cleared away while a transaction is open for long.
const SELDOM: u32 = 20;
/// Never longer than this.
const AT_LAST: Duration = Duration::from_secs(1);

/// How a lane stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    out: i64,
    slots: i64,
    /// Whether something of it is due, or may be.
    waits: bool,
    /// Whether it was counted, or is remembered.
    counted: bool,
}

/// How a lane stood when it was counted, and how much was added to it as released since. What ended is not known, nor what the
/// release let out of what waited: as much as the window may be out beyond it for a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    at: Instant,
    took: Duration,
    standing: Standing,
}

impl Counted {
    /// How the lane stands at `now`, if that is known well enough for `wanted` jobs to join it.
    fn answer(&self, now: Instant, room: Room, wanted: usize) -> Option<Standing> {
        let believed = now.saturating_duration_since(self.at) < (self.took * SELDOM).clamp(BELIEVED, AT_LAST);
        (believed && self.standing.free(room) >= wanted).then_some(Standing { counted: false, ..self.standing })
    }
}

impl Standing {
    /// Of the lane of `queue`, which `wanted` jobs want to join; of what is out no more than `room` has place for is counted.
    /// Not counted where what was `known` will do.
    pub(super) async fn of(
        tx: &mut PgConnection,
        queue: &str,
        room: Room,
        wanted: usize,
        known: &mut Option<Counted>,
    ) -> Result<Self, sqlx::Error> {
        let at = Instant::now();
        if let Some(standing) = known.as_ref().and_then(|known| known.answer(at, room, wanted)) {
            return Ok(standing);
        }
        let row = sqlx::query(STANDING).bind(queue).bind(room.window).fetch_one(tx).await?;
        let (out, slots, waits) = (row.try_get("out")?, row.try_get("slots")?, row.try_get("waits")?);
        let standing = Self { out, slots, waits, counted: true };
        *known = (out < room.window).then_some(Counted { at, took: at.elapsed(), standing });
        Ok(standing)
    }

    /// How many jobs may join what is out.
    pub(super) fn free(&self, room: Room) -> usize {
        if self.waits { 0 } else { usize::try_from(room.window - self.out).unwrap_or(0) }
    }

    /// What the relay is told of `jobs`, each with its delivery, which are `known` to be out from now on.
    pub(super) fn released(&self, jobs: Vec<(Uuid, i64)>, known: &mut Option<Counted>) -> Released {
        if let Some(known) = known {
            known.standing.out += jobs.len() as i64;
        }
        let (out, slots) = (self.counted.then_some(self.out), self.slots);
        Released { jobs: jobs.len(), deliveries: by_delivery(jobs), out, slots, more: self.waits }
    }
}

/// The delivery of each of what joins a lane, named by its partner: for `free` of them, the first of each partner before
/// the second of any, `batch` to a delivery.
pub(super) fn dealt(partners: &[Option<&str>], free: usize, batch: usize) -> Vec<Option<Uuid>> {
    let mut turns: HashMap<&str, usize> = HashMap::new();
    let mut order: Vec<(usize, usize)> = Vec::with_capacity(partners.len());
    for (at, partner) in partners.iter().enumerate() {
        if let Some(partner) = partner {
            let turn = turns.entry(partner).or_default();
            order.push((*turn, at));
            *turn += 1;
        }
    }
    order.sort_unstable();
    let mut deliveries = vec![None; partners.len()];
    for some in order[..free.min(order.len())].chunks(batch.max(1)) {
        let delivery = Uuid::now_v7();
        for (_, at) in some {
            deliveries[*at] = Some(delivery);
        }
    }
    deliveries
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn how_a_lane_stood_is_believed_for_a_while_and_for_what_has_room_whatever_ended_since() {
        let (at, room) = (Instant::now(), Room { batch: 1, window: 10, refill: 1 });
        let standing = Standing { out: 7, slots: 2, waits: false, counted: true };
        let counted = Counted { at, took: Duration::from_millis(1), standing };
        let (soon, later) = (at + BELIEVED / 2, at + BELIEVED);
        assert!(counted.answer(soon, room, 3).is_some_and(|standing| !standing.counted));
        assert!(counted.answer(soon, room, 4).is_none(), "there may not be room");
        assert!(counted.answer(later, room, 3).is_none(), "it is too long ago");
        let slow = Counted { took: BELIEVED, ..counted };
        assert!(slow.answer(later, room, 3).is_some(), "what takes long is not done often");
        let behind = Counted { standing: Standing { waits: true, ..standing }, ..counted };
        assert!(behind.answer(soon, room, 1).is_none(), "something waited");
        let mut known = Some(counted);
        standing.released(vec![(Uuid::nil(), 1), (Uuid::nil(), 2)], &mut known);
        assert!(known.unwrap().answer(soon, room, 2).is_none(), "two joined");
    }

    proptest! {
        #[test]
        fn what_goes_straight_is_as_much_as_there_is_room_for_and_of_each_partner_as_much(
            partners in prop::collection::vec(prop::option::of(0..5_u8), 0..60), free in 0..80_usize, batch in 1..9_usize
        ) {
            let names: Vec<Option<String>> = partners.iter().map(|one| one.map(|name| name.to_string())).collect();
            let named: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
            let dealt = dealt(&named, free, batch);
            let (mut sizes, mut went, mut stayed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            for (partner, delivery) in named.iter().zip(&dealt) {
                if let Some(delivery) = delivery {
                    prop_assert!(partner.is_none_or(|one| !stayed.contains_key(one)), "the earlier one goes first");
                    *sizes.entry(delivery).or_insert(0) += 1;
                    *went.entry(partner.expect("who may not go stays")).or_insert(0_usize) += 1;
                } else if let Some(partner) = partner {
                    *stayed.entry(*partner).or_insert(0_usize) += 1;
                }
            }
            prop_assert!(sizes.values().all(|size| *size <= batch));
            prop_assert_eq!(went.values().sum::<usize>(), free.min(named.iter().flatten().count()));
            let most = went.values().max().copied().unwrap_or(0);
            for partner in stayed.keys() {
                prop_assert!(went.get(partner).copied().unwrap_or(0) + 1 >= most, "{partner} waits behind another's crowd");
            }
        }
    }
}
