//! Runs that somebody asks for.

use super::super::database::{as_operator, moment, os_user};
use super::super::{CliError, Out};
use super::one;
use crate::store::Store;
use crate::store::schedules::{Tick, Trigger};
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use pintle_core::render::plural;
use serde_json::json;

/// Ticks of one backfill.
const MOST: usize = 1_000;

/// Which, and why.
#[derive(Debug, clap::Args)]
pub(super) struct TriggerArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Why it runs now
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
}

/// Which, from when to when, and why.
#[derive(Debug, clap::Args)]
pub(super) struct BackfillArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Ticks from then on: 2026-11-23T09:00:00Z, 2026-11-23, or how long ago: 2h, 7d
    #[arg(long, env = "PINTLE_SINCE", value_name = "WHEN", value_parser = moment)]
    since: Timestamp,
    /// Ticks before then; now if left out
    #[arg(long, env = "PINTLE_UNTIL", value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Why they run after all
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
}

pub(super) async fn trigger(store: &Store, args: &TriggerArgs, out: &Out) -> Result<(), CliError> {
    let (row, _) = one(store, &args.name).await?;
    let now = store.clock().await?;
    let who = os_user();
    let tick = Tick {
        schedule: &row,
        tick: now,
        not_before: now,
        trigger: Trigger::Hand,
        dropped: None,
        note: None,
        by: Some((&who, &args.reason)),
    };
    let ticks = [tick];
    let fired = as_operator(store, async |writer| store.run_by_hand(writer, "trigger", &ticks).await).await?;
    let Some(job) = fired.jobs.first().copied() else { return Err(too_many(&row.name)) };
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "schedule": row.name, "job": job}));
    } else {
        out.text(&format!("{} runs as job {job}.\nFollow it: pintle jobs watch {job}", row.name));
    }
    Ok(())
}

pub(super) async fn backfill(store: &Store, args: &BackfillArgs, out: &Out) -> Result<(), CliError> {
    let (row, clock) = one(store, &args.name).await?;
    let now = store.clock().await?;
    let until = args.until.unwrap_or(now).min(now);
    // A tick at the very moment counts.
    let since = args.since.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(args.since);
    let fires: Vec<Timestamp> = clock.fires(since).take_while(|tick| *tick < until).take(MOST + 1).collect();
    if fires.len() > MOST {
        let last = fires[MOST];
        return Err(CliError::new(format!("these are more than {MOST} ticks"))
            .hint(format!("go step by step: the first {MOST} are before --until {last}")));
    }
    let who = os_user();
    let tick = |tick| Tick {
        schedule: &row,
        tick,
        not_before: now,
        trigger: Trigger::Backfill,
        dropped: None,
        note: None,
        by: Some((&who, &args.reason)),
    };
    let ticks: Vec<Tick<'_>> = fires.iter().copied().map(tick).collect();
    let fired = as_operator(store, async |writer| store.run_by_hand(writer, "backfill", &ticks).await).await?;
    if fired.jobs.is_empty() && fired.overlapping > 0 {
        return Err(too_many(&row.name));
    }
    if out.is_json() {
        out.json(&json!({
            "formatVersion": "1.0", "schedule": row.name, "jobs": fired.jobs, "ranBefore": fired.ran_before, "overlapping": fired.overlapping,
        }));
        return Ok(());
    }
    let more = |count: usize, what: &str| {
        if count > 0 { format!("; {} {what}", plural(count as i64, "tick")) } else { String::new() }
    };
    out.text(&format!(
        "{} of {} run{}{}.\nFollow them: pintle schedules history {}",
        plural(fired.jobs.len() as i64, "tick"),
        row.name,
        more(fired.ran_before, "ran before"),
        more(fired.overlapping, "dropped: too many are not over (run it again later)"),
        row.name
    ));
    Ok(())
}

fn too_many(name: &str) -> CliError {
    CliError::new(format!("nothing runs: as many runs of {name} as may wait are not over"))
        .hint(format!("pintle schedules history {name}; pintle jobs list --state queued"))
}
