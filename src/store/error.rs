//! What can go wrong in Postgres, sorted by what to do about it.

use std::borrow::Cow;

/// A failed operation on the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server did not answer, or the connection broke.
    #[error("Postgres cannot be reached to {operation}")]
    Unreachable {
        /// What was attempted.
        operation: &'static str,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The server refused the statement.
    #[error("Postgres refused to {operation}")]
    Refused {
        /// What was attempted.
        operation: &'static str,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// Another process leads now: whatever was about to be written is not.
    #[error("this process no longer leads")]
    NotLeader,
    /// The audit writer's lease ran out, and its slot is another's: nothing was written.
    #[error("the audit writer's slot is leased to another process")]
    WriterLost,
    /// What was seen did not hold any more when it was to be written, time and again.
    #[error("others were always faster to {0}")]
    Overtaken(&'static str),
    /// Another plan became current in between.
    #[error("another plan became current in between")]
    StalePlan,
    /// The schema is of a newer Pintle, or was changed by hand.
    #[error("the database's schema is newer than this pintle knows (migration {0})")]
    NewerSchema(i64),
    /// The schema is of an older Pintle, or there is none.
    #[error("the database's schema is older than this pintle: {0} migrations are missing")]
    OlderSchema(usize),
    /// A stored value cannot be read back.
    #[error("a stored {what} cannot be read back")]
    Corrupt {
        /// Which.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Sorts `source`, met while trying to `operation`.
    pub fn during(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match &source {
            sqlx::Error::Database(database) if !is_outage(database.code()) => Self::Refused { operation, source },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Refused { operation, source }
            }
            _ => Self::Unreachable { operation, source },
        }
    }

    /// The SQLSTATE, if the server gave one.
    pub fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Refused { source, .. } | Self::Unreachable { source, .. } => source.as_database_error()?.code(),
            _ => None,
        }
    }

    /// Whether trying the same again may succeed at once: serialization failure or deadlock.
    pub fn is_contention(&self) -> bool {
        matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Whether the data itself were refused: constraint, type, or one of our own triggers.
    pub fn is_data(&self) -> bool {
        self.code()
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code == "PN001" || code == "PN003")
    }

    /// Whether the server is away rather than of another opinion.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// What to do about it, for people.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NewerSchema(_) => Some("run the pintle that migrated it, or a newer one; this one will not touch it"),
            Self::OlderSchema(_) => Some("pintle migrate --database-url … (as the owner)"),
            Self::Unreachable { .. } => Some("check --database-url and that the server runs (pintle doctor)"),
            _ => None,
        }
    }
}

/// Connection exceptions, shutdown, start-up, too many connections: the server is going or not yet there.
fn is_outage(code: Option<Cow<'_, str>>) -> bool {
    code.is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "53300")
}
