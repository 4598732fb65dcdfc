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

/// What services report on, with how far they have come: a head for three ends. What is going is on no way that anybody
/// waits for.
macro_rules! standing {
    ($which:literal) => {
        concat!(
            "SELECT r.kind, r.name, r.tombstoned_at IS NULL AND o.observed_generation < r.generation AS under_way,
                r.tombstoned_at IS NULL AND o.status ? 'failed' AS failed,
                (extract(epoch FROM o.arrived_at) * 1000000)::bigint AS arrived_us
            FROM pintle.observed o JOIN pintle.objects r USING (uid) ",
            $which
        )
    };
}

const INSTANCE: &str = "Instance";

/// Of the kind `$2`, what is not there.
const MISSING: &str = standing!(
    "WHERE r.source_id = $1 AND r.tombstoned_at IS NULL AND r.kind = $2 AND (o.observed_generation < r.generation OR o.status ? 'failed')"
);

/// Of the rows `$2`, all.
const OF_THESE: &str = standing!("JOIN unnest($2::uuid[]) AS these (uid) USING (uid) WHERE r.source_id = $1");

/// All.
const ALL: &str = standing!("WHERE r.source_id = $1");

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
        let bounded: BTreeSet<&str> = paced.chain([INSTANCE]).collect();
        let any = guards.pace().any(|(pace, _)| pace.selector.kind.is_none());
        let kinds: BTreeSet<&str> =
            changes().map(|change| &*change.key.kind).filter(|kind| any || bounded.contains(kind)).collect();
        if kinds.is_empty() {
            return Ok(Motion { moved, ..Motion::default() });
        }
        let uid = |key: &ObjectKey| live.get(key).map(|row| row.uid);
        let mut uids: Vec<Uuid> = changes()
            .map(|change| &change.key)
            .chain(moved.iter().map(|moved| &moved.key))
            .filter(|key| kinds.contains(&*key.kind))
            .filter_map(uid)
            .collect();
        uids.sort_unstable();
        uids.dedup();
        let failed = || StoreError::during("read how far services have come");
        let rows = sqlx::query(OF_THESE).bind(source).bind(uids).fetch_all(&self.pool).await.map_err(failed())?;
        let mut standing = all_standing(&rows).map_err(failed())?;
        // Only where an instance moves that somebody reports on is it counted what else is on its way.
        if changes().any(|change| &*change.key.kind == INSTANCE && standing.contains_key(&change.key)) {
            let rows = sqlx::query(MISSING).bind(source).bind(INSTANCE).fetch_all(&self.pool).await.map_err(failed())?;
            standing.extend(all_standing(&rows).map_err(failed())?);
        }
        Ok(Motion { moved, standing })
    }

    /// All that moves; of the steps from `since` on whenever it was done.
    pub async fn whole_motion(&self, source: &str, since: Option<u64>) -> Result<Motion, StoreError> {
        let failed = || StoreError::during("read how far services have come");
        let moved = self.all_moved(source, since).await?;
        let rows = sqlx::query(ALL).bind(source).fetch_all(&self.pool).await.map_err(failed())?;
        Ok(Motion { moved, standing: all_standing(&rows).map_err(failed())? })
    }
}

fn all_standing(rows: &[PgRow]) -> Result<BTreeMap<ObjectKey, Standing>, sqlx::Error> {
    rows.iter().map(standing).collect()
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
