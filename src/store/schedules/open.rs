//! How many runs of each schedule are not over. Those that take turns are counted by their index. Those that run beside each
//! other have none, as an index would cost each job something: a leader remembers how many there can be at most, and counts
//! only when that could be too many.

use super::ticks::Tick;
use crate::store::Store;
use crate::store::straight::Counted;
use pintle_core::schedule::{MAX_WAITING, OverlapRule};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use uuid::Uuid;

const IN_TURN: &str = "SELECT turn, count(*) FROM pintle.job_state WHERE turn = ANY($1) AND state IN ('queued', 'released', 'running') GROUP BY turn";

/// By the two indexes of what is not over, whatever the ledger holds beside.
const BESIDE: &str = "SELECT j.uid, count(*) FROM (
        SELECT job_id FROM pintle.job_state WHERE queue IN ('work', 'external') AND state = 'queued' AND turn IS NULL
        UNION ALL SELECT job_id FROM pintle.job_state WHERE queue IN ('work', 'external') AND state IN ('released', 'running') AND turn IS NULL) s
    JOIN pintle.jobs j ON j.id = s.job_id WHERE j.uid = ANY($1) GROUP BY j.uid";

/// What is remembered is believed for so long: runs by hand are other processes', and not told.
const BELIEVED: Duration = Duration::from_mins(1);

/// By schedule: no more runs than that, beside each other, are not over, but for those of the last minute by hand.
pub type AtMost = HashMap<Uuid, usize>;

/// What is known without looking.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) at_most: AtMost,
    /// How the lane of work stood.
    pub(super) lane: Option<Counted>,
}

/// What one leader remembers; another that led meanwhile fired without it.
#[derive(Debug, Default)]
pub struct Remembered {
    leader: Option<(Uuid, Instant)>,
    memory: Memory,
}

impl Store {
    /// What `leader` remembers, and since when; until it is given back, nothing.
    pub(super) fn memory(&self, leader: Uuid) -> (Instant, Memory) {
        let remembered = std::mem::take(&mut *self.remembered.lock().unwrap_or_else(PoisonError::into_inner));
        let known = remembered.leader.filter(|(one, since)| *one == leader && since.elapsed() < BELIEVED);
        // Counted anew, it is believed from now on.
        let since = known.map_or_else(Instant::now, |(_, since)| since);
        (since, if known.is_some() { remembered.memory } else { Memory::default() })
    }

    pub(super) fn remember(&self, leader: Uuid, since: Instant, memory: Memory) {
        *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) =
            Remembered { leader: Some((leader, since)), memory };
    }
}

/// Whether runs of a tick's schedule take turns.
pub(super) fn takes_turns(tick: &Tick<'_>) -> bool {
    OverlapRule::of(&tick.schedule.spec).takes_turns()
}

/// How many of `ticks` there are of each schedule.
fn coming<'a>(ticks: impl IntoIterator<Item = &'a Tick<'a>>) -> HashMap<Uuid, usize> {
    let mut coming = HashMap::new();
    for tick in ticks {
        *coming.entry(tick.schedule.uid).or_default() += 1;
    }
    coming
}

/// Whether it is remembered that there is room for all of `ticks`, which run beside each other.
pub(super) fn room_for(ticks: &[Tick<'_>], at_most: &AtMost) -> bool {
    coming(ticks).iter().all(|(uid, coming)| at_most.get(uid).is_some_and(|most| most + coming <= MAX_WAITING))
}

/// How many runs of each schedule of `ticks` are not over; of those in `at_most` that cannot be too many, how many at most.
pub(super) async fn open_runs(
    connection: &mut PgConnection,
    ticks: &[Tick<'_>],
    at_most: &AtMost,
) -> Result<HashMap<Uuid, usize>, sqlx::Error> {
    let (in_turn, beside): (Vec<&Tick<'_>>, Vec<&Tick<'_>>) = ticks.iter().partition(|tick| takes_turns(tick));
    let mut coming = coming(beside);
    let known = |(uid, coming): (&Uuid, &usize)| {
        let most = at_most.get(uid).copied().filter(|most| most + coming <= MAX_WAITING)?;
        Some((*uid, most))
    };
    let mut open: HashMap<Uuid, usize> = coming.iter().filter_map(known).collect();
    coming.retain(|uid, _| !open.contains_key(uid));
    let in_turn: HashSet<Uuid> = in_turn.into_iter().map(|tick| tick.schedule.uid).collect();
    for (sql, uids) in [(IN_TURN, in_turn.into_iter().collect()), (BESIDE, coming.into_keys().collect::<Vec<Uuid>>())] {
        if !uids.is_empty() {
            let counted: Vec<(Uuid, i64)> = sqlx::query_as(sql).bind(uids).fetch_all(&mut *connection).await?;
            open.extend(counted.into_iter().map(|(uid, count)| (uid, count as usize)));
        }
    }
    Ok(open)
}
