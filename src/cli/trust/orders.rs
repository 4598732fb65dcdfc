//! `pintle trust deny` and `accept-rewrite`: orders to the daemon of this host, in its state folder.
//! They work with its next tick, and need no signature: whoever may write there runs the daemon.

use crate::cli::database::os_user;
use crate::cli::{CliError, Exit, Out};
use crate::orders::{Order, OrderFile, Orders};
use crate::state_file::StateError;
use jiff::Timestamp;
use pintle_core::change::{ChangeId, Oid};
use pintle_core::trust::Fingerprint;
use std::path::PathBuf;

/// What must count for nothing on this host.
#[derive(Debug, clap::Args)]
pub(super) struct DenyArgs {
    #[command(subcommand)]
    what: Denied,
    /// Take the order back
    #[arg(long, global = true, env = "PINTLE_UNDO")]
    undo: bool,
    /// Why
    #[arg(long, global = true, env = "PINTLE_REASON", value_name = "TEXT", default_value = "no reason given")]
    reason: String,
    /// The daemon's state folder
    #[arg(long, global = true, env = "PINTLE_STATE_DIR", value_name = "DIR", default_value = "/var/lib/pintle")]
    state_dir: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Denied {
    /// A change, by its id (pintle change-id): held whatever its approvals
    Change {
        /// The change id
        id: ChangeId,
    },
    /// A key, by its fingerprint: counts for nothing
    Key {
        /// The fingerprint, as ssh-keygen -l prints it
        fingerprint: Fingerprint,
    },
}

/// Which history may be considered.
#[derive(Debug, clap::Args)]
pub(super) struct RewriteArgs {
    /// The commit that may be accepted although it does not descend from what is
    commit: Oid,
    /// Why the history was rewritten
    #[arg(long, env = "PINTLE_REASON", value_name = "TEXT")]
    reason: String,
    /// The daemon's state folder
    #[arg(long, env = "PINTLE_STATE_DIR", value_name = "DIR", default_value = "/var/lib/pintle")]
    state_dir: PathBuf,
}

/// Denies, or takes that back.
pub(super) fn deny(args: &DenyArgs, out: &Out) -> Result<Exit, CliError> {
    let order = order(&args.reason);
    let (what, id) = match &args.what {
        Denied::Change { id } => ("change", id.to_string()),
        Denied::Key { fingerprint } => ("key", fingerprint.to_string()),
    };
    let edit = |orders: &mut Orders| match (&args.what, args.undo) {
        (Denied::Change { id }, false) => drop(orders.denied_changes.insert(id.to_string(), order)),
        (Denied::Change { id }, true) => drop(orders.denied_changes.remove(&id.to_string())),
        (Denied::Key { fingerprint }, false) => drop(orders.denied_keys.insert(*fingerprint, order)),
        (Denied::Key { fingerprint }, true) => drop(orders.denied_keys.remove(fingerprint)),
    };
    OrderFile::of(&args.state_dir).edit(edit).map_err(unwritten)?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "denied": !args.undo, "what": what, "id": id}));
    } else if args.undo {
        out.text(&format!("The {what} {id} is no longer denied on this host."));
    } else {
        out.text(&format!("The {what} {id} counts for nothing on this host, from the daemon's next tick on.\nundo  pintle trust deny --undo {what} {id}"));
    }
    Ok(Exit::Success)
}

/// Lets a rewritten history be considered.
pub(super) fn accept_rewrite(args: &RewriteArgs, out: &Out) -> Result<Exit, CliError> {
    let order = order(&args.reason);
    let edit = |orders: &mut Orders| drop(orders.considered.insert(args.commit.to_string(), order));
    OrderFile::of(&args.state_dir).edit(edit).map_err(unwritten)?;
    if out.is_json() {
        out.json(&serde_json::json!({"formatVersion": "1.0", "considered": args.commit}));
    } else {
        out.text(&format!(
            "The daemon of this host will consider {}. What it changes still needs the approvals of the accepted policy.\nnext  pintle approve {} --rewrite --database-url URL",
            args.commit.short(),
            args.commit.short()
        ));
    }
    Ok(Exit::Success)
}

fn order(reason: &str) -> Order {
    Order { reason: reason.to_owned(), by: os_user(), at: Timestamp::now() }
}

fn unwritten(error: StateError) -> CliError {
    CliError::because("the order cannot be written down", error)
        .hint("run it on the daemon's host, as a user who may write to its state folder: --state-dir DIR")
}
