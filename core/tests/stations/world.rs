//! A model of the live side: rows in a map, and what applying a step does to them.

use pintle_core::change::{Digest, ObjectKey, Value, field_changes};
use pintle_core::diff::{Action, Bodies, Change, Differing, LiveObject, LiveState, PendingJob};
use pintle_core::model::Catalog;
use pintle_core::model::guard::Guards;
use pintle_core::plan::{Plan, PlanInput, plan};
use pintle_core::resolve::Resolved;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Row {
    pub uid: Uuid,
    pub revision: i64,
    pub live: Value,
    pub applied: Option<Value>,
    pub written: Option<Digest>,
    pub tombstoned: bool,
}

#[derive(Debug, Clone, Default)]
pub struct World {
    pub rows: BTreeMap<ObjectKey, Row>,
    pub jobs: Vec<PendingJob>,
    pub guards: Guards,
    made: u128,
}

impl World {
    /// A row that somebody else wrote.
    pub fn insert(&mut self, key: ObjectKey, live: Value) {
        self.made += 1;
        let row =
            Row { uid: Uuid::from_u128(self.made), revision: 1, live, applied: None, written: None, tombstoned: false };
        self.rows.insert(key, row);
    }

    pub fn live_state(&self, desired: &Resolved) -> LiveState {
        let mut state = LiveState {
            objects: self.rows.iter().map(head).collect(),
            jobs: self.jobs.clone(),
            read_at: "2026-11-20T11:59:00Z".parse().unwrap(),
            ..LiveState::default()
        };
        let keys = Differing::of(desired, &state).needs_bodies(&state);
        state.bodies = keys
            .into_iter()
            .map(|key| {
                let row = &self.rows[&key];
                (key, Bodies::of(row.live.clone(), row.applied.clone()))
            })
            .collect();
        state
    }

    pub fn plan(&self, desired: &Resolved) -> Plan {
        self.plan_as(desired, "0123abcd", "2026-11-20T12:00:00Z")
    }

    pub fn plan_as(&self, desired: &Resolved, commit: &str, now: &str) -> Plan {
        let live = self.live_state(desired);
        let differing = Differing::of(desired, &live);
        plan(PlanInput {
            commit,
            desired,
            live: &live,
            differing: &differing,
            guards: &self.guards,
            catalog: Catalog::standard(),
            now: now.parse().unwrap(),
        })
    }

    /// Applies every step, each only after those that come first.
    pub fn apply(&mut self, plan: &Plan) {
        for (at, step) in plan.steps().iter().enumerate() {
            assert!(step.after_steps.iter().all(|first| *first < at), "{} comes before what it needs", step.change.key);
            self.apply_one(&step.change);
        }
    }

    fn apply_one(&mut self, change: &Change) {
        if change.action == Action::Create {
            assert!(!self.rows.contains_key(&change.key), "{} is made twice", change.key);
            self.insert(change.key.clone(), Value::map());
        }
        if change.action == Action::Remove {
            assert!(self.rows.remove(&change.key).unwrap().tombstoned, "{} was not tombstoned", change.key);
            return;
        }
        let row = self.rows.get_mut(&change.key).unwrap();
        assert!(change.revision.is_none_or(|revision| revision == row.revision), "{} moved meanwhile", change.key);
        row.revision += 1;
        row.tombstoned = change.action == Action::Delete;
        if let Some(body) = &change.body {
            let desired: Value = serde_json::from_str(body).unwrap();
            assert_eq!(field_changes(&row.live, &desired), change.fields, "{} is told what happens", change.key);
            assert_eq!(Some(Digest::of_value(&desired)), change.after);
            row.live = desired.clone();
            let declared = change.declared.as_ref().map(|one| serde_json::from_str(&one.body).unwrap());
            row.applied = Some(declared.unwrap_or(desired));
            row.written = change.written;
        }
    }
}

fn head((key, row): (&ObjectKey, &Row)) -> LiveObject {
    LiveObject {
        key: key.clone(),
        uid: row.uid,
        revision: row.revision,
        generation: 1,
        drifted: row.applied.as_ref().is_some_and(|applied| *applied != row.live),
        applied: row.applied.as_ref().map(Digest::of_value),
        written: row.written,
        applied_commit: None,
        applied_file: None,
        tombstoned_at: row.tombstoned.then(|| "2026-11-20T00:00:00Z".parse().unwrap()),
        protected: row.live.at(&["annotations", "pintle/protect"]).and_then(Value::as_str) == Some("true"),
        partner: row.live.at(&["spec", "partner"]).and_then(Value::as_str).map(Into::into),
        labels: row.live.get("labels").map_or("{}".into(), |labels| serde_json::Value::from(labels).to_string().into()),
    }
}
