//! What the commands that look share: which database, which moment, which person.

use super::CliError;
use crate::store::audit::AuditWriter;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Span, Timestamp};
use uuid::Uuid;

/// Which database.
#[derive(Debug, Clone, clap::Args)]
pub struct Database {
    /// Postgres; reading suffices to look
    #[arg(long, env = "PINTLE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

impl Database {
    /// The store, when its schema is one that this Pintle knows.
    pub(super) async fn open(&self) -> Result<Store, CliError> {
        let Some(url) = &self.database_url else {
            return Err(CliError::new("no database is named")
                .hint("--database-url URL or PINTLE_DATABASE_URL; after pintle dev --dir DIR: . DIR/env"));
        };
        let store = Store::open(url, 2)?;
        store.check_schema().await?;
        Ok(store)
    }
}

/// Says what to do when the database refuses a write to a role that only reads.
pub(super) fn writing(error: StoreError) -> CliError {
    if error.code().as_deref() == Some("42501") {
        return CliError::because("this database user may only read", error)
            .hint("use one that may become pintle_engine");
    }
    error.into()
}

/// Does what an operator asks for, with a writer for its record.
pub(super) async fn as_operator<T>(
    store: &Store,
    work: impl AsyncFnOnce(&AuditWriter) -> Result<T, StoreError>,
) -> Result<T, CliError> {
    let writer = store.audit_writer(Uuid::now_v7()).await.map_err(writing)?;
    let done = work(&writer).await;
    store.end_audit_writer(writer).await.map_err(writing)?;
    done.map_err(writing)
}

/// The person at this terminal, as the operating system knows them.
pub(super) fn os_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    let host =
        nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned());
    format!("{user}@{host}")
}

/// A moment as people write it: `2026-11-23T09:00:00Z`, `2026-11-23`, or how long ago: `2h`, `7d`.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return day.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    let past = duration(text).map_err(|_| {
        "expected a moment such as 2026-11-23T09:00:00Z or 2026-11-23, or how long ago, such as 2h or 7d".to_owned()
    })?;
    Timestamp::now().checked_sub(past).map_err(|error| error.to_string())
}

/// A length of time: `90s`, `30m`, `2h`, `7d`.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "expected a length of time such as 90s, 30m, 2h or 7d".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    if length.is_negative() { Err(wrong()) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("1h 30m", 5400)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "soon", "-3h", "12"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_dates_times_and_ages() {
        assert_eq!(moment("2026-11-23"), moment("2026-11-23T00:00:00Z"));
        assert!(moment("2h").unwrap() < Timestamp::now());
        assert!(moment("yesterday-ish").is_err());
    }
}
