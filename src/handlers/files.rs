//! Files that appear whole or not at all.

use super::Failure;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A tick in a file's name: no `:`, sorted by time.
pub(super) fn stamp(tick: jiff::Timestamp) -> String {
    tick.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Writes `folder/name` by `write`, to the disk, and then under its name. The same name is written over.
pub(super) fn whole(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut std::io::BufWriter<&std::fs::File>) -> std::io::Result<()>,
) -> Result<PathBuf, Failure> {
    let place = folder.join(name);
    let failed = |error: std::io::Error| Failure::during(&format!("{} cannot be written", place.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let partial = folder.join(format!(".{name}.partial"));
    let file = std::fs::File::create(&partial).map_err(failed)?;
    let mut buffer = std::io::BufWriter::new(&file);
    write(&mut buffer).and_then(|()| buffer.flush()).map_err(failed)?;
    drop(buffer);
    file.sync_all().map_err(failed)?;
    std::fs::rename(&partial, &place).map_err(failed)?;
    Ok(place)
}
