//! A document as it takes effect: profiles merged, defaults filled in, and where each value comes
//! from. For people who ask; it works on a tree that has errors elsewhere.

use super::Sources;
use super::index::{Entry, Index};
use super::layers::{Layer, Origin, layers, merged, origin};
use super::object::object_body;
use crate::change::{FieldPath, Map, Value};
use crate::model::{Catalog, Shape};
use crate::parse::{Part, Place, SourceRef, locate};

/// A document as it takes effect.
#[derive(Debug, Clone)]
pub struct Effective<'a> {
    /// The whole document: envelope, metadata, merged spec.
    pub document: Value,
    layers: Vec<Layer<'a>>,
    shape: &'a Shape,
}

/// The effective document of `entry`; `None` when the catalog does not know its kind.
pub fn effective<'a>(entry: &'a Entry, index: &'a Index, catalog: &'a Catalog) -> Option<Effective<'a>> {
    let kind = catalog.kind(&entry.document.key.kind)?;
    let layers = layers(entry, index, &mut Vec::new());
    let mut written: Value = one("spec", merged(&layers));
    kind.shape.order_sets(&mut written);
    kind.shape.fill_defaults(&mut written);
    let body = object_body(&entry.document, written.get("spec").cloned().unwrap_or_default());
    let part = |key: &str| body.get(key).cloned().unwrap_or_default();
    let filled = |value: &Value| value.as_map().is_some_and(|map| !map.is_empty());
    let mut metadata = Map::default();
    metadata.insert("name", Value::string(&*entry.document.key.name));
    if let Some(previous) = &entry.document.previous_name {
        metadata.insert("previousName", Value::string(&**previous));
    }
    for key in ["labels", "annotations"] {
        let value = part(key);
        if filled(&value) {
            metadata.insert(key, value);
        }
    }
    let mut document = Map::default();
    document.insert("apiVersion", Value::string("pintle/v1"));
    document.insert("kind", Value::string(&*entry.document.key.kind));
    document.insert("metadata", Value::Map(metadata));
    document.insert("spec", part("spec"));
    Some(Effective { document: Value::Map(document), layers, shape: &kind.shape })
}

fn one(key: &str, value: Value) -> Value {
    let mut map = Map::default();
    map.insert(key, value);
    Value::Map(map)
}

impl Effective<'_> {
    /// Where the value at `path` was given; `None` for a default.
    pub fn source(&self, path: &FieldPath, sources: &dyn Sources) -> Option<SourceRef> {
        let Place { document, path, part } = self.place(path)?;
        let text = sources.text(&document.file)?;
        Some(SourceRef { line: locate(&text, document.index, &path, part).line, file: document.file })
    }

    fn place(&self, path: &FieldPath) -> Option<Place> {
        let path = self.as_written(path);
        let Some(Origin::Document(place)) = origin(&self.layers, &path, Part::Value) else { return None };
        let same = |layer: &&Layer<'_>| layer.entry.id() == place.document;
        let given = self.layers.iter().rev().find(same).and_then(|layer| layer.entry.document.body.at(&place.path.0));
        // A null takes away what lower layers give: what stands there then is the default.
        (given != Some(&Value::Null)).then_some(place)
    }

    /// The same place where it was written: declared sets were sorted.
    fn as_written(&self, path: &FieldPath) -> FieldPath {
        let mut written = path.clone();
        for depth in 1..path.0.len() {
            let is_set = self.shape.at(&path.0[..depth]).is_some_and(|shape| shape.set);
            let place = is_set.then(|| self.position(&path.0[..depth], &path.0[depth])).flatten();
            if let Some(place) = place {
                written.0[depth] = place.to_string();
            }
        }
        written
    }

    fn position(&self, list: &[String], index: &str) -> Option<usize> {
        let element = self.document.at(list)?.as_list()?.get(index.parse::<usize>().ok()?)?;
        let below = list.strip_prefix(&["spec".to_owned()])?;
        let given = self.layers.iter().rev().find_map(|layer| layer.values().at(below))?;
        given.as_list()?.iter().position(|item| item.clone().normalised() == *element)
    }
}
