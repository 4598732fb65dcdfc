//! Records as columns: what the log's table takes, a record a row.

use pintle_core::audit::{Draft, Place, leaf};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use std::fmt::Write;
use uuid::Uuid;

/// Parameters that [`Columns::bind`] binds.
const PARAMETERS: usize = 14;
/// Of which kind they are, in the order of the columns.
const TYPES: [&str; PARAMETERS] = [
    "uuid", "bigint", "bytea", "bytea", "bytea", "text", "text", "text", "text", "text", "text", "text", "bigint",
    "text",
];

#[derive(Default)]
pub(super) struct Columns<'a> {
    id: Vec<Uuid>,
    seq: Vec<i64>,
    leaf: Vec<Vec<u8>>,
    salt: Vec<Option<Vec<u8>>>,
    sealed: Vec<Option<Vec<u8>>>,
    stage: Vec<&'a str>,
    actor: Vec<&'a str>,
    action: Vec<&'a str>,
    resource_kind: Vec<Option<&'a str>>,
    resource_name: Vec<Option<&'a str>>,
    partner: Vec<Option<&'a str>>,
    commit: Vec<Option<&'a str>>,
    job: Vec<Option<i64>>,
    outcome: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    /// `drafts`, each at the place that `place` gives it.
    pub fn of(drafts: &'a [Draft], place: impl Fn(usize) -> Place) -> Self {
        let mut columns = Self::default();
        for (at, draft) in drafts.iter().enumerate() {
            let place = place(at);
            let bytes = leaf(draft, place);
            columns.id.push(draft.id);
            columns.seq.push(place.seq);
            columns.leaf.push(bytes.leaf);
            columns.salt.push(bytes.sealed.is_some().then(|| place.salt.to_vec()));
            columns.sealed.push(bytes.sealed);
            columns.stage.push(draft.stage.as_str());
            columns.actor.push(&draft.actor.id);
            columns.action.push(&draft.action);
            columns.resource_kind.push(draft.resource.as_ref().map(|(key, _)| &*key.kind));
            columns.resource_name.push(draft.resource.as_ref().map(|(key, _)| &*key.name));
            columns.partner.push(draft.partner.as_deref());
            columns.commit.push(draft.git.as_ref().map(|git| git.commit.as_str()));
            columns.job.push(draft.job.as_ref().map(|job| job.id));
            columns.outcome.push(draft.outcome.status);
        }
        columns
    }

    /// Statement text: writes them as of the time and the writer that are the parameters `time` and `writer`; they are
    /// those from `from` on. Arrays are unnested side by side in the list of what is selected: as functions to select
    /// from, each would be written down first.
    pub fn sql(time: usize, writer: usize, from: usize) -> String {
        let mut sql = format!(
            "INSERT INTO pintle.audit_logs
    (recorded_at, writer, id, seq, leaf, salt, sealed, stage, actor, action, resource_kind, resource_name, partner, commit, job_id, outcome)
    SELECT to_timestamp(${time}::bigint / 1000000.0), ${writer}"
        );
        for (at, of) in TYPES.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(sql, ", unnest(${}::{of}[])", from + at);
        }
        sql
    }

    pub fn bind<'q>(self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>
    where
        'a: 'q,
    {
        query
            .bind(self.id)
            .bind(self.seq)
            .bind(self.leaf)
            .bind(self.salt)
            .bind(self.sealed)
            .bind(self.stage)
            .bind(self.actor)
            .bind(self.action)
            .bind(self.resource_kind)
            .bind(self.resource_name)
            .bind(self.partner)
            .bind(self.commit)
            .bind(self.job)
            .bind(self.outcome)
    }
}
