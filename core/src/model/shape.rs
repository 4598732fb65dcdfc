//! The compiled shape of a kind: what the generic stations ask about a field.

use crate::change::{FieldPath, Map, Value};
use std::collections::BTreeMap;

/// One node of a kind's schema.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// The value filled in where the document gives none.
    pub default: Option<Value>,
    /// Named fields.
    pub properties: BTreeMap<Box<str>, Shape>,
    /// Every item of a list or value of a free map.
    pub each: Option<Box<Shape>>,
    /// Keys of this free map name objects of this kind.
    pub key_reference: Option<Box<str>>,
    /// The text names an object of this kind.
    pub reference: Option<Box<str>>,
    /// The list is a set: order and repetition mean nothing.
    pub set: bool,
    /// The values it may have, when they are few.
    pub values: Vec<String>,
    /// What the field is, for `explain`.
    pub description: Option<Box<str>>,
    /// What a value looks like, for messages: "a duration such as 60s".
    pub expects: Option<Box<str>>,
    /// The JSON types it accepts, for `explain`.
    pub types: Vec<String>,
    /// Fields that must be given.
    pub required: Vec<String>,
}

impl Shape {
    /// Compiles a flat schema.
    pub fn of(schema: &serde_json::Value) -> Self {
        let text = |key: &str| schema.get(key).and_then(|v| v.as_str()).map(Into::into);
        let mut shape = Self {
            default: schema.get("default").map(Value::from),
            reference: text("x-pintle-ref"),
            key_reference: text("x-pintle-key-ref"),
            set: schema.get("x-pintle-set").is_some(),
            description: text("description"),
            expects: text("x-pintle-expects"),
            types: strings(schema.get("type")),
            values: strings(schema.get("enum")),
            required: strings(schema.get("required")),
            ..Self::default()
        };
        if let Some(properties) = schema.get("properties").and_then(|v| v.as_object()) {
            shape.properties = properties.iter().map(|(key, inner)| (key.as_str().into(), Self::of(inner))).collect();
        }
        let each = schema.get("items").or_else(|| schema.get("additionalProperties")).filter(|v| v.is_object());
        shape.each = each.map(|inner| Box::new(Self::of(inner)));
        shape
    }

    /// The shape of the child under `key`.
    pub fn child(&self, key: &str) -> Option<&Shape> {
        self.properties.get(key).or(self.each.as_deref())
    }

    /// The shape at `path`.
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Shape> {
        path.iter().try_fold(self, |shape, key| shape.child(key.as_ref()))
    }

    /// Fills the defaults of absent fields into `value`.
    pub fn fill_defaults(&self, value: &mut Value) {
        match value {
            Value::Map(map) => self.fill_map(map),
            Value::List(items) => {
                if let Some(each) = &self.each {
                    for item in items {
                        each.fill_defaults(item);
                    }
                }
            }
            _ => {}
        }
    }

    fn fill_map(&self, map: &mut Map) {
        for (key, shape) in &self.properties {
            if let (Some(default), false) = (&shape.default, map.contains_key(key)) {
                map.insert(key.clone(), default.clone());
            }
            if let Some(inner) = map.get_mut(key) {
                shape.fill_defaults(inner);
            }
        }
        let Some(each) = &self.each else { return };
        let free: Vec<Box<str>> =
            map.keys().filter(|key| !self.properties.contains_key(*key)).map(Into::into).collect();
        for key in free {
            if let Some(inner) = map.get_mut(&key) {
                each.fill_defaults(inner);
            }
        }
    }

    /// Sorts declared sets and drops repetitions: their order means nothing, so it must not be a change.
    pub fn order_sets(&self, value: &mut Value) {
        match value {
            Value::List(items) => {
                if let Some(each) = &self.each {
                    for item in items.iter_mut() {
                        each.order_sets(item);
                    }
                }
                if self.set {
                    items.sort_by_cached_key(crate::change::Digest::of_value);
                    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                    items.dedup();
                }
            }
            Value::Map(map) => {
                let keys: Vec<Box<str>> = map.keys().map(Into::into).collect();
                for key in keys {
                    if let (Some(shape), Some(inner)) = (self.child(&key), map.get_mut(&key)) {
                        shape.order_sets(inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// Calls `visit(path, kind, name)` for every reference in `value`.
    pub fn references<'v>(&self, value: &'v Value, visit: &mut impl FnMut(&FieldPath, &str, &'v str)) {
        self.walk(value, &mut FieldPath::default(), visit);
    }

    fn walk<'v>(&self, value: &'v Value, path: &mut FieldPath, visit: &mut impl FnMut(&FieldPath, &str, &'v str)) {
        match value {
            Value::String(name) => {
                if let Some(kind) = &self.reference {
                    visit(path, kind, name);
                }
            }
            Value::List(items) => {
                let Some(each) = &self.each else { return };
                for (index, item) in items.iter().enumerate() {
                    path.0.push(index.to_string());
                    each.walk(item, path, visit);
                    path.0.pop();
                }
            }
            Value::Map(map) => {
                for (key, inner) in map.iter() {
                    let Some(shape) = self.child(key) else { continue };
                    path.0.push(key.to_owned());
                    if let (Some(kind), false) = (&self.key_reference, self.properties.contains_key(key)) {
                        visit(path, kind, key);
                    }
                    shape.walk(inner, path, visit);
                    path.0.pop();
                }
            }
            _ => {}
        }
    }
}

fn strings(value: Option<&serde_json::Value>) -> Vec<String> {
    let items = match value {
        Some(serde_json::Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
