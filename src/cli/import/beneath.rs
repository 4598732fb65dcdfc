//! What a document inherits and its row does not say: profiles of its own or of its partner give a value that the row
//! lacks. The document takes it away with a null, so that it declares what is live and nothing more.

use super::{Import, place, text};
use crate::source::load_files;
use pintle_core::change::{Map, Value};
use pintle_core::model::Catalog;
use pintle_core::resolve::resolve;
use std::collections::BTreeMap;

/// Takes away from `imports` what they would inherit beside the documents of `files`.
pub(super) fn take_away(imports: &mut [Import], files: &BTreeMap<String, Vec<u8>>) {
    let mut all = files.clone();
    for one in imports.iter() {
        let file = place(one);
        let text = text(one, &file).into_bytes();
        all.insert(file, text);
    }
    let catalog = Catalog::standard();
    let resolved = resolve(&load_files(all.into_iter().collect()).tree, catalog, None, jiff::Timestamp::now());
    for one in imports {
        let Some((kind, object)) = catalog.kind(&one.key.kind).zip(resolved.get(&one.key)) else { continue };
        let said: Map = [("spec".into(), one.spec.clone())].into_iter().collect();
        let mut said = Value::Map(said);
        kind.shape.fill_defaults(&mut said);
        if let (Some(said), Some(declared)) = (said.get("spec"), object.value().get("spec")) {
            shadow(&mut one.spec, said, declared);
        }
    }
}

/// Puts a null into `spec` wherever `declared` says what `said` does not.
fn shadow(spec: &mut Value, said: &Value, declared: &Value) {
    let (Some(said), Some(declared)) = (said.as_map(), declared.as_map()) else { return };
    for (key, value) in declared.iter() {
        match said.get(key) {
            None => drop(spec.put(&[key], Some(Value::Null))),
            // A default that the row does not spell, and something else gives another value: a null brings it back.
            Some(there) if spec.get(key).is_none() && there.as_map().is_none() && there != value => {
                spec.put(&[key], Some(Value::Null));
            }
            Some(inner @ Value::Map(_)) => {
                let mut own = spec.get(key).cloned().unwrap_or_else(Value::map);
                shadow(&mut own, inner, value);
                if own.as_map().is_some_and(|own| !own.is_empty()) {
                    spec.put(&[key], Some(own));
                }
            }
            Some(_) => {}
        }
    }
}
