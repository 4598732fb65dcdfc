//! A private Redis that forgets everything when it is killed.

use super::proxy::{Line, Proxy};
use super::shared::{FAST, folder};
use pintle::dev::servers;
use redis::AsyncConnectionConfig;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A Redis of one test.
pub struct PrivateRedis {
    pub url: String,
    /// What daemons connect to, if not to itself.
    proxy: Option<Proxy>,
    elsewhere: Option<String>,
    server: servers::PrivateRedis,
}

/// Starts one and waits for PONG.
pub async fn redis() -> PrivateRedis {
    let folder = folder().join(format!("r{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let server = servers::PrivateRedis::start_with(&folder, FAST).await.unwrap();
    PrivateRedis { url: server.url(), proxy: None, elsewhere: None, server }
}

impl PrivateRedis {
    /// Daemons reach it by a proxy from now on.
    pub async fn behind_a_proxy(&mut self) {
        let path = self.url.split_once("://").unwrap().1.split('?').next().unwrap().to_owned();
        self.behind_a_proxy_of(path.as_ref()).await;
    }

    /// The same, of the server at `socket`.
    pub async fn behind_a_proxy_of(&mut self, socket: &Path) {
        self.proxy = Some(Proxy::before(socket).await);
    }

    /// Who connects to the proxy anew comes to the server at `socket`.
    pub fn lead_to(&self, socket: &Path) {
        self.proxy.as_ref().unwrap().lead_to(socket);
    }

    /// Daemons find one at `url` from now on.
    pub fn reached_at(&mut self, url: &str) {
        self.elsewhere = Some(url.to_owned());
    }

    /// Where daemons find it.
    pub fn address(&self) -> &str {
        self.elsewhere.as_deref().unwrap_or_else(|| self.proxy.as_ref().map_or(&self.url, |proxy| &proxy.url))
    }

    /// What becomes of what passes through the proxy.
    pub fn line(&self, line: Line) {
        self.proxy.as_ref().unwrap().set(line);
    }

    /// Chunks that had to wait in the proxy.
    pub fn held(&self) -> u64 {
        self.proxy.as_ref().unwrap().held()
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.server.kill().await.unwrap();
    }

    /// Starts it again, empty, and waits for PONG.
    pub async fn start(&mut self) {
        self.server.start_again().await.unwrap();
    }

    /// One command's answer.
    pub async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        ask(&self.url, words).await
    }
}

/// What the server at `url` answers to one command.
pub(super) async fn ask<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> T {
    match ask_once(url, words).await {
        // A server that changes its part drops who is connected at that moment.
        Err(error) if error.is_io_error() => ask_once(url, words).await,
        answered => answered,
    }
    .unwrap()
}

async fn ask_once<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> redis::RedisResult<T> {
    // On a busy machine half a second, the default, is no proof of anything.
    let patient =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
}
