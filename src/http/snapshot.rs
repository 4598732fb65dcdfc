//! What is live, for who holds the token: `pintle plan --server`. Without a token in the settings there is no such page.

use crate::snapshot::Snapshot;
use crate::store::Store;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use pintle_core::change::Digest;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Where it is.
pub const SNAPSHOT: &str = "/api/superadmin/snapshot";

/// Bytes that are handed over at one time.
const PIECE: usize = 64 << 10;
/// As long as `pintle plan --server` waits.
const READ_WITHIN: Duration = Duration::from_mins(2);

/// Whom it is shown to, and from where it is read.
#[derive(Clone)]
pub(super) struct Shown {
    store: Store,
    /// Of the token: so that comparing takes as long whatever is wrong with one.
    token: Digest,
    /// It reads everything: one at a time.
    turn: Arc<Semaphore>,
}

impl Shown {
    pub fn new(store: Store, token: &str) -> Self {
        Self { store, token: Digest::of(token.as_bytes()), turn: Arc::new(Semaphore::new(1)) }
    }
}

pub(super) async fn snapshot(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given.map(|token| Digest::of(token.as_bytes())) != Some(shown.token) {
        return (StatusCode::UNAUTHORIZED, "the token is another\n").into_response();
    }
    let Ok(turn) = shown.turn.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "somebody else reads it now; ask again\n").into_response();
    };
    tracing::info!("the live state is read over HTTP");
    let read = Snapshot::of(&shown.store).await;
    match read.map_err(|error| error.to_string()).and_then(|one| one.json().map_err(|error| error.to_string())) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(slowly(json, until_read(turn))))
            .into_response(),
        Err(error) => {
            tracing::warn!("the live state cannot be read: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the live state cannot be read; the log says why\n").into_response()
        }
    }
}

/// Keeps the turn until what is given back is dropped, and no longer than a client waits: who stops reading holds up nobody.
fn until_read(turn: OwnedSemaphorePermit) -> oneshot::Sender<()> {
    let (reading, read) = oneshot::channel();
    tokio::spawn(async move {
        let _ = tokio::time::timeout(READ_WITHIN, read).await;
        drop(turn);
    });
    reading
}

/// Piece by piece, so that `reading` is dropped when the last was taken and not before.
fn slowly(json: String, reading: oneshot::Sender<()>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((Bytes::from(json), reading), |(mut rest, reading)| async move {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then(|| (Ok(piece), (rest, reading)))
    })
}
