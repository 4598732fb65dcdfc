//! Drifted fields that are left as they are: the guard says so, and the document did not change there.

use crate::change::{FieldChange, FieldPath, Map, Value};
use crate::model::guard::{DriftMode, Guards, Subject};

/// What is written, and whether anything that is left alone is to be told.
pub(super) struct Kept {
    pub body: Value,
    pub told: bool,
}

/// `desired` with the live values of the drifted fields that are left alone; `None` when none is.
pub(super) fn keep(guards: &Guards, subject: &Subject<'_>, drift: &[FieldChange], desired: &Value) -> Option<Kept> {
    if drift.is_empty() || guards.heals_everything() {
        return None;
    }
    let mut kept: Option<Kept> = None;
    for field in drift {
        let mode = guards.drift(subject, &field.path);
        if mode == DriftMode::Heal || desired.at(&field.path.0) != field.before.as_ref() {
            continue;
        }
        let kept = kept.get_or_insert_with(|| Kept { body: desired.clone(), told: false });
        put(&mut kept.body, &field.path, field.after.as_ref());
        kept.told |= mode == DriftMode::Report;
    }
    kept
}

/// Puts `value`, or nothing, at `path`; a map that is not there is made.
fn put(body: &mut Value, path: &FieldPath, value: Option<&Value>) {
    let Some((last, parents)) = path.0.split_last() else { return };
    let mut at = body;
    for key in parents {
        let Some(map) = at.as_map_mut() else { return };
        if !map.contains_key(key) {
            map.insert(key.as_str(), Value::Map(Map::default()));
        }
        let Some(next) = map.get_mut(key) else { return };
        at = next;
    }
    let Some(map) = at.as_map_mut() else { return };
    match value {
        Some(value) => drop(map.insert(last.as_str(), value.clone())),
        None => drop(map.remove(last)),
    }
}
