//! Connections and the schema's version. Runs as the engine role, which owns nothing.

use super::StoreError;
use super::held::HeldConnection;
use super::schedules::Remembered;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres, Transaction};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The migrations, in the binary.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a statement may take. Shorter than a takeover, so that a stopped leader's transaction
/// is over before another leads.
pub const STATEMENT_TIMEOUT_MS: u64 = 10_000;

/// Whether a connection that was not used for as long still stands is asked.
pub(super) const IDLE: Duration = Duration::from_millis(500);

/// A pool of connections in the engine role.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) pool: PgPool,
    pub(super) remembered: Arc<Mutex<Remembered>>,
    /// What the leader's ticks are written through.
    pub(super) firing: Arc<HeldConnection>,
}

impl Store {
    /// Connects lazily: an absent server is met by the first statement, not here.
    pub fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(StoreError::during("read the database URL"))?
            .application_name("pintle")
            .options([
                ("statement_timeout", STATEMENT_TIMEOUT_MS.to_string()),
                ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT_MS.to_string()),
                ("lock_timeout", "5000".to_owned()),
                // Five hundred rows are found by their keys, also where the table is small enough to be read.
                ("random_page_cost", "1.1".to_owned()),
                // Compiling a statement takes longer than any of ours.
                ("jit", "off".to_owned()),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // Asking each time whether the connection still stands costs a round trip; one that was just used does.
            .test_before_acquire(false)
            .before_acquire(|connection, seen| Box::pin(still_stands(connection, seen.idle_for)))
            .after_connect(|connection, _| Box::pin(async move { become_engine(connection).await }))
            .connect_lazy_with(options);
        Ok(Self { pool, remembered: Arc::default(), firing: Arc::default() })
    }

    /// The pool, for listeners.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A transaction. Who stops waiting for it leaves none behind: sqlx notes one only when Postgres has answered, and would put
    /// a connection that was cut off before back into the pool in the middle of it. What others wrote there next would have an
    /// answer, hold its locks, and never be committed.
    #[expect(clippy::disallowed_methods, reason = "to its end")]
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = self.pool.clone();
        to_its_end(async move { pool.begin().await }).await
    }

    /// The same for reading, from one snapshot.
    #[expect(clippy::disallowed_methods, reason = "to its end")]
    pub(super) async fn begin_reading(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = self.pool.clone();
        to_its_end(async move { pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await }).await
    }

    /// Refuses a schema that this binary does not know.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM pintle.migrations_applied()")
            .fetch_all(&self.pool)
            .await
            .or_else(|error| if missing(&error) { Ok(Vec::new()) } else { Err(error) })
            .map_err(StoreError::during("read the schema's version"))?;
        let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        if let Some(foreign) = applied.iter().find(|version| !known.contains(version)) {
            return Err(StoreError::NewerSchema(*foreign));
        }
        match known.len() - applied.len() {
            0 => Ok(()),
            missing => Err(StoreError::OlderSchema(missing)),
        }
    }
}

/// Brings the schema at `url` up to date, as its owner. Returns how many migrations ran.
pub async fn migrate(url: &str) -> Result<usize, StoreError> {
    // The record of what ran stands in `public`. An owner named `pintle` would look in the schema of
    // that name first, find no record there, and run everything again.
    let options = PgConnectOptions::from_str(url)
        .map_err(StoreError::during("read the database URL"))?
        .options([("search_path", "public")]);
    let pool =
        PgPoolOptions::new().max_connections(1).connect_with(options).await.map_err(StoreError::during("migrate"))?;
    let before = applied_count(&pool).await;
    let result = MIGRATIONS.run(&pool).await;
    let after = applied_count(&pool).await;
    pool.close().await;
    match result {
        Ok(()) => Ok(after.saturating_sub(before)),
        Err(sqlx::migrate::MigrateError::VersionMissing(version)) => Err(StoreError::NewerSchema(version)),
        Err(other) => Err(StoreError::Corrupt { what: "schema", source: Box::new(other) }),
    }
}

async fn applied_count(pool: &PgPool) -> usize {
    let count: Result<i64, _> = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(pool).await;
    count.map_or(0, |count| count as usize)
}

/// Begins in a task of its own: a transaction that nobody waits for any more is rolled back when it is dropped there.
async fn to_its_end(
    begin: impl Future<Output = Result<Transaction<'static, Postgres>, sqlx::Error>> + Send + 'static,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    // Only the end of the runtime ends the task before.
    tokio::spawn(begin).await.unwrap_or(Err(sqlx::Error::PoolClosed))
}

async fn still_stands(connection: &mut sqlx::PgConnection, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if idle_for >= IDLE {
        connection.ping().await?;
    }
    Ok(true)
}

/// Before the first migration there is no role to become.
async fn become_engine(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let member: Option<bool> = sqlx::query_scalar(
        "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'pintle_engine'",
    )
    .fetch_optional(&mut *connection)
    .await?;
    if member == Some(true) {
        sqlx::query("SET ROLE pintle_engine").execute(connection).await?;
    }
    Ok(())
}

fn missing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    matches!(code.as_deref(), Some("42P01" | "3F000" | "42883"))
}
