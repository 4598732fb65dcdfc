//! `pintle recover`: after a restored backup, or a state folder that tells another history than the
//! database. Shows where each stands and what would be applied; changes nothing until it is told to.

use super::database::{Database, os_user, writing};
use super::plan::{Revision, header, read, rendered};
use super::{CliError, Exit, Out, against};
use crate::state_file::StateFile;
use crate::store::Store;
use pintle_core::change::Oid;
use pintle_core::trust::Acceptance;
use std::path::PathBuf;
use uuid::Uuid;

/// Which host, and why.
#[derive(Debug, clap::Args)]
pub struct RecoverArgs {
    #[command(flatten)]
    database: Database,
    /// The daemon's state folder
    #[arg(long, env = "PINTLE_STATE_DIR", value_name = "DIR", default_value = "/var/lib/pintle")]
    state_dir: PathBuf,
    /// Why the two disagree; recorded
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: String,
    /// Let this host go on from where the database stands
    #[arg(short, long, env = "PINTLE_YES")]
    yes: bool,
}

/// Shows; with `--yes` lets the state file follow the database.
pub async fn run(args: &RecoverArgs, out: &Out) -> Result<Exit, CliError> {
    let store = args.database.open().await?;
    let Some(introduction) = store.introduction().await? else {
        return Err(CliError::new("the database knows no repository yet").hint("pintle run introduces it"));
    };
    let file = StateFile::of(&args.state_dir, &introduction);
    let records = store.acceptances().await?;
    // A file that cannot be read is what this command is for as well.
    let (stands, broken) = match file.stands_at() {
        Ok(stands) => (stands, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let last = records.last();
    let plan = match last {
        Some(last) => observed(args, &store, last, out).await?,
        None => "Nothing is accepted in the database; the daemon begins at the introduction.".to_owned(),
    };
    if args.yes {
        follow(&store, &file, last, &args.reason).await?;
    }
    if out.is_json() {
        out.json(&serde_json::json!({
            "formatVersion": "1.0",
            "stateFile": stands.map(|(seq, commit)| serde_json::json!({"seq": seq, "commit": commit})),
            "database": last.map(|last| serde_json::json!({"seq": last.seq, "commit": last.commit})),
            "recovered": args.yes,
        }));
        return Ok(Exit::Success);
    }
    out.text(&format!(
        "this host  {}\ndatabase   {}\n\n{plan}\n\n{}",
        broken.map_or_else(|| stood(stands), |why| format!("cannot say: {why}")),
        stood(last.map(|last| (last.seq, last.commit))),
        if args.yes {
            "This host goes on from where the database stands, from the daemon's next tick on."
        } else {
            "Nothing was changed. If that is what should be applied: pintle recover --reason TEXT --yes"
        }
    ));
    Ok(Exit::Success)
}

fn stood(at: Option<(u64, Oid)>) -> String {
    at.map_or_else(|| "nothing accepted".to_owned(), |(seq, commit)| format!("accepted {} as {seq}", commit.short()))
}

/// The plan of what the database calls accepted, from this host's mirror.
async fn observed(args: &RecoverArgs, store: &Store, last: &Acceptance, out: &Out) -> Result<String, CliError> {
    let mirror = args.state_dir.join("mirror.git");
    let revision: Revision = match read(&mirror, &last.commit.to_string()) {
        Ok(revision) => revision,
        Err(_) => {
            return Ok(format!("{} is not in this host's mirror yet; the daemon fetches it.", last.commit.short()));
        }
    };
    Ok(rendered(&against::rows(store, &mirror, &revision).await?, &header(&revision), None, out))
}

async fn follow(store: &Store, file: &StateFile, last: Option<&Acceptance>, reason: &str) -> Result<(), CliError> {
    let writer = store.audit_writer(Uuid::now_v7()).await.map_err(writing)?;
    let recorded = store.record_recovery(&writer, last.map(|last| last.commit), &os_user(), reason).await;
    store.end_audit_writer(writer).await.map_err(writing)?;
    recorded.map_err(writing)?;
    let written = match last {
        Some(last) => file.write(last),
        None => file.forget(),
    };
    written.map_err(|error| {
        CliError::because("the state file cannot be written", error)
            .hint("run it on the daemon's host, as a user who may write to its state folder: --state-dir DIR")
    })
}
