//! What a tick is given, what it gives back, and why it could not be finished.

use crate::freshness::Freshness;
use crate::limits::Caps;
use crate::source::{FetchError, LoadError};
use crate::state_file::StateError;
use crate::store::StoreError;
use crate::store::enqueue::Enqueued;
use pintle_core::change::Oid;
use pintle_core::diagnostic::Code;
use pintle_core::gate::Refusal;
use pintle_core::model::guard::Notice;
use pintle_core::trust::ChangeError;
use std::path::Path;

/// A tick could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// Git.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The mirror cannot be opened.
    #[error("the mirror cannot be opened")]
    Mirror(#[source] git2::Error),
    /// The accepted tree cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan may not be enqueued.
    #[error("the plan is refused: {0}")]
    Refused(#[from] Refusal),
    /// The state file cannot be used, or contradicts the database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The guard of an accepted commit cannot be read: nothing is admitted.
    #[error("the guard of {0} cannot be read")]
    Guard(Oid, #[source] git2::Error),
    /// What the accepted tree means cannot be told: nothing goes on before it can.
    #[error("{code}: what the accepted {0} means cannot be told", code = Code::ReadDifferently)]
    Unreadable(Oid, #[source] ChangeError),
    /// The verifier panicked: that means deny.
    #[error("the verifier panicked on {0}; the tip is held")]
    Verifier(Oid),
}

/// What one tick did.
#[derive(Debug, Default)]
pub struct Tick {
    /// The tip that was seen.
    pub tip: Option<Oid>,
    /// The newest accepted commit.
    pub accepted: Option<Oid>,
    /// Whether the tip is held or refused.
    pub held: bool,
    /// What went to the ledger.
    pub enqueued: Enqueued,
    /// How many objects differ from what is declared because someone else changed them.
    pub drifted: usize,
    /// Whether everything is as declared, and nothing is on its way.
    pub settled: bool,
    /// Whether planning was put off, because what was enqueued is under way.
    pub put_off: bool,
    /// Who is told, as far as that is known.
    pub notices: Option<Vec<Notice>>,
}

/// What a host brings of its own.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// Where it keeps what it knows itself.
    pub state_dir: &'a Path,
    /// How much work one verdict may take.
    pub caps: Caps,
    /// When silence and standstill become alarms.
    pub freshness: Freshness,
}
