//! The folder of one server on disk: lock, data, socket, logs.
//!
//! Owns its layout, and holds the lock that keeps two processes out of one folder. Refuses socket
//! paths longer than the kernel takes, or with characters that would need quoting.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::ServerError;
use super::account::Account;
use super::error::cannot;

const SOCKET_PATH_BYTES: usize = 107;
const LONGEST_SOCKET_NAME: &str = "/.s.PGSQL.5432.lock";
/// A fork elsewhere in this process holds our lock until it executes.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);

/// One server's folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    /// The folder, absolute.
    pub(super) path: PathBuf,
    /// Who runs the server.
    pub(super) account: Account,
    /// Where sockets live; only the server's user (and root) may enter.
    pub(super) sockets: PathBuf,
    _short_sockets: Option<TempDir>,
    _lock: File,
}

impl Folder {
    pub(super) async fn open(directory: &Path) -> Result<Self, ServerError> {
        let path = make(directory)?;
        let lock = lock(&path).await?;
        let account = Account::choose(&path.join("data"))?;
        account.reach(&path)?;
        let short = if fits(&path.join("run")) { None } else { Some(short_folder()?) };
        let sockets = short.as_ref().map_or_else(|| path.join("run"), |short| short.path().to_owned());
        account.private_folder(&sockets)?;
        Ok(Self { path, account, sockets, _short_sockets: short, _lock: lock })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Writes a file the server's user can read, whatever our umask.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(cannot("write", &path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).map_err(cannot("open", &path))?;
        Ok(path)
    }
}

/// Creates what is missing, passable by others whatever our umask; gives the absolute path.
pub(super) fn make(directory: &Path) -> Result<PathBuf, ServerError> {
    let absolute = std::path::absolute(directory).map_err(cannot("locate", directory))?;
    make_missing(&absolute)?;
    fs::canonicalize(&absolute).map_err(cannot("locate", &absolute))
}

fn make_missing(directory: &Path) -> Result<(), ServerError> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_missing(parent)?;
    }
    match fs::create_dir(directory) {
        // Both servers make the folder they share.
        Err(_) if directory.is_dir() => Ok(()),
        Err(source) => Err(cannot("create", directory)(source)),
        Ok(()) => fs::set_permissions(directory, fs::Permissions::from_mode(0o711)).map_err(cannot("open", directory)),
    }
}

async fn lock(directory: &Path) -> Result<File, ServerError> {
    let path = directory.join("lock");
    let file = File::create(&path).map_err(cannot("create", &path))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(cannot("lock", &path)(source)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(POLL).await,
            Err(TryLockError::WouldBlock) => {
                return Err(ServerError::InUse { directory: directory.to_owned() });
            }
        }
    }
}

fn fits(sockets: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let bytes = sockets.as_os_str().as_encoded_bytes();
    bytes.iter().all(plain) && bytes.len() + LONGEST_SOCKET_NAME.len() <= SOCKET_PATH_BYTES
}

/// `/tmp` and not `TMPDIR`: short, and every user can pass it.
fn short_folder() -> Result<TempDir, ServerError> {
    let root = Path::new("/tmp");
    tempfile::Builder::new().prefix("pintle-").tempdir_in(root).map_err(cannot("create a folder in", root))
}
