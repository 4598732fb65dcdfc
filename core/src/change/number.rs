//! Numbers with their spelling. `1` and `1.0` differ as written; resolved values use one spelling.

/// A number in JSON's grammar. Leading zeros, underscores, hexadecimal, infinities are text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// The number that `text` spells, if it is in JSON's grammar and finite.
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.as_bytes().first()?;
        let last = text.as_bytes().last()?;
        if !(first.is_ascii_digit() || *first == b'-') || !last.is_ascii_digit() || text.len() > 64 {
            return None;
        }
        let json: serde_json::Number = serde_json::from_str(text).ok()?;
        json.as_f64().filter(|float| float.is_finite())?;
        Some(Self(text.into()))
    }

    /// As it was written.
    pub fn spelling(&self) -> &str {
        &self.0
    }

    /// The same number in the spelling that is stored and compared after resolving.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self(self.to_json().to_string().into())
    }

    /// The number for JSON: an integer where it is one, else the nearest 64-bit float.
    pub fn to_json(&self) -> serde_json::Number {
        serde_json::from_str(&self.0).unwrap_or_else(|_| 0.into())
    }

    /// The number as a float.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The number as an integer, where it is one.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string().into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string().into())
    }
}

impl TryFrom<f64> for Number {
    type Error = ();
    fn try_from(value: f64) -> Result<Self, ()> {
        serde_json::Number::from_f64(value).map(|json| Self(json.to_string().into())).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in ["0", "-1", "1.0", "1e3", "18446744073709551615"] {
            assert_eq!(Number::parse(text).unwrap().spelling(), text);
        }
        for text in ["", "01", "1_000", "0x1f", ".5", "1.", "+1", ".inf", "-", "1e999", "1 "] {
            assert!(Number::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_canonical_spelling_is_stable() {
        for text in ["1e3", "1.50", "100000000000000000000", "-0", "7"] {
            let once = Number::parse(text).unwrap().canonical();
            assert_eq!(once.canonical(), once);
        }
    }
}
