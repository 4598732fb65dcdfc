//! `pintle jobs stats`: the ledger in numbers.

use super::super::table::{Cell, Table};
use super::super::{CliError, Out};
use super::colour;
use crate::store::Store;
use jiff::SignedDuration;
use pintle_core::render::span;
use serde_json::json;

pub(super) async fn stats(store: &Store, out: &Out) -> Result<(), CliError> {
    let (states, hour) = store.stats().await?;
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "states": states, "lastHour": hour}));
        return Ok(());
    }
    let seconds = |seconds: f64| span(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default());
    let mut table = Table::new(&["queue", "state", "jobs", "oldest"]);
    for one in &states {
        let oldest = if one.oldest_s > 0.0 { seconds(one.oldest_s) } else { String::new() };
        let state = Cell::from(&one.state).styled(colour(&one.state));
        table.row([one.queue.as_str().into(), state, one.jobs.to_string().into(), oldest.into()]);
    }
    let hours = hour.iter().map(|one| {
        let (half, most) = (seconds(one.p50_s), seconds(one.p95_s));
        format!("\n{}: {} done within the hour, p50 {half}, p95 {most} from due to done", one.queue, one.done)
    });
    let text = table.render(&out.paper()) + &hours.collect::<String>();
    out.text(if states.is_empty() { "No job yet." } else { &text });
    Ok(())
}
