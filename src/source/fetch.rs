//! One run of the user's git in the mirror: within a time, within what it may write and map, and with
//! no more kept of what it says than anybody reads.

use super::mirror::FetchError;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use pintle_core::change::Oid;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout, timeout_at};

/// What a fetch may write to one file, unless the settings say otherwise. Objects that are checked on
/// arrival come as one pack, which is one file.
pub const MAX_FETCH_BYTES: u64 = 4 << 30;
/// Bytes of address space that git and each of its children may map.
const MAX_ADDRESS_SPACE: u64 = 8 << 30;
/// Bytes of git's complaints that are kept.
const MAX_SAID: usize = 64 << 10;
/// Bytes of git's answer that are kept.
const MAX_PRINTED: usize = 4 << 20;
/// Lines of a listing that are read.
const MAX_LISTED: usize = 10_000;
/// Bytes of a ref's name; a file system takes 255 for each part.
const MAX_NAME: usize = 1_024;
/// How long the pipes are read once git has ended: an ssh that stays for later connections holds them open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Nothing runs beside the fetch, and no transport that is a command. The user's and the system's
/// configuration is read all the same: ssh, proxies and credentials stand there.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    // Old packs stay mapped until this much is, and the address space is limited.
    "core.packedGitLimit=2g",
    "fetch.fsckObjects=true",
    "fetch.writeCommitGraph=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=20",
];

/// What git's check of arriving objects passes over, or old history could never be watched. All but
/// the last tell of author and committer lines as old tools wrote them; tree and parents stand before
/// those, and `Commit::parse` takes such a commit as history that carries no authority. The last is a
/// folder's mode written `040000`, which leaves no doubt either; `parse_tree` refuses it in a tree
/// that is to be the state.
const PASSED_OVER: &[&str] = &[
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
];

/// Variables by which a git that started us would lead ours to another repository or other objects.
const FOREIGN: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// git in one folder, within limits.
pub(super) struct Git<'a> {
    /// Where it runs.
    pub folder: &'a Path,
    /// What it may write to one file.
    pub max_fetch_bytes: u64,
}

impl Git<'_> {
    /// Runs it, until `deadline` at most, and gives the start of what it printed.
    pub async fn run(&self, what: &'static str, arguments: &[&str], deadline: Instant) -> Result<Vec<u8>, FetchError> {
        let mut child = self.command().args(arguments).spawn().map_err(FetchError::Run)?;
        let (mut printed, mut said) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = {
            let mut reading = pin!(async {
                tokio::join!(keep(stdout, MAX_PRINTED, &mut printed), keep(stderr, MAX_SAID, &mut said));
            });
            timeout_at(deadline, async {
                tokio::select! {
                    () = &mut reading => child.wait().await,
                    status = child.wait() => {
                        let _ = timeout(LAST_WORDS, &mut reading).await;
                        status
                    }
                }
            })
            .await
        };
        let Ok(status) = ended else {
            // Waited for, so that it writes nothing more when what it left is removed.
            let _ = child.kill().await;
            return Err(FetchError::TimedOut);
        };
        let status = status.map_err(FetchError::Run)?;
        let said = String::from_utf8_lossy(&said);
        let too_large = Signal::SIGXFSZ as i32;
        if status.success() {
            Ok(printed)
        } else if status.signal() == Some(too_large) || said.contains(&format!("died of signal {too_large}")) {
            Err(FetchError::TooLarge { what, limit: self.max_fetch_bytes })
        } else {
            Err(FetchError::Git { what, message: reason(&said) })
        }
    }

    fn command(&self) -> Command {
        let mut command = limited_git(self.max_fetch_bytes);
        for setting in SETTINGS {
            command.args(["-c", *setting]);
        }
        for id in PASSED_OVER {
            command.arg("-c").arg(format!("fetch.fsck.{id}=ignore"));
        }
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // We look for words in what it says.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// git, by way of util-linux's `prlimit`, which every Debian has: to set limits between fork and exec
/// ourselves would take unsafe code, which this workspace forbids. Without it git runs unlimited.
fn limited_git(max_fetch_bytes: u64) -> Command {
    let Some(prlimit) = prlimit() else { return Command::new("git") };
    let mut command = Command::new(prlimit);
    command
        .arg("--core=0")
        .arg(format!("--fsize={}", at_most(Resource::RLIMIT_FSIZE, max_fetch_bytes)))
        .arg(format!("--as={}", at_most(Resource::RLIMIT_AS, MAX_ADDRESS_SPACE)))
        .arg("git");
    command
}

/// Where `prlimit` is. A relative folder of PATH would be looked up in the mirror.
fn prlimit() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let search = || {
        let path = std::env::var_os("PATH")?;
        let mut programs = std::env::split_paths(&path).map(|folder| folder.join("prlimit"));
        programs.find(|program| program.is_absolute() && program.is_file())
    };
    FOUND.get_or_init(search).as_deref()
}

