//! Two Redis servers, the second a replica of the first, and a Sentinel that fails over between them.

use super::eventually::eventually;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the Sentinel calls the pair.
const SERVICE: &str = "doorbells";

/// A server that ends with its test.
pub struct Node {
    child: Child,
    port: u16,
    folder: PathBuf,
}

/// The pair.
pub struct Replicated {
    pub first: Node,
    pub second: Node,
}

impl Replicated {
    /// Starts both, below `folder`; the second follows the first.
    pub async fn start(folder: &Path) -> Self {
        let first = Node::start(folder, "first", &[]).await;
        let second = Node::start(folder, "second", &["--replicaof", "127.0.0.1", &first.port.to_string()]).await;
        eventually("the second follows", async || {
            second.ask::<String>(&["INFO", "replication"]).await.contains("master_link_status:up")
        })
        .await;
        Self { first, second }
    }

    /// A Sentinel over both, and the address by which it is asked.
    pub async fn watched(&self, folder: &Path) -> (Node, String) {
        let settings = folder.join("sentinel.conf");
        let first = self.first.port;
        let lines = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {first} 1\nsentinel down-after-milliseconds {SERVICE} 500\n\
             sentinel failover-timeout {SERVICE} 3000\n"
        );
        std::fs::write(&settings, lines).unwrap();
        let sentinel = Node::start(folder, "sentinel", &[settings.to_str().unwrap(), "--sentinel"]).await;
        eventually("the Sentinel knows the replica", async || {
            sentinel.ask::<String>(&["INFO", "sentinel"]).await.contains("slaves=1")
        })
        .await;
        let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/{SERVICE}", sentinel.port);
        (sentinel, url)
    }
}

impl Node {
    async fn start(folder: &Path, name: &str, more: &[&str]) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A file of settings comes first.
        let (file, options) = more.split_at(usize::from(more.first().is_some_and(|one| !one.starts_with('-'))));
        let mut command = Command::new("redis-server");
        command.args(file).args(["--port", &port.to_string(), "--bind", "127.0.0.1"]).args(options);
        if file.is_empty() {
            command.args(["--save", "", "--repl-diskless-sync-delay", "0", "--unixsocket"]).arg(folder.join("s"));
        }
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let child = command.current_dir(&folder).stdin(Stdio::null()).stdout(log).spawn().unwrap();
        let node = Self { child, port, folder };
        eventually(name, async || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        node
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("s")
    }

    /// Follows `other` from now on. Connections stay open.
    pub async fn follow(&self, other: &Self) {
        self.ask::<()>(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]).await;
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// One command's answer.
    pub async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        super::redis::ask(&self.url(), words).await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
