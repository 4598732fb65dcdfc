//! What waits is kept beside the source, because a plan that moves nothing is not stored.

use super::acceptance::SOURCE;
use super::ledger::WaitingRow;
use super::{LeaderProof, Store, StoreError};
use pintle_core::plan::Plan;
use sqlx::types::Json;

/// Reasons kept; the number of all is kept beside them.
const KEPT: usize = 1_000;

/// What `plan` lets wait: the reasons that are kept, and how many there are.
pub fn waiting(plan: &Plan) -> (Vec<WaitingRow>, usize) {
    let kept = plan.waiting().iter().take(KEPT).map(|one| WaitingRow {
        object: one.change.key.to_string(),
        code: one.reason.code().to_owned(),
        message: one.reason.sentence(),
        lifted_by: one.reason.lifted_by(),
        until: one.reason.until(),
    });
    (kept.collect(), plan.waiting().len())
}

impl Store {
    /// Records what waits.
    pub async fn record_waiting(
        &self,
        proof: &LeaderProof,
        kept: &[WaitingRow],
        count: usize,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE pintle.sources SET waiting = $2, waiting_count = $3 WHERE id = $1")
            .bind(SOURCE)
            .bind(Json(kept))
            .bind(count as i64);
        self.write_derived(proof, "record what waits", statement).await
    }
}
