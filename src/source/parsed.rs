//! What blobs were found to hold, in a file beside the mirror: a restart parses what it has not parsed before. Losing the
//! file costs time only. It is of one build of Pintle; another one, or a file that was cut or changed, is as good as none.
//!
//! Objects of the mirror are checked against their names; what is said of them here is not. So the file is sealed under a
//! key that the database keeps: who can write to the folder alone makes no documents.

use super::folders::Found;
use hmac::{Hmac, KeyInit, Mac};
use pintle_core::change::{Digest, Oid};
use pintle_core::parse::{ParsedFile, keep, recall};
use sha2::Sha256;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is not read whatever it is: a fleet of a million documents is smaller.
const MAX_BYTES: u64 = 4 << 30;
const SEAL: usize = 32;

/// Parsed files by blob.
pub type Parsed = HashMap<Oid, Arc<ParsedFile>>;

/// The file.
#[derive(Debug, Clone)]
pub struct ParsedCache {
    path: PathBuf,
    key: [u8; 16],
    build: Digest,
}

impl ParsedCache {
    /// The one in `folder`, sealed under `key`.
    pub fn in_folder(folder: &Path, key: [u8; 16]) -> Self {
        Self { path: folder.join("parsed.cache"), key, build: build() }
    }

    fn seal(&self) -> Option<Hmac<Sha256>> {
        Hmac::new_from_slice(&self.key).ok()
    }

    /// What it holds.
    pub fn read(&self) -> Parsed {
        self.sound().unwrap_or_default()
    }

    fn sound(&self) -> Option<Parsed> {
        if std::fs::metadata(&self.path).ok()?.len() > MAX_BYTES {
            return None;
        }
        let bytes = std::fs::read(&self.path).ok()?;
        let (bytes, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let records = bytes.strip_prefix(&self.build.0[..])?;
        self.seal()?.chain_update(bytes).verify_slice(seal).ok()?;
        in_parts(records)
    }

    /// Writes what `files` were found to hold.
    pub fn write(&self, files: &[Arc<Found>]) -> std::io::Result<()> {
        let next = self.path.with_extension("next");
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        let Some(seal) = self.seal() else { return Ok(()) };
        let mut out = Sealed { out: BufWriter::new(file), seal };
        out.write(&self.build.0)?;
        let mut record = Vec::new();
        for (blob, parsed) in files.iter().filter_map(|file| Some((file.blob, file.parsed.get()?))) {
            record.clear();
            if keep(parsed, &mut record) {
                out.write(&blob.0)?;
                out.write(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes())?;
                out.write(&record)?;
            }
        }
        out.end()?;
        std::fs::rename(next, &self.path)
    }
}

/// A writer that seals what went through it.
struct Sealed {
    out: BufWriter<File>,
    seal: Hmac<Sha256>,
}

impl Sealed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.seal.update(bytes);
        self.out.write_all(bytes)
    }

    fn end(mut self) -> std::io::Result<()> {
        self.out.write_all(&self.seal.finalize().into_bytes())?;
        self.out.flush()
    }
}

/// Reads records on all cores.
fn in_parts(mut bytes: &[u8]) -> Option<Parsed> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (blob, rest) = bytes.split_at_checked(20)?;
        let (length, rest) = rest.split_at_checked(4)?;
        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(length.try_into().ok()?) as usize)?;
        records.push((Oid::from_bytes(blob)?, record));
        bytes = rest;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = records.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let read = |part: &[(Oid, &[u8])]| -> Option<Vec<(Oid, Arc<ParsedFile>)>> {
            part.iter().map(|(blob, record)| Some((*blob, Arc::new(recall(record)?)))).collect()
        };
        let running: Vec<_> = records.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
        let mut parsed = Parsed::with_capacity(records.len());
        for one in running {
            parsed.extend(one.join().ok()??);
        }
        Some(parsed)
    })
}

/// What tells this program from another that may read documents otherwise.
fn build() -> Digest {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let of_file = file.map(|file| (file.len(), file.mtime(), file.mtime_nsec(), file.ino())).ok();
    Digest::of(format!("1 {} {of_file:?}", env!("CARGO_PKG_VERSION")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::parse::parse_file;
    use std::sync::OnceLock;

    fn found(number: u8, text: &str) -> Arc<Found> {
        let parsed = OnceLock::from(Arc::new(parse_file(text.as_bytes())));
        Arc::new(Found { path: format!("{number}.yaml").into(), blob: Oid([number; 20]), regular: true, parsed })
    }

    fn suite(name: &str) -> String {
        format!("apiVersion: pintle/v1\nkind: Suite\nmetadata: {{name: {name}}}\nspec: {{displayName: S}}\n")
    }

    #[test]
    fn what_was_written_is_read_and_nothing_of_it_under_another_key_or_when_a_byte_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ParsedCache::in_folder(folder.path(), [7; 16]);
        assert!(cache.read().is_empty(), "there is none yet");
        let files = [found(1, &suite("a")), found(2, &suite("b")), found(3, "kind: [\n")];
        cache.write(&files).unwrap();
        let read = cache.read();
        assert_eq!(read.len(), 2, "what has mistakes is not kept");
        assert_eq!(read[&Oid([2; 20])].documents, files[1].parsed.get().unwrap().documents);
        assert!(ParsedCache::in_folder(folder.path(), [8; 16]).read().is_empty());
        let path = folder.path().join("parsed.cache");
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert!(cache.read().is_empty(), "byte {at}");
        }
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(cache.read().is_empty());
    }
}
