//! The scheduler, in the leader: looks at the clocks of schedules, and turns ticks into jobs. Time is the database's;
//! between looks only elapsed time counts, so that a clock that is set does not move it.

use super::lead::{Bells, Lease, current};
use super::outage::Outage;
use super::run::Daemon;
use crate::queue::straight::Straight;
use crate::queue::writers::Writers;
use crate::reconcile::heavy;
use crate::store::schedules::{Looked, ScheduleRow, Schedules, Tick, Trigger};
use crate::store::{LeaderProof, StoreError};
use jiff::Timestamp;
use pintle_core::change::Value;
use pintle_core::schedule::{BadClock, Clock, MissedRule, due};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// All schedules are read again this often, whether or not one rang.
const READ_EVERY: Duration = Duration::from_mins(1);
/// Ticks that are turned into jobs in one transaction, more or less.
const AT_ONCE: usize = 2_000;

/// One schedule, read.
struct Entry {
    row: ScheduleRow,
    /// The windows that it excludes.
    excluded: Vec<Value>,
    clock: Clock,
    missed: MissedRule,
    looked_until: Timestamp,
    next: Option<Timestamp>,
}

/// What the scheduler knows.
#[derive(Default)]
struct Book {
    entries: BTreeMap<Uuid, Entry>,
    read_at: Option<Instant>,
}

pub(super) async fn scheduling(daemon: &Daemon, bells: &Bells, lease: &Lease, straight: &Straight) {
    let mut outage = Outage::of("schedules");
    let (mut book, writers) = (Book::default(), Writers::new(daemon.store.clone(), daemon.process));
    loop {
        let pause = match turn(daemon, &writers, straight, &mut book, &current(lease)).await {
            Ok(pause) => {
                outage.over();
                pause
            }
            Err(StoreError::NotLeader) => return,
            Err(error) => {
                book.read_at = None;
                outage.failed(&error)
            }
        };
        if tokio::time::timeout(pause, bells.schedules.notified()).await.is_ok() {
            book.read_at = None;
        }
    }
}

/// Looks once; how long until the next look.
async fn turn(
    daemon: &Daemon,
    writers: &Writers,
    straight: &Straight,
    book: &mut Book,
    proof: &LeaderProof,
) -> Result<Duration, StoreError> {
    if book.read_at.is_none_or(|at| at.elapsed() >= READ_EVERY) {
        writers.with(|writer| async move { daemon.store.keep_clocks(proof, &writer).await }).await?;
        let schedules = daemon.store.schedules(None).await?;
        heavy(|| book.read(&schedules));
    }
    let now = daemon.store.clock().await?;
    let ready: Vec<Uuid> = book
        .entries
        .values()
        .filter(|entry| entry.next.is_some_and(|next| next <= now))
        .map(|entry| entry.row.uid)
        .collect();
    let fired = book.fire(daemon, writers, straight, proof, &ready, now).await?;
    if fired > 0 {
        tracing::info!(jobs = fired, schedules = ready.len(), "{} schedules fired {fired} jobs", ready.len());
    }
    let next = book.entries.values().filter_map(|entry| entry.next).min();
    let until = next.map_or(READ_EVERY, |next| now.duration_until(next).unsigned_abs());
    Ok(until.clamp(Duration::from_millis(5), READ_EVERY))
}

impl Book {
    /// Takes `schedules` for what there is. Reading a clock costs more than reading its row: one that is as it was is
    /// not read again.
    fn read(&mut self, schedules: &Schedules) {
        let mut before = std::mem::take(&mut self.entries);
        for row in &schedules.rows {
            let Some(looked_until) = row.looked_until.filter(|_| !row.suspended) else { continue };
            let excluded = schedules.excluded(row);
            let known = before.remove(&row.uid).filter(|entry| {
                entry.row.spec == row.spec && entry.excluded == excluded && entry.looked_until == looked_until
            });
            let entry = match known {
                Some(entry) => Ok(Entry { row: row.clone(), ..entry }),
                None => Entry::of(row, excluded, looked_until),
            };
            match entry {
                Ok(entry) => drop(self.entries.insert(row.uid, entry)),
                Err(error) => tracing::error!(schedule = row.name, "{} does not fire: {error}", row.name),
            }
        }
        self.read_at = Some(Instant::now());
    }

    /// Turns what is due of `uids` into jobs, in several transactions if it is much; how many. One that fails holds
    /// up none of the others.
    async fn fire(
        &mut self,
        daemon: &Daemon,
        writers: &Writers,
        straight: &Straight,
        proof: &LeaderProof,
        uids: &[Uuid],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (mut jobs, mut failed) = (0, None);
        let mut rest = uids;
        while !rest.is_empty() {
            let (mut ticks, mut looked) = (Vec::new(), Vec::new());
            heavy(|| {
                while let Some((uid, others)) = rest.split_first().filter(|_| ticks.len() < AT_ONCE) {
                    rest = others;
                    if let Some(entry) = self.entries.get(uid) {
                        let until = entry.ticks(now, &mut ticks);
                        looked.push(Looked { uid: *uid, from: entry.looked_until, until });
                    }
                }
            });
            let (due, until) = (&ticks, &looked);
            let (room, began) = (straight.room(), Instant::now());
            let firing =
                writers.with(|writer| async move { daemon.store.fire(proof, &writer, due, until, room).await });
            match firing.await {
                Ok(fired) => {
                    drop(ticks);
                    jobs += fired.jobs.len();
                    straight.hand_over(began, fired.released);
                    heavy(|| self.looked(&looked));
                }
                Err(StoreError::NotLeader) => return Err(StoreError::NotLeader),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(jobs), Err)
    }

    fn looked(&mut self, looked: &[Looked]) {
        for Looked { uid, until, .. } in looked {
            if let Some(entry) = self.entries.get_mut(uid) {
                entry.looked_until = *until;
                entry.next = entry.clock.next(*until);
            }
        }
    }
}

impl Entry {
    fn of(row: &ScheduleRow, excluded: Vec<Value>, looked_until: Timestamp) -> Result<Self, BadClock> {
        let clock = Clock::of(&row.spec, &excluded)?;
        let (next, missed) = (clock.next(looked_until), MissedRule::of(&row.spec));
        Ok(Self { row: row.clone(), excluded, clock, missed, looked_until, next })
    }

    /// Adds its ticks up to `now`; up to when it was looked at.
    fn ticks<'a>(&'a self, now: Timestamp, ticks: &mut Vec<Tick<'a>>) -> Timestamp {
        let due = due(&self.clock, self.missed, self.looked_until, now);
        let tick = |tick, trigger, dropped| Tick {
            schedule: &self.row,
            tick,
            not_before: self.clock.runs_at(&self.row.name, tick),
            trigger,
            dropped,
            note: None,
            by: None,
        };
        // Many that do not run are told of as one: the last.
        let told = |at: &[Timestamp], trigger, dropped| {
            let (first, last) = (at.first().copied()?, at.last().copied()?);
            let or_more = if due.more { "or more " } else { "" };
            let note = (first != last).then(|| format!("{} {or_more}ticks since {first}", at.len()));
            Some(Tick { note, ..tick(last, trigger, Some(dropped)) })
        };
        ticks.extend(told(&due.missed, Trigger::Late, "missed"));
        ticks.extend(told(&due.closed, Trigger::Clock, "closed"));
        ticks.extend(
            due.run.iter().map(|(at, late)| tick(*at, if *late { Trigger::Late } else { Trigger::Clock }, None)),
        );
        due.until
    }
}
