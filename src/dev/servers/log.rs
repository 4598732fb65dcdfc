//! The log of one server process.
//!
//! Owns its file and its last lines. Refuses to grow over restarts: a start begins it anew and
//! keeps only the run before.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const TAIL_BYTES: u64 = 8 * 1024;
const TAIL_LINES: usize = 20;

/// Keeps the log of the run before, so that a restart does not destroy the evidence.
pub(super) fn fresh(path: &Path) -> io::Result<File> {
    match fs::rename(path, path.with_extension("log.previous")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create(path),
    }
}

pub(super) fn tail(path: &Path) -> String {
    let text = last_bytes(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn last_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
