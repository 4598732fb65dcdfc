//! `pintle advance`: opens a wave whose gate is manual.

use super::database::{Database, as_operator, os_user};
use super::{CliError, Exit, Out};
use crate::store::acceptance::SOURCE;

/// Which wave, and why.
#[derive(Debug, clap::Args)]
pub struct AdvanceArgs {
    /// The Rollout in whose waves a change goes out
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// The wave
    #[arg(value_name = "WAVE")]
    wave: String,
    /// Why; recorded
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    database: Database,
}

/// Opens it, once those before it are done and have soaked.
pub async fn run(args: &AdvanceArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let (rollout, wave) = (args.rollout.as_str(), args.wave.as_str());
    let live = store.snapshot(SOURCE, |_| Vec::new()).await?;
    if !live.runs.iter().any(|run| run.rollout == rollout) {
        let known: Vec<&str> = live.runs.iter().map(|run| run.rollout.as_str()).collect();
        let hint = if known.is_empty() { "nothing goes out in waves now".to_owned() } else { known.join(", ") };
        return Err(CliError::new(format!("no change goes out in the waves of `{rollout}`")).hint(hint));
    }
    let waves = store.waves(SOURCE, rollout).await?;
    if !waves.contains(&args.wave) {
        return Err(CliError::new(format!("`{rollout}` has no wave `{wave}`")).hint(waves.join(", ")));
    }
    let what = (rollout, wave);
    let opened =
        as_operator(&store, async |writer| store.advance(writer, SOURCE, what, (&os_user(), &args.reason)).await)
            .await?;
    if !opened {
        return Err(CliError::new(format!("the change in the waves of `{rollout}` is over meanwhile")));
    }
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "rollout": rollout, "wave": wave}));
    } else {
        out.text(&format!(
            "Wave {wave} of {rollout} opens as soon as those before it are done and have soaked.\nFollow it: pintle plan"
        ));
    }
    Ok(Exit::Success)
}
