//! Waiting for a condition, never for a time.

use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long anything may take on a busy machine before it counts as never.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Returns when the condition holds; fails when it does not come true in time.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

/// The same with a limit of its own.
pub async fn eventually_within(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let waiting = async {
        while !condition().await {
            looks.tick().await;
        }
    };
    assert!(timeout(limit, waiting).await.is_ok(), "never came true within {limit:?}: {what}");
}