/// `wanted`, or less where this process itself may have no more: a limit is never raised.
fn at_most(resource: Resource, wanted: u64) -> u64 {
    getrlimit(resource).map_or(wanted, |(_, hard)| wanted.min(hard))
}

/// Reads to the end, so that nobody waits for a reader, and keeps the first `limit` bytes.
async fn keep(from: Option<impl AsyncRead + Unpin>, limit: usize, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut part = vec![0; 8 << 10];
    while let Ok(read @ 1..) = from.read(&mut part).await {
        let room = limit.saturating_sub(kept.len());
        kept.extend_from_slice(&part[..read.min(room)]);
    }
}

/// Why git failed: its first `fatal:` line and what was said right before it. Below stands advice.
fn reason(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = lines.iter().position(|line| line.starts_with("fatal:")).map_or(lines.len(), |at| at + 1);
    match &lines[end.saturating_sub(2)..end] {
        [] => "no reason given".to_owned(),
        last => last.join("; ").chars().filter(|c| !c.is_control()).take(300).collect(),
    }
}

/// A ref of the remote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Listed {
    /// Its full name.
    pub name: String,
    /// Where it points.
    pub oid: Oid,
}

impl Listed {
    /// One line of `git ls-remote`, if it names a ref below `prefix`: the pattern that ls-remote takes
    /// matches in the middle of a name as well.
    fn parse(line: &[u8], prefix: &str) -> Option<Self> {
        let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (oid, name) = line.split_once('\t')?;
        let plain = name.starts_with(prefix) && name.len() <= MAX_NAME && git2::Reference::is_valid_name(name);
        let oid = Oid::from_hex(oid.as_bytes()).filter(|_| plain)?;
        Some(Self { name: name.to_owned(), oid })
    }
}

/// Refs of the remote, as far as they were listed.
pub(super) struct Listing {
    /// The refs.
    pub refs: Vec<Listed>,
    /// Whether these are all.
    pub complete: bool,
}

impl Listing {
    /// What `git ls-remote` printed of the refs below `prefix`.
    pub fn parse(printed: &[u8], prefix: &str) -> Self {
        let lines = || printed.split_inclusive(|byte| *byte == b'\n');
        let refs = lines().take(MAX_LISTED).filter_map(|line| Listed::parse(line, prefix)).collect();
        Self { refs, complete: printed.len() < MAX_PRINTED && lines().count() <= MAX_LISTED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[tokio::test]
    async fn what_is_said_beyond_the_limit_is_read_and_dropped() {
        let (said, mut kept) = (vec![b'x'; 100_000], Vec::new());
        let mut reader = said.as_slice();
        keep(Some(&mut reader), 20_000, &mut kept).await;
        assert_eq!((kept.len(), reader.len()), (20_000, 0));
    }

    #[test]
    fn a_listing_keeps_valid_refs_below_the_prefix_only() {
        let printed = format!(
            "{OID}\trefs/a/x\n{OID}\trefs/heads/refs/a/x\n{OID}\trefs/a/y:z\nshort\trefs/a/w\n\
             {OID}\trefs/a/{}\n{OID}\trefs/a/cut",
            "n".repeat(2_000)
        );
        let listing = Listing::parse(printed.as_bytes(), "refs/a/");
        let names: Vec<&str> = listing.refs.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((names, listing.complete), (vec!["refs/a/x"], true));
    }

    #[test]
    fn a_listing_that_was_cut_says_so() {
        let printed: String = (0..=MAX_LISTED).map(|number| format!("{OID}\trefs/a/{number}\n")).collect();
        let listing = Listing::parse(printed.as_bytes(), "refs/a/");
        assert_eq!((listing.refs.len(), listing.complete), (MAX_LISTED, false));
    }
}
