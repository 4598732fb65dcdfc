//! Leadership: one row, one token. Every write of the leader locks the row by its token first, so
//! a takeover waits for the write or the write finds another token and does nothing.

use super::{Store, StoreError};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Transaction};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a silent leader is believed, by the database's clock.
pub const LEASE: Duration = Duration::from_secs(15);
/// How long the leader itself believes it, by its own monotonic clock: less, by a margin.
const BELIEVED: Duration = Duration::from_secs(12);

/// Proof of having been elected. Only [`Store::lead`] makes one; the database checks it at each use.
#[derive(Debug, Clone)]
pub struct LeaderProof {
    token: Uuid,
    term: i64,
    believed_until: Instant,
}

impl LeaderProof {
    /// Which leadership: another has another.
    pub(super) fn token(&self) -> Uuid {
        self.token
    }

    /// The term, for people: it grows with each takeover.
    pub fn term(&self) -> i64 {
        self.term
    }

    /// Whether the lease can still be relied on without asking.
    pub fn is_fresh(&self) -> bool {
        Instant::now() < self.believed_until
    }
}

impl Store {
    /// Takes the lease if nobody holds it.
    pub async fn lead(&self, holder: &str) -> Result<Option<LeaderProof>, StoreError> {
        let asked = Instant::now();
        let token = Uuid::new_v4();
        let term: Option<i64> = sqlx::query_scalar(
            "INSERT INTO pintle.leader AS l (token, holder, term, expires_at)
             VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
             ON CONFLICT (singleton) DO UPDATE SET token = $1, holder = $2, term = l.term + 1, since = clock_timestamp(),
                 expires_at = clock_timestamp() + make_interval(secs => $3)
             WHERE l.expires_at < clock_timestamp() RETURNING term",
        )
        .bind(token)
        .bind(holder)
        .bind(LEASE.as_secs_f64())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("take the lead"))?;
        Ok(term.map(|term| LeaderProof { token, term, believed_until: asked + BELIEVED }))
    }

    /// Holds the lease longer.
    pub async fn renew(&self, proof: &mut LeaderProof) -> Result<(), StoreError> {
        let asked = Instant::now();
        let renewed = sqlx::query(
            "UPDATE pintle.leader SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE token = $1",
        )
        .bind(proof.token)
        .bind(LEASE.as_secs_f64())
        .execute(&self.pool)
        .await
        .map_err(StoreError::during("renew the lead"))?;
        if renewed.rows_affected() == 0 {
            return Err(StoreError::NotLeader);
        }
        proof.believed_until = asked + BELIEVED;
        Ok(())
    }

    /// Whether the database is another cluster than it was, or goes on on another timeline: it may lack what was
    /// acknowledged. Numbers go on past a margin then, so that none is given away twice. Said once.
    pub async fn has_moved(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT pintle.know_cluster()")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::during("ask which cluster this is"))
    }

    /// Lets go of the lease, so that another need not wait for it to expire.
    pub async fn resign(&self, proof: &LeaderProof) -> Result<(), StoreError> {
        sqlx::query("UPDATE pintle.leader SET expires_at = clock_timestamp() WHERE token = $1")
            .bind(proof.token)
            .execute(&self.pool)
            .await
            .map_err(StoreError::during("resign"))?;
        Ok(())
    }

    /// The same for what is derived again after a crash of the server: it is seen by everyone at once,
    /// and not waited for on its way to the disk. Whatever is committed after it, and waited for, takes it along.
    pub(super) async fn begin_derived(
        &self,
        proof: &LeaderProof,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin_proven(
            proof,
            "SELECT set_config('synchronous_commit', 'off', true) FROM pintle.leader WHERE token = $1 FOR KEY SHARE",
        )
        .await
    }

    /// One such statement, in a transaction of its own.
    pub(super) async fn write_derived(
        &self,
        proof: &LeaderProof,
        what: &'static str,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_derived(proof).await?;
        statement.execute(&mut *tx).await.map_err(StoreError::during(what))?;
        tx.commit().await.map_err(StoreError::during(what))
    }

    /// A transaction that commits only under this leader.
    pub(super) async fn begin_as(&self, proof: &LeaderProof) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin_proven(proof, "SELECT 1 FROM pintle.leader WHERE token = $1 FOR KEY SHARE").await
    }

    async fn begin_proven(
        &self,
        proof: &LeaderProof,
        lock: &'static str,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        if !proof.is_fresh() {
            return Err(StoreError::NotLeader);
        }
        let mut tx = self.begin().await.map_err(StoreError::during("begin"))?;
        let held = sqlx::query(lock)
            .bind(proof.token)
            .fetch_optional(&mut *tx)
            .await
            .map_err(StoreError::during("prove the lead"))?;
        held.map(|_| tx).ok_or(StoreError::NotLeader)
    }
}
