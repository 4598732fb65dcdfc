//! The value tree: what a document says, independent of YAML, JSON or SQL.
//! It keeps the spelling of numbers; it refuses to keep order of keys, comments or style.

use super::{Number, Word};

/// A value as written in a document or stored in a live row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// An explicit null: not the same as an absent key.
    #[default]
    Null,
    /// `true` or `false`, and nothing else (YAML 1.2).
    Bool(bool),
    /// A number with its spelling.
    Number(Number),
    /// Text.
    String(Box<str>),
    /// An ordered list.
    List(Vec<Value>),
    /// A map with unique keys, sorted by bytes.
    Map(Map),
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    /// An empty map.
    pub fn map() -> Self {
        Self::Map(Map::default())
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The map, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The map to change, if this is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The value at the end of `path`; list items are named by their index.
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| match value {
            Self::Map(map) => map.get(key.as_ref()),
            Self::List(items) => items.get(key.as_ref().parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Puts `value`, or nothing, at the end of `path`; maps on the way are made. Whether there was a way:
    /// a list or a scalar is none.
    pub fn put<S: AsRef<str>>(&mut self, path: &[S], value: Option<Self>) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut at = self;
        for key in parents {
            let Some(map) = at.as_map_mut() else { return false };
            if !map.contains_key(key.as_ref()) {
                map.insert(key.as_ref(), Self::map());
            }
            let Some(next) = map.get_mut(key.as_ref()) else { return false };
            at = next;
        }
        let Some(map) = at.as_map_mut() else { return false };
        match value {
            Some(value) => drop(map.insert(last.as_ref(), value)),
            None => drop(map.remove(last.as_ref())),
        }
        true
    }

    /// The same value with every number in its canonical spelling: what is stored and compared
    /// once a document has been resolved.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.normalise();
        self
    }

    fn normalise(&mut self) {
        match self {
            Self::Number(number) => *number = number.canonical(),
            Self::List(items) => items.iter_mut().for_each(Self::normalise),
            Self::Map(map) => map.0.iter_mut().for_each(|(_, value)| value.normalise()),
            _ => {}
        }
    }

    /// The same value without the entries of maps that are null: those declare nothing. What is in a list is whole.
    #[must_use]
    pub fn without_nulls(mut self) -> Self {
        self.drop_nulls();
        self
    }

    fn drop_nulls(&mut self) {
        let Self::Map(map) = self else { return };
        map.edit(|entries| entries.retain(|(_, value)| !matches!(value, Self::Null)));
        map.0.iter_mut().for_each(|(_, value)| value.drop_nulls());
    }

    /// The name of the type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// A map sorted by key bytes: compact, because a fleet holds millions of them. It has no room to spare, and with it a
/// value is three words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Map(Box<[(Word, Value)]>);

const _: () = assert!(size_of::<Value>() == 3 * size_of::<usize>());

impl Map {
    /// Gives all entries to `edit`.
    fn edit<T>(&mut self, edit: impl FnOnce(&mut Vec<(Word, Value)>) -> T) -> T {
        let mut entries = std::mem::take(&mut self.0).into_vec();
        let edited = edit(&mut entries);
        self.0 = entries.into_boxed_slice();
        edited
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(have, _)| have.as_bytes().cmp(key.as_bytes()))
    }

    /// Where `key` is, if it is there. In few entries it is found sooner by looking at each: most differ in length.
    fn place(&self, key: &str) -> Option<usize> {
        const FEW: usize = 8;
        if self.0.len() > FEW {
            return self.find(key).ok();
        }
        self.0.iter().position(|(have, _)| **have == *key)
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).map(|at| &self.0[at].1)
    }

    /// The value under `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.place(key).map(|at| &mut self.0[at].1)
    }

    /// Whether `key` is present, even as null.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Puts `value` under `key`; returns what was there.
    pub fn insert(&mut self, key: impl Into<Word>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.edit(|entries| {
                    entries.reserve_exact(1);
                    entries.insert(at, (key, value));
                });
                None
            }
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.find(key).ok()?;
        Some(self.edit(|entries| entries.remove(at).1))
    }

    /// Keys and values in order of key bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The same, with the keys as they are held.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Word, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Keys in order of their bytes.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Map {
    type Item = (Word, Value);
    type IntoIter = std::vec::IntoIter<(Word, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_vec().into_iter()
    }
}

impl FromIterator<(Word, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Word, Value)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        Self(entries.into_boxed_slice())
    }
}
