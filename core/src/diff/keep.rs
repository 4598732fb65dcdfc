//! Drifted fields that are left as they are: the guard says so, and the document did not change there, or declares them for
//! the first time.

use crate::change::{FieldChange, Value};
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
        let wanted = desired.at(&field.path.0);
        // A field that nobody declared so far and somebody else fills is observed first, as a row of theirs is.
        let is_new = field.before.is_none() && wanted.is_some() && !guards.takes_over(subject);
        if mode == DriftMode::Heal || (wanted != field.before.as_ref() && !is_new) {
            continue;
        }
        let kept = kept.get_or_insert_with(|| Kept { body: desired.clone(), told: false });
        kept.body.put(&field.path.0, field.after.clone());
        kept.told |= mode == DriftMode::Report || is_new;
    }
    kept
}
