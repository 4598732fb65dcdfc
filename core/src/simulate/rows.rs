//! The model of the live side: what applying a step does to a row. It is as strict as the database:
//! a step for a row that moved, or that is protected, is a fault of the planner.

use crate::change::{Digest, ObjectKey, Value};
use crate::diff::{Action, Bodies, Change, LiveObject, LiveState};
use crate::gate::Moved;
use jiff::Timestamp;
use uuid::Uuid;

/// See the module. Every row has its bodies.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    live: LiveState,
    made: u128,
}

impl Rows {
    /// The rows of a snapshot that has every body.
    pub fn of(live: LiveState) -> Self {
        Self { live, made: 0 }
    }

    /// What is live at `now`.
    pub fn live(&mut self, now: Timestamp) -> &LiveState {
        self.live.read_at = now;
        self.live.pauses.retain(|pause| pause.until.is_none_or(|until| now < until));
        &self.live
    }

    /// What is paused, to change.
    pub fn pauses(&mut self) -> &mut Vec<crate::diff::Pause> {
        &mut self.live.pauses
    }

    /// The runs in waves that are under way, to change.
    pub fn runs(&mut self) -> &mut Vec<crate::diff::PacedRun> {
        &mut self.live.runs
    }

    /// Somebody else writes a row: `edit` changes its body.
    pub fn write(&mut self, key: &ObjectKey, edit: impl FnOnce(&mut Value)) {
        let at = match self.live.objects.binary_search_by(|row| row.key.cmp(key)) {
            Ok(at) => at,
            Err(at) => {
                let row = self.row(key);
                self.live.objects.insert(at, row);
                self.live.bodies.insert(key.clone(), Bodies::of(Value::map(), None));
                at
            }
        };
        if let Some(bodies) = self.live.bodies.get_mut(key) {
            edit(&mut bodies.live);
            refresh(&mut self.live.objects[at], bodies);
        }
    }

    /// Somebody else tombstones a row.
    pub fn tombstone(&mut self, key: &ObjectKey, at: Timestamp) {
        if let Ok(found) = self.live.objects.binary_search_by(|row| row.key.cmp(key)) {
            self.live.objects[found].tombstoned_at = Some(at);
            self.live.objects[found].revision += 1;
        }
    }

    /// The row as an older Pintle would have applied it: `edit` changes what is live and what was applied.
    pub fn as_before(&mut self, key: &ObjectKey, edit: impl Fn(&mut Value)) {
        if let Some(applied) = self.live.bodies.get_mut(key).and_then(|bodies| bodies.applied.as_mut()) {
            edit(applied);
        }
        self.write(key, edit);
    }

    /// Whether a step is for a row that moved since it was planned: the database would not write it.
    pub fn is_stale(&self, change: &Change) -> bool {
        self.live.get(&change.key).map(|row| row.revision) != change.revision
    }

    fn row(&mut self, key: &ObjectKey) -> LiveObject {
        self.made += 1;
        LiveObject {
            key: key.clone(),
            uid: Uuid::from_u128(self.made),
            revision: 0,
            generation: 0,
            drifted: false,
            applied: None,
            written: None,
            applied_commit: None,
            applied_file: None,
            tombstoned_at: None,
            protected: false,
            partner: None,
            labels: "{}".into(),
        }
    }

    /// Applies a step at `now`: what the ledger would know of it.
    ///
    /// # Panics
    /// When the step is none that the database would carry out.
    pub fn apply(&mut self, change: &Change, now: Timestamp, seq: u64) -> Moved {
        let moved = Moved {
            before: change.before,
            key: change.key.clone(),
            action: change.action,
            cause: change.cause,
            destructive: change.is_destructive(),
            seq,
            done_at: Some(now),
            partner: change.partner.clone(),
            partner_before: change.partner_before.clone(),
            labels_before: change.labels.clone(),
            moves_followers: change.moves_followers(),
            healed: change.healed(),
            recent: true,
        };
        let at = match (self.live.objects.binary_search_by(|row| row.key.cmp(&change.key)), change.action) {
            (Err(at), Action::Create) => {
                let row = self.row(&change.key);
                self.live.objects.insert(at, row);
                at
            }
            (Ok(at), action) if action != Action::Create => at,
            (found, action) => panic!("{} {} with a row at {found:?}", action.as_str(), change.key),
        };
        let row = &mut self.live.objects[at];
        assert!(change.revision.is_none_or(|revision| revision == row.revision), "{} moved meanwhile", change.key);
        assert!(!(row.protected && change.is_destructive()), "{} is protected", change.key);
        match change.action {
            Action::Remove => {
                assert!(row.tombstoned_at.is_some(), "{} was not tombstoned", change.key);
                self.live.objects.remove(at);
                self.live.bodies.remove(&change.key);
                return moved;
            }
            Action::Delete => row.tombstoned_at = Some(now),
            _ => row.tombstoned_at = None,
        }
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        if let Some(body) = &change.body {
            let declared = change.declared.as_ref().map_or(body, |declared| &declared.body);
            let bodies = Bodies::of(parse(body), Some(parse(declared)));
            row.applied = change.target();
            row.written = change.written;
            row.applied_file = change.source.as_ref().map(|source| source.file.clone());
            row.partner.clone_from(&change.partner);
            refresh(row, &bodies);
            self.live.bodies.insert(change.key.clone(), bodies);
        } else {
            row.revision += 1;
        }
        moved
    }
}

/// What the database keeps of a row's body in its own columns.
fn refresh(row: &mut LiveObject, bodies: &Bodies) {
    row.revision += 1;
    row.drifted = bodies.applied.as_ref().is_some_and(|applied| *applied != bodies.live);
    row.applied = bodies.applied.as_ref().map(Digest::of_value);
    row.protected = bodies.live.at(&["annotations", "pintle/protect"]).and_then(Value::as_str) == Some("true");
    let labels =
        bodies.live.get("labels").map_or_else(|| "{}".to_owned(), |labels| serde_json::Value::from(labels).to_string());
    row.labels = labels.into();
}
