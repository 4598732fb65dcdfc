//! A private Redis that forgets everything when it is killed.

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
    server: servers::PrivateRedis,
}

/// Starts one and waits for PONG.
pub async fn redis() -> PrivateRedis {
    let folder = folder().join(format!("r{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    let server = servers::PrivateRedis::start_with(&folder, FAST).await.unwrap();
    PrivateRedis { url: server.url(), server }
}

impl PrivateRedis {
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
