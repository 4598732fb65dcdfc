//! `pintle migrate`: the schema, as its owner. Forward only.

use super::{CliError, Exit, Out};

/// Which database.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Postgres, as the owner of the database
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: String,
}

/// Runs what is missing.
pub async fn run(args: &MigrateArgs, out: &Out) -> Result<Exit, CliError> {
    let ran = crate::store::pool::migrate(&args.database_url).await?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "migrations": ran}));
    } else {
        out.text(&match ran {
            0 => "The schema is up to date.".to_owned(),
            1 => "1 migration ran.".to_owned(),
            n => format!("{n} migrations ran."),
        });
    }
    Ok(Exit::Success)
}
