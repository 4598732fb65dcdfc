//! A clock of a daemon that can be set: the wall clock alone, by libfaketime; what measures spans goes on.

use std::path::{Path, PathBuf};

/// The clock of one process.
pub struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// One that shows the time, until it is set.
    pub fn new(folder: &Path, name: &str) -> Self {
        let folders = std::fs::read_dir("/usr/lib").unwrap();
        let mut libraries = folders.map(|folder| folder.unwrap().path().join("faketime/libfaketime.so.1"));
        let library = libraries.find(|library| library.exists()).expect("apt-get install libfaketime");
        let clock = Self { file: folder.join(format!("{name}.clock")), library };
        clock.set(0);
        clock
    }

    /// Shows the time and `seconds` from now on.
    pub fn set(&self, seconds: i64) {
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    /// What a process needs to look at it.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        vec![
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}
