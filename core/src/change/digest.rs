//! The canonical bytes of a value and their SHA-256: the identity of "the same content".
//! The encoding is injective: a type tag, then a length before everything of variable size.

use super::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a value's canonical bytes.
    pub fn of_value(value: &Value) -> Self {
        let mut bytes = Vec::with_capacity(512);
        encode::value(value, &mut bytes);
        Self::of(&bytes)
    }

    /// The digest of the map of `entries`, which are sorted by key, as it would be once normalised.
    pub fn of_normalised(entries: &[(&str, &Value)]) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        encode::normalised(entries, &mut bytes);
        Self::of(&bytes)
    }

    /// The first four bytes in hex: for people, never for decisions.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("expected 64 lower-case hexadecimal digits")]
pub struct ParseDigestError;

impl std::str::FromStr for Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let mut bytes = [0; 32];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ParseDigestError);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseDigestError)?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The building blocks of every canonical encoding.
pub mod encode {
    use super::Value;
    use crate::change::Number;

    /// A length-prefixed byte string.
    pub fn bytes(data: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&(data.len() as u64).to_be_bytes());
        out.extend_from_slice(data);
    }

    /// A count before a sequence.
    pub fn count(items: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&(items as u64).to_be_bytes());
    }

    /// A value, or its absence.
    pub fn optional(data: Option<&Value>, out: &mut Vec<u8>) {
        match data {
            None => out.push(b'-'),
            Some(data) => value(data, out),
        }
    }

    /// A value: type tag, then content.
    pub fn value(data: &Value, out: &mut Vec<u8>) {
        tree(data, &|number, out| bytes(number.spelling().as_bytes(), out), out);
    }

    /// The map of `entries`, which are sorted by key, as it would be once normalised.
    pub fn normalised(entries: &[(&str, &Value)], out: &mut Vec<u8>) {
        out.push(b'm');
        count(entries.len(), out);
        for (key, data) in entries {
            bytes(key.as_bytes(), out);
            tree(data, &|number, out| bytes(number.canonical().spelling().as_bytes(), out), out);
        }
    }

    fn tree(data: &Value, number_of: &dyn Fn(&Number, &mut Vec<u8>), out: &mut Vec<u8>) {
        match data {
            Value::Null => out.push(b'0'),
            Value::Bool(flag) => out.push(if *flag { b't' } else { b'f' }),
            Value::Number(number) => {
                out.push(b'n');
                number_of(number, out);
            }
            Value::String(text) => {
                out.push(b's');
                bytes(text.as_bytes(), out);
            }
            Value::List(items) => {
                out.push(b'l');
                count(items.len(), out);
                for item in items {
                    tree(item, number_of, out);
                }
            }
            Value::Map(map) => {
                out.push(b'm');
                count(map.len(), out);
                for (key, item) in map.iter() {
                    bytes(key.as_bytes(), out);
                    tree(item, number_of, out);
                }
            }
        }
    }
}
