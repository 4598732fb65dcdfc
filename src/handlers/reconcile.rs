//! `reconcile`: the leader compares everything, whatever woke it or did not.

use super::{Failure, Tools};
use crate::store::work::Work;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn ask(tools: &Tools, work: &Work) -> Result<String, Failure> {
    let failed = |error| Failure::during("the comparison cannot be asked for", crate::chain::chain(&error));
    let before = tools.store.compared_at().await.map_err(failed)?;
    tools.store.record_request(&format!("schedule {}", work.schedule), "reconcile", None).await.map_err(failed)?;
    // The worker's limit ends this.
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = tools.store.compared_at().await.map_err(failed)?;
        if now > before {
            return Ok(format!("compared at {}", now.unwrap_or_default()));
        }
    }
}
