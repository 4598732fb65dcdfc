//! A tick becomes a run and its job, in one transaction and once, whoever looks and however often.

use super::adding::{Led, insert};
use super::clocks::ScheduleRow;
use super::open::{Memory, takes_turns};
use crate::store::audit::AuditWriter;
use crate::store::enqueue::{MANY, grown};
use crate::store::release::{Released, Room};
use crate::store::{LeaderProof, Store, StoreError};
use jiff::Timestamp;
use pintle_core::audit::Draft;
use std::sync::LazyLock;
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

/// One schedule was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// Which.
    pub uid: Uuid,
    /// Since when, as the ledger said last.
    pub from: Timestamp,
    /// Up to when.
    pub until: Timestamp,
}

static LOOKED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH looked AS (UPDATE pintle.schedule_clocks c SET looked_until = greatest(c.looked_until, to_timestamp(t.until_us / 1000000.0))
    FROM unnest($1::uuid[], $2::bigint[]) AS t (uid, until_us) WHERE c.uid = t.uid)
    SELECT {}",
        nothing_forgotten(1, 3)
    )
});

/// Statement text: refuses what it stands in if the ledger does not know that the schedules of the parameter `uids` were looked at
/// up to those times of the parameter `froms`. A server that crashed may have forgotten the last ticks: what is looked at from
/// there on would bury them. (A time is rounded on its way.)
pub(super) fn nothing_forgotten(uids: usize, froms: usize) -> String {
    format!(
        "pintle.insist(NOT EXISTS (SELECT FROM unnest(${uids}::uuid[], ${froms}::bigint[]) AS t (uid, from_us) JOIN pintle.schedule_clocks c ON c.uid = t.uid
        WHERE c.looked_until < to_timestamp(t.from_us / 1000000.0) - interval '1 millisecond'))"
    )
}

impl Store {
    /// Turns `ticks`, in order, into runs, and remembers up to when each schedule was looked at. As far as there is room
    /// to go `straight` their jobs are released, and to be rung for.
    pub async fn fire(
        &self,
        proof: &LeaderProof,
        writer: &AuditWriter,
        ticks: &[Tick<'_>],
        looked: &[Looked],
        straight: Option<Room>,
    ) -> Result<Fired, StoreError> {
        let (since, mut memory) = self.memory(proof.token());
        let fired = if !ticks.is_empty() && ticks.len() < MANY && ticks.iter().all(stands_alone) {
            self.fire_at_once(proof, ticks, looked, straight, &mut memory).await?
        } else {
            self.fire_in_turn(proof, writer, ticks, looked, straight, &mut memory).await?
        };
        self.remember(proof.token(), since, memory);
        Ok(fired)
    }

    /// Writes in one statement, as nothing else is written with it.
    async fn fire_at_once(
        &self,
        proof: &LeaderProof,
        ticks: &[Tick<'_>],
        looked: &[Looked],
        straight: Option<Room>,
        memory: &mut Memory,
    ) -> Result<Fired, StoreError> {
        if !proof.is_fresh() {
            return Err(StoreError::NotLeader);
        }
        let mut connection = self.firing.take(self).await?;
        let fired = insert(&mut connection, ticks, memory, straight, Some(Led { by: proof.token(), looked })).await?;
        self.firing.hold(connection);
        Ok(fired)
    }

    /// In a transaction: what ran is left out first, turns are counted and ended, and what is ended recorded.
    async fn fire_in_turn(
        &self,
        proof: &LeaderProof,
        writer: &AuditWriter,
        ticks: &[Tick<'_>],
        looked: &[Looked],
        straight: Option<Room>,
        memory: &mut Memory,
    ) -> Result<Fired, StoreError> {
        let failed = || StoreError::during("turn ticks into jobs");
        let mut tx = self.begin_as(proof).await?;
        let mut fired = insert(&mut tx, ticks, memory, straight, None).await?;
        writer.append(&mut tx, &std::mem::take(&mut fired.cancelled)).await?;
        grown(&mut tx, fired.jobs.len()).await.map_err(failed())?;
        if !looked.is_empty() {
            let (uids, froms, untils) = columns(looked);
            let look = sqlx::query(LOOKED.as_str()).bind(uids).bind(untils).bind(froms);
            look.execute(&mut *tx).await.map_err(failed())?;
        }
        tx.commit().await.map_err(failed())?;
        Ok(fired)
    }
}

/// Which, since when and up to when, as columns.
pub(super) fn columns(looked: &[Looked]) -> (Vec<Uuid>, Vec<i64>, Vec<i64>) {
    let times = |time: fn(&Looked) -> Timestamp| looked.iter().map(|one| time(one).as_microsecond()).collect();
    (looked.iter().map(|one| one.uid).collect(), times(|one| one.from), times(|one| one.until))
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

/// Whether nothing else is to be decided with `tick`: its run waits for no other and ends none, and it was not dropped.
fn stands_alone(tick: &Tick<'_>) -> bool {
    !takes_turns(tick) && tick.dropped.is_none() && matches!(tick.trigger, Trigger::Clock | Trigger::Late)
}
