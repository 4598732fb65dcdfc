//! A Postgres cluster on disk and how its server is run.
//!
//! Owns initdb, the settings, who is admitted, and what a predecessor left. Refuses to keep state
//! of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::error::cannot;
use super::folder::Folder;
use super::launch::Launch;
use super::{Options, PostgresBinaries, ServerError};

/// The superuser role, and the only one the start makes.
pub(super) const ROLE: &str = "pintle";
/// Only names the socket; nothing listens on it.
pub(super) const PORT: &str = "5432";
const INITDB_PATIENCE: Duration = Duration::from_mins(1);

const SETTINGS: [&str; 4] = ["listen_addresses=", "max_connections=400", "timezone=UTC", "log_timezone=UTC"];
/// Only a crash of the machine can lose data with these. `synchronous_commit=off` is not among
/// them: with it a killed Postgres forgets its last commits, and fault tests would blame Pintle.
const FAST: [&str; 2] = ["fsync=off", "full_page_writes=off"];

/// Makes a new cluster unless one is there.
///
/// Built beside its place and moved, so that an interrupted start leaves no half a cluster.
pub(super) async fn initialise(
    folder: &Folder,
    binaries: &PostgresBinaries,
    options: Options,
) -> Result<(), ServerError> {
    if folder.data().join("PG_VERSION").exists() {
        return Ok(());
    }
    let unfinished = folder.path.join("data.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(cannot("remove", &unfinished))?;
    }
    folder.account.private_folder(&unfinished)?;
    let launch = initdb(folder, binaries, &unfinished, options);
    launch.start()?.done(INITDB_PATIENCE).await?;
    fs::rename(&unfinished, folder.data()).map_err(cannot("move", &unfinished))
}

fn initdb(folder: &Folder, binaries: &PostgresBinaries, data: &Path, options: Options) -> Launch {
    // The rules initdb would write are not used: ours are given at each start.
    let fixed = ["--username", ROLE, "--auth=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"];
    let mut arguments: Vec<OsString> = vec!["--pgdata".into(), data.into()];
    arguments.extend(fixed.map(OsString::from));
    if options.fast {
        arguments.push("--no-sync".into());
    }
    Launch {
        program: "initdb",
        path: binaries.initdb.clone(),
        arguments,
        log: folder.path.join("initdb.log"),
        account: folder.account.clone(),
        farewell: Signal::SIGKILL,
    }
}

pub(super) fn server(folder: &Folder, binaries: &PostgresBinaries, options: Options) -> Result<Launch, ServerError> {
    let caller = folder.account.caller.replace('"', "\"\"");
    let rules = folder.write("pg_hba.conf", &format!("local all {ROLE} peer map=caller\n"))?;
    let users = folder.write("pg_ident.conf", &format!("caller \"{caller}\" {ROLE}\n"))?;
    let mut arguments: Vec<OsString> = vec!["-D".into(), folder.data().into(), "-p".into(), PORT.into()];
    let mut set = |name: &str, value: PathBuf| {
        let mut setting = OsString::from(name);
        setting.push(value);
        arguments.extend(["-c".into(), setting]);
    };
    set("hba_file=", rules);
    set("ident_file=", users);
    set("unix_socket_directories=", folder.sockets.clone());
    let fast = FAST.iter().filter(|_| options.fast);
    SETTINGS.iter().chain(fast).for_each(|setting| set(setting, PathBuf::new()));
    Ok(Launch {
        program: "postgres",
        path: binaries.postgres.clone(),
        arguments,
        log: folder.path.join("postgres.log"),
        account: folder.account.clone(),
        farewell: Signal::SIGQUIT,
    })
}

/// Removes a dead server's pid file when its id now belongs to a stranger.
///
/// Ids repeat after a reboot, in containers nearly always, and our Redis runs as the same user:
/// Postgres would take it for its predecessor and refuse to start. We hold the folder's lock.
pub(super) fn forget_stranger(folder: &Folder) -> Result<(), ServerError> {
    let path = folder.data().join("postmaster.pid");
    let file = fs::read_to_string(&path).unwrap_or_default();
    let Some(id) = file.lines().next().and_then(|line| line.parse::<u32>().ok()) else {
        return Ok(());
    };
    let Ok(command) = fs::read(format!("/proc/{id}/cmdline")) else {
        return Ok(());
    };
    let data = folder.data();
    let ours = data.as_os_str().as_encoded_bytes();
    if command.split(|byte| *byte == 0).any(|argument| argument == ours) {
        return Ok(());
    }
    let socket_lock = folder.sockets.join(format!(".s.PGSQL.{PORT}.lock"));
    // The socket's own pid file may be gone already, or in a folder that was temporary.
    let _ = fs::remove_file(socket_lock);
    fs::remove_file(&path).map_err(cannot("remove", &path))
}

/// A predecessor, or a backend it left, is still letting go of the data directory.
pub(super) fn held(log: &str) -> bool {
    log.contains("\"postmaster.pid\" already exists") || log.contains("is still in use")
}

/// Speaks the protocol as far as "you are in": a start-up message (protocol 3.0), answered by
/// `AuthenticationOk` — `R`, length 8, code 0.
pub(super) async fn admits(socket: &Path) -> std::io::Result<bool> {
    let body = format!("\0\x03\0\0user\0{ROLE}\0database\0postgres\0\0");
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&[&length, body.as_bytes()].concat()).await?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await?;
    let terminate = [b'X', 0, 0, 0, 4];
    stream.write_all(&terminate).await?;
    Ok(answer == *b"R\0\0\0\x08\0\0\0\0")
}
