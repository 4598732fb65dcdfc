//! A database of one test, copied from the template in milliseconds.

use super::eventually;
use super::shared::{TEMPLATE, postgres};
use serde_json::Value;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database, looked at as its owner.
pub struct Database {
    pub url: String,
    pool: PgPool,
}

impl Database {
    /// A fresh, migrated one on the shared server.
    pub async fn new() -> Self {
        Self::made(&format!("TEMPLATE {TEMPLATE}")).await
    }

    /// One in which nothing is.
    pub async fn empty() -> Self {
        Self::made("").await
    }

    async fn made(from: &str) -> Self {
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = postgres().await;
        run(&server.url("postgres"), &format!("CREATE DATABASE {name} {from}")).await;
        Self::at(server.url(&name))
    }

    /// One that exists already.
    pub fn at(url: String) -> Self {
        let pool =
            PgPoolOptions::new().max_connections(3).acquire_timeout(Duration::from_secs(3)).connect_lazy(&url).unwrap();
        Self { url, pool }
    }

    /// The first column of the first row, as text; nothing while the server is away.
    pub async fn ask(&self, sql: &str) -> Option<String> {
        let sql = format!("SELECT (SELECT x::text FROM ({sql}) AS q (x) LIMIT 1)");
        match sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(&self.pool).await {
            Ok(answer) => answer,
            Err(sqlx::Error::Database(error)) if !error.code().is_some_and(|code| code.starts_with("57P")) => {
                panic!("{sql}: {error}")
            }
            Err(_) => None,
        }
    }

    /// A number.
    pub async fn count(&self, sql: &str) -> i64 {
        self.ask(sql).await.unwrap().parse().unwrap()
    }

    /// A JSON value.
    pub async fn json(&self, sql: &str) -> Value {
        self.ask(sql).await.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    /// Every row of one column, as text.
    pub async fn list(&self, sql: &str) -> Vec<String> {
        let sql = format!("SELECT coalesce(x::text, 'null') FROM ({sql}) AS q (x)");
        sqlx::query_scalar(AssertSqlSafe(sql.clone()))
            .fetch_all(&self.pool)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// Runs a statement by hand, as the owner.
    pub async fn run(&self, sql: &str) -> u64 {
        self.try_run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, and what the server says against it.
    pub async fn try_run(&self, sql: &str) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.pool).await?.rows_affected())
    }

    /// Waits until a boolean expression is true.
    pub async fn until(&self, condition: &str) {
        let sql = format!("SELECT {condition}");
        eventually(condition, async || self.ask(&sql).await.as_deref() == Some("true")).await;
    }

    /// The server's pool, for transactions of a test's own.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// Runs one statement on a connection of its own.
pub async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
