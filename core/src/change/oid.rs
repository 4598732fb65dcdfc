//! The name of a git object: 20 bytes, written as 40 lower-case hexadecimal digits.
//! It is a name, not a proof: whoever reads the object checks that its content hashes to it.

use std::fmt;

/// A SHA-1 object name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub [u8; 20]);

impl Oid {
    /// The name that `bytes` hold, when they are 20.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The name that exactly 40 lower-case hexadecimal digits spell.
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; 20];
        if digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        hex::decode_to_slice(digits, &mut bytes).ok().map(|()| Self(bytes))
    }

    /// The first seven digits: for people, never for decisions.
    pub fn short(&self) -> String {
        hex::encode(self.0).chars().take(7).collect()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({})", self.short())
    }
}

/// Not an object name.
#[derive(Debug, thiserror::Error)]
#[error("expected 40 lower-case hexadecimal digits")]
pub struct ParseOidError;

impl std::str::FromStr for Oid {
    type Err = ParseOidError;
    fn from_str(text: &str) -> Result<Self, ParseOidError> {
        Self::from_hex(text.as_bytes()).ok_or(ParseOidError)
    }
}

impl serde::Serialize for Oid {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Oid {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
