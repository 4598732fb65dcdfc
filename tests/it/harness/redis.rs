//! A private Redis that forgets everything when it is killed.

use super::proxy::{Line, Proxy};
use super::shared::{FAST, folder};
use pintle::dev::servers;
use redis::AsyncConnectionConfig;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A Redis of one test.
pub struct PrivateRedis {
    pub url: String,
    /// What daemons connect to, if not to itself.
    proxy: Option<Proxy>,
    server: servers::PrivateRedis,
}

/// Starts one and waits for PONG.
pub async fn redis() -> PrivateRedis {
    let folder = folder().join(format!("r{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let server = servers::PrivateRedis::start_with(&folder, FAST).await.unwrap();
    PrivateRedis { url: server.url(), proxy: None, server }
}

impl PrivateRedis {
    /// Daemons reach it by a proxy from now on.
    pub async fn behind_a_proxy(&mut self) {
        self.proxy = Some(Proxy::before(&self.url).await);
    }

    /// Where daemons find it.
    pub fn address(&self) -> &str {
        self.proxy.as_ref().map_or(&self.url, |proxy| &proxy.url)
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
        let client = redis::Client::open(self.url.as_str()).unwrap();
        // On a busy machine half a second, the default, is no proof of anything.
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.unwrap()
    }
}
