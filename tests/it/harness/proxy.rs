//! A TCP proxy before Redis, that can be made to hold back what passes through it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    /// They pass.
    Open,
    /// They wait: nobody hears anything, and no connection breaks.
    Cut,
    /// Each chunk passes after so long.
    Slow(Duration),
}

/// The proxy.
pub struct Proxy {
    pub url: String,
    server: watch::Sender<PathBuf>,
    line: watch::Sender<Line>,
    held: Arc<AtomicU64>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Before the Redis at `socket`.
    pub async fn before(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (line, seen) = watch::channel(Line::Open);
        let (server, leads_to) = watch::channel(socket.to_owned());
        let held = Arc::<AtomicU64>::default();
        let count = held.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                let path = leads_to.borrow().clone();
                let Ok(server) = UnixStream::connect(path).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pump(from_client, to_server, seen.clone(), count.clone()));
                tokio::spawn(pump(from_server, to_client, seen.clone(), count.clone()));
            }
        });
        Self { url, server, line, held, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Who connects from now on comes to the Redis at `socket`.
    pub fn lead_to(&self, socket: &Path) {
        self.server.send_replace(socket.to_owned());
    }

    /// From now on.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Chunks that had to wait.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: watch::Receiver<Line>,
    held: Arc<AtomicU64>,
) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let now = *line.borrow();
        if now != Line::Open {
            held.fetch_add(1, Ordering::SeqCst);
        }
        // The fault itself: nothing waits for this time to pass.
        if let Line::Slow(each) = now {
            tokio::time::sleep(each).await;
        }
        if line.wait_for(|line| *line != Line::Cut).await.is_err() || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
