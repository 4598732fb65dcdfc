//! What cannot be undone: the removal of a row. Its transaction locks where the repository stands, and
//! removes nothing if the accepted commit moved, a newer tip was fetched, the remote has not answered for
//! a while, or the plan is older than the leader's term.

use super::claim::Job;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;

/// How old the last answer of the remote may be: a restored document may be waiting there.
const FRESH: &str = "15 minutes";

/// Takes the source's row so that no verdict is recorded before this transaction ends.
const STANDS: &str = "SELECT s.id, s.seen_tip, s.fetched_tip, a.commit, a.seq,
        s.fetched_at > clock_timestamp() - $2::interval AND s.fetched_at > l.since AS fresh,
        ARRAY(SELECT p.id FROM pintle.plans p WHERE p.source_id = s.id AND p.id = ANY($3) AND p.made_at > l.since) AS current
    FROM pintle.sources s CROSS JOIN pintle.leader l
    JOIN LATERAL (SELECT commit, seq FROM pintle.accepted_commits WHERE source_id = s.id ORDER BY seq DESC LIMIT 1) a ON true
    WHERE s.id = ANY($1) FOR SHARE OF s";

/// Where the sources of some jobs stand.
pub(super) struct Removable {
    sources: BTreeMap<String, Stand>,
}

struct Stand {
    seq: i64,
    /// Whether the accepted commit is the newest that was fetched, not long ago.
    at_tip: bool,
    /// Plans made in this term.
    current: Vec<i64>,
}

impl Removable {
    /// Locks and reads it.
    pub async fn of(tx: &mut PgConnection, jobs: &[Job]) -> Result<Self, sqlx::Error> {
        let sources: Vec<&str> = jobs.iter().map(|job| job.source.as_str()).collect();
        let plans: Vec<i64> = jobs.iter().map(|job| job.plan).collect();
        let mut found = BTreeMap::new();
        for row in sqlx::query(STANDS).bind(sources).bind(FRESH).bind(plans).fetch_all(tx).await? {
            let tip: Option<String> = row.try_get("seen_tip")?;
            let commit: String = row.try_get("commit")?;
            let fresh: Option<bool> = row.try_get("fresh")?;
            let fetched: Option<String> = row.try_get("fetched_tip")?;
            let at_tip = fetched.is_none_or(|fetched| fetched == commit) && tip == Some(commit) && fresh == Some(true);
            let stand = Stand { seq: row.try_get("seq")?, at_tip, current: row.try_get("current")? };
            found.insert(row.try_get("id")?, stand);
        }
        Ok(Self { sources: found })
    }

    /// Whether the row of `job` may be removed now.
    pub fn has(&self, job: &Job) -> bool {
        let stand = self.sources.get(&job.source);
        stand.is_some_and(|stand| stand.seq == job.seq && stand.at_tip && stand.current.contains(&job.plan))
    }
}
