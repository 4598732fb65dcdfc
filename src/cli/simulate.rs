//! `pintle simulate`: what a revision would do and when, if it were accepted now and nothing else came:
//! the clock is played forward over the live rows, a snapshot, or another revision.

use super::against::AgainstArgs;
use super::plan::{Revision, read, unsound};
use super::{CliError, Exit, Out, against};
use crate::store::Store;
use crate::store::acceptance::SOURCE;
use crate::store::motion::Motion;
use jiff::{SignedDuration, Timestamp};
use pintle_core::diff::LiveState;
use pintle_core::model::Catalog;
use pintle_core::render::minute;
use pintle_core::simulate::{Commit, Event, Happening, Rows, Services, Simulation};
use std::sync::Arc;

/// Which revision, over what, how far.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    side: AgainstArgs,
    /// How far the clock is played
    #[arg(long = "for", env = "PINTLE_SIMULATE_FOR", value_name = "TIME", default_value = "14d", value_parser = super::database::duration)]
    length: SignedDuration,
    /// The moment at which it begins; now if left out
    #[arg(long, env = "PINTLE_AT", value_name = "TIME")]
    at: Option<Timestamp>,
    /// How long a service that reports takes to carry out what a row says
    #[arg(long, env = "PINTLE_ARRIVAL", value_name = "TIME", default_value = "5m", value_parser = super::database::duration)]
    arrival: SignedDuration,
}

/// Plays and prints.
pub async fn run(args: &SimulateArgs, out: &Out) -> Result<Exit, CliError> {
    let revision = read(&args.side.repo, &args.side.rev)?;
    if let Some(exit) = unsound(&revision, out) {
        return Ok(exit);
    }
    let (mut world, guard) = begun(args, &revision).await?;
    let name = revision.oid.to_string();
    world.accept(Commit { name, desired: revision.resolved, guard: guard.into() });
    let (begin, end) = (world.now, world.now.checked_add(args.length));
    let end = end.map_err(|error| CliError::because("that is too far", error).hint("--for 14d"))?;
    let events = world.play(end);
    let plan = world.plan();
    let refused = plan.as_ref().is_some_and(|plan| !plan.refused().is_empty());
    let waiting = plan.as_ref().map_or(0, |plan| plan.waiting().len());
    if out.is_json() {
        let events: Vec<_> = events.iter().map(json).collect();
        out.json(&serde_json::json!({
            "formatVersion": "1.0", "commit": revision.oid, "from": begin, "to": end, "events": events, "waiting": waiting, "refused": refused,
        }));
    } else {
        let told: String = events.iter().map(Event::text).collect();
        let told = if told.is_empty() { "Nothing happens.\n".to_owned() } else { told };
        let end = minute(end);
        let close = match (refused, waiting) {
            (true, _) => format!("Until {end} the plan stays refused."),
            (false, 0) => format!("Until {end} everything is as declared."),
            (false, waiting) => format!("On {end} {waiting} still wait."),
        };
        out.text(&format!("{told}\n{close}"));
    }
    Ok(if refused { Exit::Refused } else { Exit::Success })
}

async fn begun(
    args: &SimulateArgs,
    revision: &Revision,
) -> Result<(Simulation, pintle_core::model::guard::Guard), CliError> {
    let own = against::guard_of(revision)?;
    let now = args.at.unwrap_or_else(Timestamp::now);
    let world = |live: LiveState, now| Simulation::new(Rows::of(live), now, Catalog::standard());
    if let Some(against) = &args.side.against {
        let base = read(&args.side.repo, against)?;
        let live = LiveState::as_applied(&base.resolved, &base.oid.to_string(), now);
        let before = Arc::new(against::guard_of(&base)?);
        return Ok((world(live, now).after(Vec::new(), before, 0), own));
    }
    if let Some(snapshot) = args.side.snapshot().await? {
        let (judge, seq) = snapshot.judges(&revision.oid.to_string());
        let before = judge.map(|commit| against::guard_of(&against::judging(&args.side.repo, commit)?)).transpose()?;
        let newest = snapshot.admitted.as_ref().map_or(0, |one| one.seq);
        let played = seq.map_or(newest, |seq| seq.saturating_sub(1));
        let mut world = world(snapshot.live, now);
        world.services = Services::new(snapshot.motion.standing, args.arrival, now);
        let Some(before) = before else { return Ok((world, own)) };
        return Ok((world.after(snapshot.motion.moved, Arc::new(before), played), own));
    }
    let Some(url) = &args.side.database_url else {
        return Err(against::nothing());
    };
    let store = Store::open(url, 2)?;
    store.check_schema().await?;
    let live = store.snapshot(SOURCE, |live| live.objects.iter().map(|row| row.key.clone()).collect()).await?;
    let now = args.at.unwrap_or(live.read_at);
    let guards = against::guards(&store, &args.side.repo, revision).await?;
    let plan = against::made(revision, &live, &guards);
    // The step that is played is the one that it is, or the next.
    let seq = store.seq_of(SOURCE, &revision.oid.to_string()).await?;
    let newest = store.history("", 1).await?.pop().map_or(0, |row| row.acceptance.seq);
    let before = seq.map_or(newest, |seq| seq.saturating_sub(1));
    let Motion { moved, standing } = store.motion(SOURCE, &plan, &guards, &live, against::since(&live, seq)).await?;
    let mut world = world(live, now).after(moved, guards.before(), before);
    world.services = Services::new(standing, args.arrival, now);
    Ok((world, own))
}

fn json(event: &Event) -> serde_json::Value {
    let kind = match &event.what {
        Happening::Applied(_) => "applied",
        Happening::Waits(_) => "waits",
        Happening::Refused(_) => "refused",
    };
    let objects: Vec<_> = match &event.what {
        Happening::Applied(plan) => plan
            .steps()
            .iter()
            .map(|step| serde_json::json!({"object": step.change.key.to_string(), "action": step.change.action, "cause": step.change.cause}))
            .collect(),
        Happening::Waits(waiting) => waiting
            .iter()
            .map(|one| serde_json::json!({"object": one.change.key.to_string(), "action": one.change.action, "code": one.reason.code(), "message": one.reason.sentence(), "liftedBy": one.reason.lifted_by(), "until": one.reason.until()}))
            .collect(),
        Happening::Refused(plan) => plan
            .refused()
            .iter()
            .map(|one| serde_json::json!({"limit": one.limit, "group": one.group, "message": one.sentence()}))
            .collect(),
    };
    let (objects, limits) = if kind == "refused" { (Vec::new(), objects) } else { (objects, Vec::new()) };
    serde_json::json!({"at": event.at, "event": kind, "objects": objects, "limits": limits})
}
