//! What moves: what moved within a day or is on its way, and how far services have come with it.

use super::rows::moment;
use super::{Store, StoreError};
use pintle_core::change::ObjectKey;
use pintle_core::diff::LiveState;
use pintle_core::gate::{Moved, Standing};
use pintle_core::model::guard::Guards;
use pintle_core::plan::Plan;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Of those kinds, or of all, what services report on and is not there, and of the rows `$3`, or of all, what is.
const STANDING: &str = "SELECT r.kind, r.name, o.observed_generation < r.generation AS under_way, o.status ? 'failed' AS failed,
        (extract(epoch FROM o.arrived_at) * 1000000)::bigint AS arrived_us
    FROM pintle.observed o JOIN pintle.objects r USING (uid)
    WHERE r.source_id = $1 AND ($2::text[] IS NULL OR r.kind = ANY($2)) AND ($3::uuid[] IS NULL OR o.observed_generation < r.generation OR o.status ? 'failed' OR o.uid = ANY($3))";

/// What the gate looks at of what moves beside a plan.
#[derive(Debug, Default)]
pub struct Motion {
    /// What moved, or is on its way.
    pub moved: Vec<Moved>,
    /// How far services have come.
    pub standing: BTreeMap<ObjectKey, Standing>,
}

impl Store {
    /// What moves beside `plan`, made from `live`, as far as `guards` ask for it; of the steps from `since` on whenever it
    /// was done.
    pub async fn motion(
        &self,
        source: &str,
        plan: &Plan,
        guards: &Guards,
        live: &LiveState,
        since: Option<u64>,
    ) -> Result<Motion, StoreError> {
        let moved = self.moved(source, plan, guards, since).await?;
        let paced = guards.pace().filter_map(|(pace, _)| pace.selector.kind.as_ref()?.0.as_str());
        let changes = || plan.steps().iter().map(|step| &step.change);
        // Only instances are counted, and only where something goes out in waves is it of interest who has come.
        let bounded: BTreeSet<&str> = paced.chain(["Instance"]).collect();
        let any = guards.pace().any(|(pace, _)| pace.selector.kind.is_none());
        let kinds: BTreeSet<&str> =
            changes().map(|change| &*change.key.kind).filter(|kind| any || bounded.contains(kind)).collect();
        if kinds.is_empty() {
            return Ok(Motion { moved, ..Motion::default() });
        }
        let known = |key: &ObjectKey| live.get(key).map(|row| row.uid);
        let uids: Vec<Uuid> = changes()
            .filter_map(|change| change.uid)
            .chain(moved.iter().filter_map(|moved| known(&moved.key)))
            .collect();
        let standing = self.how_far(source, Some(kinds.into_iter().collect()), Some(uids)).await?;
        Ok(Motion { moved, standing })
    }

    /// All that moves; of the steps from `since` on whenever it was done.
    pub async fn whole_motion(&self, source: &str, since: Option<u64>) -> Result<Motion, StoreError> {
        Ok(Motion { moved: self.all_moved(source, since).await?, standing: self.how_far(source, None, None).await? })
    }

    async fn how_far(
        &self,
        source: &str,
        kinds: Option<Vec<&str>>,
        uids: Option<Vec<Uuid>>,
    ) -> Result<BTreeMap<ObjectKey, Standing>, StoreError> {
        let failed = || StoreError::during("read how far services have come");
        let rows = sqlx::query(STANDING).bind(source).bind(kinds).bind(uids).fetch_all(&self.pool).await;
        rows.map_err(failed())?.iter().map(standing).collect::<Result<_, _>>().map_err(failed())
    }
}

fn standing(row: &PgRow) -> Result<(ObjectKey, Standing), sqlx::Error> {
    let key = ObjectKey::new(row.try_get::<&str, _>("kind")?, row.try_get::<&str, _>("name")?);
    let arrived = moment(row, "arrived_us")?.unwrap_or_default();
    let standing = match (row.try_get("under_way")?, row.try_get("failed")?) {
        (true, _) => Standing::UnderWay,
        (false, true) => Standing::Failed(arrived),
        (false, false) => Standing::There(arrived),
    };
    Ok((key, standing))
}
