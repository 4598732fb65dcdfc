//! What became of ticks.

use super::super::table::{Cell, Table};
use super::super::{CliError, Out};
use crate::store::Store;
use crate::store::schedules::{RunFilter, RunRow};
use pintle_core::render::{Style, ago, shown};
use serde_json::json;

/// Characters of what a run said.
const SAID: usize = 80;

pub(super) async fn history(
    store: &Store,
    name: Option<&str>,
    outcomes: &[String],
    limit: i64,
    out: &Out,
) -> Result<(), CliError> {
    let runs = store.runs(&RunFilter { schedule: name, outcomes: outcomes.to_vec(), limit, last: false }).await?;
    if let (Some(name), true) = (name, runs.is_empty())
        && store.schedules(Some(name)).await?.rows.is_empty()
    {
        return Err(CliError::new(format!("there is no schedule `{name}`")).hint("pintle schedules list"));
    }
    if out.is_json() {
        out.json(&json!({"formatVersion": "1.0", "runs": runs}));
        return Ok(());
    }
    if runs.is_empty() {
        out.text("No tick yet.");
        return Ok(());
    }
    let paper = out.paper();
    let mut table = Table::new(&["tick", "schedule", "outcome", "job", "tries", "ended", "by", "said"]);
    for run in &runs {
        let outcome = outcome(run);
        let style = if outcome == "dead" { Style::Warning } else { Style::Muted };
        let said = run.said.as_deref().or(run.reason.as_deref()).unwrap_or_default();
        table.row([
            run.tick.map(|tick| tick.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default().into(),
            run.schedule.as_str().into(),
            Cell::from(outcome).styled(style),
            run.job.map(|job| job.to_string()).unwrap_or_default().into(),
            run.attempts.filter(|tries| *tries > 1).map(|tries| tries.to_string()).unwrap_or_default().into(),
            run.ended_at.map(|at| ago(at, paper.now)).unwrap_or_default().into(),
            Cell::from(run.by.as_deref().unwrap_or(if run.trigger == "late" { "late" } else { "" })),
            shown(&said.chars().take(SAID).collect::<String>()).into(),
        ]);
    }
    out.text(&table.render(&paper));
    Ok(())
}

/// How its job stands, or why there is none.
fn outcome(run: &RunRow) -> &str {
    match run.outcome.as_str() {
        "run" => run.state.as_deref().unwrap_or("over"),
        "overlap" => "dropped: overlap",
        "closed" => "dropped: window",
        other => other,
    }
}
