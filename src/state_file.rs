//! The state file: how far this host has accepted, apart from the database, so that a restored backup
//! is noticed. One JSON line and its SHA-256, written to a new file, fsynced, renamed.

use pintle_core::change::{Digest, Oid};
use pintle_core::trust::{Acceptance, Introduction};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file cannot be used, or contradicts the database. Nothing is applied until a person has looked.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("the state file {path} cannot be {action}")]
    Io {
        /// Where.
        path: String,
        /// `read` or `written`.
        action: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It is not what was written.
    #[error(
        "the state file {0} is corrupt: restore it, or move it away to have everything derived again from the introduction"
    )]
    Corrupt(String),
    /// It is of another introduction.
    #[error("the state file {0} is of another repository or introduction: give this daemon a state folder of its own")]
    Foreign(String),
    /// The database knows less than this host accepted.
    #[error(
        "the database stands at accepted commit {database}, but this host accepted {file}: was a backup restored? pintle recover --reason TEXT shows both; with --yes this host goes on from the database ({path})"
    )]
    Behind {
        /// The database's last sequence number.
        database: u64,
        /// The file's.
        file: u64,
        /// Where.
        path: String,
    },
    /// The database tells another history.
    #[error(
        "the database says that accepted commit {seq} is {database}, this host says {file}: hold until a person has looked: pintle recover --reason TEXT"
    )]
    Forked {
        /// The sequence number.
        seq: u64,
        /// What the database says.
        database: Oid,
        /// What the file says.
        file: Oid,
    },
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct State {
    format_version: String,
    introduction: Introduction,
    seq: u64,
    commit: Oid,
    /// What the tree of a commit meant to the Pintle that was here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
}

/// What a tree meant.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Reading {
    /// The commit whose tree it is.
    pub commit: Oid,
    /// Every document and file of it.
    pub digest: Digest,
}

/// The state file of one daemon.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    introduction: Introduction,
}

impl StateFile {
    /// The file in `folder`.
    pub fn of(folder: &Path, introduction: &Introduction) -> Self {
        Self { path: folder.join("accepted.json"), introduction: introduction.clone() }
    }

    /// Holds the database's records against the file: up to which step this host wrote down itself what
    /// was accepted. A missing file says nothing; a database that is ahead is derived again from the
    /// objects by trust.
    pub fn check(&self, records: &[Acceptance]) -> Result<Option<u64>, StateError> {
        let Some(state) = self.read()? else { return Ok(None) };
        let path = || self.path.display().to_string();
        if state.introduction != self.introduction {
            return Err(StateError::Foreign(path()));
        }
        match records.iter().find(|record| record.seq == state.seq) {
            None => Err(StateError::Behind {
                database: records.last().map_or(0, |last| last.seq),
                file: state.seq,
                path: path(),
            }),
            Some(record) if record.commit != state.commit => {
                Err(StateError::Forked { seq: state.seq, database: record.commit, file: state.commit })
            }
            Some(_) => Ok(Some(state.seq)),
        }
    }

    /// How far this host has accepted, whatever the database says: sequence number and commit.
    pub fn stands_at(&self) -> Result<Option<(u64, Oid)>, StateError> {
        Ok(self.read()?.map(|state| (state.seq, state.commit)))
    }

    /// Writes down that `last` is accepted. Called after the database has it.
    pub fn write(&self, last: &Acceptance) -> Result<(), StateError> {
        self.put(last.seq, last.commit, self.reading().unwrap_or(None))
    }

    /// What the accepted tree meant when it was last written down here.
    pub fn reading(&self) -> Result<Option<Reading>, StateError> {
        Ok(self.read()?.and_then(|state| state.reading))
    }

    /// Writes down what the accepted tree means; `None` forgets it.
    pub fn write_reading(&self, reading: Option<Reading>) -> Result<(), StateError> {
        match self.read()? {
            Some(state) => self.put(state.seq, state.commit, reading),
            None => Ok(()),
        }
    }

    fn put(&self, seq: u64, commit: Oid, reading: Option<Reading>) -> Result<(), StateError> {
        let introduction = self.introduction.clone();
        let state = State { format_version: "1.0".into(), introduction, seq, commit, reading };
        let line = serde_json::to_string(&state).unwrap_or_default();
        let text = format!("{line}\n{}\n", Digest::of(line.as_bytes()));
        replace(&self.path, text.as_bytes()).map_err(|source| self.io("written", source))
    }

    /// Forgets how far this host has accepted: everything is derived again.
    pub fn forget(&self) -> Result<(), StateError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.io("removed", error)),
            _ => Ok(()),
        }
    }

    fn read(&self) -> Result<Option<State>, StateError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io("read", source)),
        };
        let corrupt = || StateError::Corrupt(self.path.display().to_string());
        let (line, digest) = text.trim_end().split_once('\n').ok_or_else(corrupt)?;
        if digest != Digest::of(line.as_bytes()).to_string() {
            return Err(corrupt());
        }
        serde_json::from_str(line).map(Some).map_err(|_| corrupt())
    }

    fn io(&self, action: &'static str, source: std::io::Error) -> StateError {
        StateError::Io { path: self.path.display().to_string(), action, source }
    }
}

/// Writes a whole file at once: a new one, fsynced, renamed over the old.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduction() -> Introduction {
        Introduction {
            repo_id: "r".into(),
            git_ref: "refs/heads/main".into(),
            commit: Oid([1; 20]),
            policy_sha256: Digest([2; 32]),
        }
    }

    fn record(seq: u64, commit: u8) -> Acceptance {
        serde_json::from_value(serde_json::json!({
            "commit": Oid([commit; 20]), "seq": seq, "changeId": Digest([0; 32]), "policyVersion": 1,
            "acceptedAt": "2026-01-01T00:00:00Z", "counted": [], "evidence": [],
        }))
        .unwrap()
    }

    fn file(folder: &tempfile::TempDir) -> StateFile {
        StateFile::of(folder.path(), &introduction())
    }

    #[test]
    fn a_missing_file_says_nothing_and_a_written_one_agrees() {
        let folder = tempfile::tempdir().unwrap();
        file(&folder).check(&[]).unwrap();
        file(&folder).write(&record(2, 7)).unwrap();
        file(&folder).check(&[record(1, 1), record(2, 7), record(3, 8)]).unwrap();
    }

    #[test]
    fn a_database_that_is_behind_or_forked_is_told() {
        let folder = tempfile::tempdir().unwrap();
        file(&folder).write(&record(2, 7)).unwrap();
        assert!(matches!(file(&folder).check(&[record(1, 1)]), Err(StateError::Behind { database: 1, file: 2, .. })));
        assert!(matches!(file(&folder).check(&[record(1, 1), record(2, 9)]), Err(StateError::Forked { seq: 2, .. })));
    }

    #[test]
    fn a_file_of_another_introduction_or_with_a_flipped_byte_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        file(&folder).write(&record(2, 7)).unwrap();
        let other = Introduction { repo_id: "s".into(), ..introduction() };
        assert!(matches!(StateFile::of(folder.path(), &other).check(&[]), Err(StateError::Foreign(_))));
        let path = folder.path().join("accepted.json");
        let text = std::fs::read_to_string(&path).unwrap().replacen("\"seq\":2", "\"seq\":1", 1);
        std::fs::write(&path, text).unwrap();
        assert!(matches!(file(&folder).check(&[]), Err(StateError::Corrupt(_))));
    }
}
