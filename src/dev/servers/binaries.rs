//! Where the system keeps the server programs.
//!
//! Owns the search: PATH first, then Debian's directories, newest version first. Refuses to mix
//! `initdb` and `postgres` of two installations, and to download anything.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::ServerError;

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// The programs both servers need.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// Postgres's programs, from one installation.
    pub postgres: PostgresBinaries,
    /// `redis-server`.
    pub redis_server: PathBuf,
}

/// The programs a private Postgres needs, from one installation.
#[derive(Debug, Clone)]
pub struct PostgresBinaries {
    /// Makes a new data directory.
    pub initdb: PathBuf,
    /// The server.
    pub postgres: PathBuf,
}

impl Binaries {
    /// Finds all programs in the system's places.
    ///
    /// # Errors
    /// [`ServerError::MissingBinaries`] names every program that is absent.
    pub fn find() -> Result<Self, ServerError> {
        Self::among(&system_places())
    }

    /// Finds all programs in the given directories, earlier ones first.
    ///
    /// # Errors
    /// [`ServerError::MissingBinaries`] names every program that is absent.
    pub fn among(places: &[PathBuf]) -> Result<Self, ServerError> {
        match (PostgresBinaries::among(places), redis_server(places)) {
            (Ok(postgres), Ok(redis_server)) => Ok(Self { postgres, redis_server }),
            (postgres, redis) => Err(missing(absent(postgres).chain(absent(redis)).collect())),
        }
    }
}

impl PostgresBinaries {
    pub(super) fn find() -> Result<Self, ServerError> {
        Self::among(&system_places())
    }

    fn among(places: &[PathBuf]) -> Result<Self, ServerError> {
        if let Some(found) = places.iter().find_map(|place| Self::of_installation(place)) {
            return Ok(found);
        }
        let wanted = ["initdb", "postgres"];
        let absent: Vec<_> = wanted.into_iter().filter(|name| first(places, name).is_none()).collect();
        // Both exist, but never side by side: the server is what the first installation lacks.
        Err(missing(if absent.is_empty() { vec!["postgres"] } else { absent }))
    }

    /// A link on PATH leads to the installation; its neighbour is the matching server.
    fn of_installation(place: &Path) -> Option<Self> {
        let initdb = fs::canonicalize(place.join("initdb")).ok().filter(|path| runs(path))?;
        let postgres = initdb.with_file_name("postgres");
        runs(&postgres).then_some(Self { initdb, postgres })
    }
}

/// `redis-server` in the system's places.
pub(super) fn find_redis_server() -> Result<PathBuf, ServerError> {
    redis_server(&system_places())
}

/// `setpriv`, which ties a child's life to ours; Debian always has it.
pub(super) fn find_setpriv() -> Option<PathBuf> {
    first(&system_places(), "setpriv")
}

fn redis_server(places: &[PathBuf]) -> Result<PathBuf, ServerError> {
    first(places, "redis-server").ok_or_else(|| missing(vec!["redis-server"]))
}

fn first(places: &[PathBuf], name: &str) -> Option<PathBuf> {
    places.iter().map(|place| place.join(name)).find(|path| runs(path))
}

fn runs(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn missing(names: Vec<&'static str>) -> ServerError {
    ServerError::MissingBinaries { names }
}

fn absent<T>(found: Result<T, ServerError>) -> impl Iterator<Item = &'static str> {
    let names = match found {
        Err(ServerError::MissingBinaries { names }) => names,
        _ => Vec::new(),
    };
    names.into_iter()
}

fn system_places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let absolute = std::env::split_paths(&path).filter(|place| place.is_absolute());
    absolute.chain(debian_postgres()).chain([PathBuf::from("/usr/bin")]).collect()
}

fn debian_postgres() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((version(&entry.file_name())?, entry.path().join("bin")))).collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, place)| place).collect()
}

/// `15`, or the old two-part `9.6`, whose first part is enough to order it last.
fn version(name: &OsStr) -> Option<u32> {
    name.to_str()?.split('.').next()?.parse().ok()
}
