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
        let failed = || StoreError::during("record what waits");
        let mut tx = self.begin_derived(proof).await?;
        sqlx::query("UPDATE pintle.sources SET waiting = $2, waiting_count = $3 WHERE id = $1")
            .bind(SOURCE)
            .bind(Json(kept))
            .bind(count as i64)
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }
}
