//! `exec`: runs a program that the settings of the host name, pinned by the digest of its file. It gets the message on
//! standard input, no environment of ours, and a process group of its own that ends with the job. What runs is a sealed
//! copy of the bytes that were held against the digest: the file may change in the meantime, the copy cannot. A script
//! therefore does not find itself by `$0`; `PINTLE_PROGRAM` says where it stands.
//!
//! Exit code 0 is done, 75 (EX_TEMPFAIL of sysexits.h) may pass, any other is final.

use super::tools::{Program, find};
use super::{Failure, Tools, message};
use crate::store::work::Work;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use pintle_core::change::Digest;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

const MAX_OUTPUT: u64 = 64 << 10;
/// How long its pipes are read once a program has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a program may take to end after SIGTERM.
const LAST_CHANCE: Duration = Duration::from_secs(5);
const EX_TEMPFAIL: i32 = 75;
/// `memfd_create(2)`, since Linux 6.3.
const MFD_EXEC: nix::libc::c_uint = 0x10;

pub(super) async fn run(tools: &Tools, work: &Work, stop: &CancellationToken) -> Result<String, Failure> {
    let name = work.text("program").unwrap_or_default();
    let program = find(&tools.named.programs, name)
        .ok_or_else(|| Failure::invalid(format!("this host has no program `{name}`: --program")))?;
    let copy = program.sha256.as_deref().map(|pinned| copy(program, pinned)).transpose()?;
    let path = copy.as_ref().map_or_else(|| program.path.clone(), open_file);
    let mut command = Command::new(path);
    command.arg0(&program.path).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("PINTLE_KEY", work.key());
    command.env("PINTLE_PROGRAM", &program.path);
    finish(name, command, message(work).to_string(), stop).await
}

/// A copy of the program that nobody can write to, if it has the digest `pinned`.
fn copy(program: &Program, pinned: &str) -> Result<File, Failure> {
    let bytes = std::fs::read(&program.path)
        .map_err(|error| Failure::invalid(format!("{} cannot be read: {error}", program.path.display())))?;
    if Digest::of(&bytes).to_string() != pinned {
        return Err(Failure::denied(format!("{} is not the file that was pinned", program.path.display())));
    }
    sealed(&bytes).map_err(|error| Failure::during("the program cannot be copied", error))
}

/// A file in memory that never changes again.
fn sealed(bytes: &[u8]) -> std::io::Result<File> {
    let flags = MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC;
    // A host may make such files unfit to be run unless that is asked for; an older kernel does not know the question.
    let executable = MFdFlags::from_bits_retain(MFD_EXEC);
    let opened = memfd_create(c"pinned", flags | executable).or_else(|_| memfd_create(c"pinned", flags))?;
    let mut file = File::from(opened);
    file.write_all(bytes)?;
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

/// Where what is started finds what this process has open, and keeps open until it ends: a script is read by its
/// interpreter.
fn open_file(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Runs `command` with `input`, until it ends or `stop` is cancelled.
pub(super) async fn finish(
    name: &str,
    mut command: Command,
    input: String,
    stop: &CancellationToken,
) -> Result<String, Failure> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| Failure::during(&format!("`{name}` cannot be started"), error))?;
    let group = Group(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let status = {
        let feed = async {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let mut talk = pin!(async { tokio::join!(keep(stdout, &mut said), keep(stderr, &mut complained), feed) });
        let run = async {
            let status = tokio::select! {
                _ = &mut talk => child.wait().await,
                status = child.wait() => {
                    // What it left behind may hold its pipes open.
                    let _ = tokio::time::timeout(LAST_WORDS, &mut talk).await;
                    status
                }
            };
            status
        };
        stop.run_until_cancelled(run).await
    };
    let Some(status) = status else {
        group.end(&mut child).await;
        return Err(Failure::transient(format!("`{name}` was stopped")));
    };
    let status = status.map_err(|error| Failure::during(&format!("`{name}` was lost"), error))?;
    let last = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim()
            .chars()
            .take(300)
            .collect::<String>()
    };
    match status.code() {
        Some(0) => Ok(last(&said)),
        Some(EX_TEMPFAIL) => Err(Failure::transient(format!("`{name}`: {}", last(&complained)))),
        Some(code) => Err(Failure::invalid(format!("`{name}` ended with {code}: {}", last(&complained)))),
        None => Err(Failure::transient(format!("`{name}` was ended by a signal"))),
    }
}

/// Keeps the first bytes of what is said; the rest is read and dropped, so that nobody waits for a reader.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let _ = (&mut stream).take(MAX_OUTPUT).read_to_end(kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// A process and what it started. Dropped, all of it is killed.
struct Group(Option<u32>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.0 {
            let _ = killpg(Pid::from_raw(id as i32), signal);
        }
    }

    async fn end(&self, child: &mut Child) {
        self.signal(Signal::SIGTERM);
        let _ = tokio::time::timeout(LAST_CHANCE, child.wait()).await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
