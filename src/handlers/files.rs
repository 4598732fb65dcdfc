//! Files that appear whole or not at all.

use super::Failure;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A tick in a file's name: no `:`, sorted by time.
pub(super) fn stamp(tick: jiff::Timestamp) -> String {
    tick.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A file on its way to its name. Dropped before that, it leaves nothing.
pub(super) struct Partial {
    place: PathBuf,
    partial: PathBuf,
}

impl Partial {
    /// For `folder/name`, by somebody that `mark` tells from everybody else who may be at the same file.
    pub fn new(folder: &Path, name: &str, mark: &str) -> Result<Self, Failure> {
        let place = folder.join(name);
        std::fs::create_dir_all(folder).map_err(|error| unwritable(&place, error))?;
        Ok(Self { partial: folder.join(format!(".{name}.{mark}.partial")), place })
    }

    /// Where it is written to.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Opens it for writing.
    pub fn open(&self) -> Result<BufWriter<File>, Failure> {
        File::create(&self.partial).map(BufWriter::new).map_err(|error| unwritable(&self.place, error))
    }

    /// On the disk, and then under its name; one of that name is written over.
    pub fn finish(self) -> Result<PathBuf, Failure> {
        let done = File::open(&self.partial).and_then(|file| file.sync_all());
        done.and_then(|()| std::fs::rename(&self.partial, &self.place))
            .map_err(|error| unwritable(&self.place, error))?;
        Ok(self.place.clone())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// Writes `text` to `folder/name`.
pub(super) fn whole(folder: &Path, name: &str, mark: &str, text: &[u8]) -> Result<PathBuf, Failure> {
    let partial = Partial::new(folder, name, mark)?;
    let mut file = partial.open()?;
    file.write_all(text).and_then(|()| file.flush()).map_err(|error| unwritable(&folder.join(name), error))?;
    partial.finish()
}

pub(super) fn unwritable(place: &Path, error: std::io::Error) -> Failure {
    Failure::during(&format!("{} cannot be written", place.display()), error)
}
