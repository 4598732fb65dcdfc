//! Work that goes out with the transaction that adds it. Where nothing of a lane waits and there is room, looking for what
//! is due would find just that: it is added as released. Who is in whose way is decided here as the release decides it:
//! partners get as many each.

use super::release::{Released, Room, by_delivery};
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// Of what waits a hundred are looked at, but for what waits for its turn; where there are more, one of them may be due.
const STANDING: &str = "SELECT (SELECT count(*) FROM (SELECT FROM pintle.job_state WHERE queue = $1 AND state IN ('released', 'running') LIMIT $2) o) AS out,
        (SELECT coalesce(sum(slots), 0) FROM pintle.processes WHERE expires_at > clock_timestamp()) AS slots,
        (SELECT count(*) = 100 OR coalesce(bool_or(q.not_before <= clock_timestamp() AND NOT EXISTS (
                SELECT FROM pintle.job_state o WHERE o.turn = q.turn AND o.state IN ('released', 'running'))), false)
            FROM (SELECT not_before, turn FROM pintle.job_state WHERE queue = $1 AND state = 'queued' LIMIT 100) q) AS waits";

/// How a lane stands.
pub(super) struct Standing {
    out: i64,
    slots: i64,
    /// Whether something of it is due, or may be.
    waits: bool,
}

impl Standing {
    /// Of the lane of `queue`; of what is out no more than `room` has place for is counted.
    pub(super) async fn of(tx: &mut PgConnection, queue: &str, room: Room) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(STANDING).bind(queue).bind(room.window).fetch_one(tx).await?;
        Ok(Self { out: row.try_get("out")?, slots: row.try_get("slots")?, waits: row.try_get("waits")? })
    }

    /// How many jobs may join what is out.
    pub(super) fn free(&self, room: Room) -> usize {
        if self.waits { 0 } else { usize::try_from(room.window - self.out).unwrap_or(0) }
    }

    /// What the relay is told of `jobs`, each with its delivery.
    pub(super) fn released(&self, jobs: Vec<(Uuid, i64)>) -> Released {
        Released { jobs: jobs.len(), deliveries: by_delivery(jobs), out: self.out, slots: self.slots, more: self.waits }
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
