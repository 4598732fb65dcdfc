//! What a blob was found to hold, as bytes: so that a restart need not parse what it parsed before. Only sound files are
//! kept. The form is ours alone and of one version of Pintle: what does not read back is parsed again.

use super::{Document, ParsedFile};
use crate::change::{Number, ObjectKey, Value};
use std::sync::Arc;

/// Nesting that is read back; the parser's own limit is lower.
const MAX_DEPTH: usize = 200;
/// Items that room is made for before they are read.
const MANY: usize = 256;

/// The bytes of `file`, behind those that are in `out`; whether it can be kept.
pub fn keep(file: &ParsedFile, out: &mut Vec<u8>) -> bool {
    if !file.errors.is_empty() {
        return false;
    }
    length(file.documents.len(), out);
    for document in &file.documents {
        text(&document.key.kind, out);
        text(&document.key.name, out);
        text(document.previous_name.as_deref().unwrap_or_default(), out);
        length(document.line as usize, out);
        length(document.index as usize, out);
        value(&document.body, out);
    }
    true
}

/// The file whose bytes these are; `None` when they are not all of one.
pub fn recall(bytes: &[u8]) -> Option<ParsedFile> {
    let mut reader = Reader(bytes);
    let count = reader.length()?;
    let documents = (0..count).map(|_| reader.document().map(Arc::new)).collect::<Option<Vec<_>>>()?;
    reader.0.is_empty().then_some(ParsedFile { documents, errors: Vec::new() })
}

fn length(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(text: &str, out: &mut Vec<u8>) {
    length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn value(value_of: &Value, out: &mut Vec<u8>) {
    match value_of {
        Value::Null => out.push(0),
        Value::Bool(flag) => out.push(1 + u8::from(*flag)),
        Value::Number(number) => {
            out.push(3);
            text(number.spelling(), out);
        }
        Value::String(string) => {
            out.push(4);
            text(string, out);
        }
        Value::List(items) => {
            out.push(5);
            length(items.len(), out);
            for item in items {
                value(item, out);
            }
        }
        Value::Map(map) => {
            out.push(6);
            length(map.len(), out);
            for (key, item) in map.iter() {
                text(key, out);
                value(item, out);
            }
        }
    }
}

/// What is left to read. Every length is held against it before anything is made of that length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of things of at least a byte each, or a line.
    fn length(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn count(&mut self) -> Option<usize> {
        self.length().filter(|count| *count <= self.0.len())
    }

    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.count().and_then(|count| self.0.split_at_checked(count))?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn document(&mut self) -> Option<Document> {
        let (kind, name, previous) = (self.text()?, self.text()?, self.text()?);
        let (line, index) = (u32::try_from(self.length()?).ok()?, u32::try_from(self.length()?).ok()?);
        Some(Document {
            key: ObjectKey::new(kind, name),
            previous_name: (!previous.is_empty()).then(|| previous.into()),
            line,
            index,
            body: self.value(MAX_DEPTH)?,
        })
    }

    /// As many as are announced, with no room to spare.
    fn several<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut all = Vec::with_capacity(count.min(MANY));
        for _ in 0..count {
            all.push(one(self)?);
        }
        all.shrink_to_fit();
        Some(all)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Number(Number::parse(self.text()?)?),
            4 => Value::string(self.text()?),
            5 => Value::List(self.several(|reader| reader.value(depth))?),
            6 => Value::Map(
                self.several(|reader| Some((reader.text()?.into(), reader.value(depth)?)))?.into_iter().collect(),
            ),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_file;
    use proptest::prelude::*;

    const DOCUMENTS: &str = "apiVersion: pintle/v1
kind: Instance
metadata: {name: a, previousName: b, labels: {x: 'yes'}}
spec: {type: shared-saas, config: {n: 1.50, big: 1e3, none: null, list: [true, false, {k: ''}], text: \"ä\\n\"}}
---
apiVersion: pintle/v1
kind: Suite
metadata: {name: crm}
spec: {displayName: CRM}
";

    fn kept(file: &ParsedFile) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(keep(file, &mut bytes));
        bytes
    }

    #[test]
    fn what_is_kept_is_recalled_with_every_spelling() {
        let parsed = parse_file(DOCUMENTS.as_bytes());
        let recalled = recall(&kept(&parsed)).unwrap();
        assert_eq!(recalled.documents, parsed.documents);
        assert_eq!(recalled.documents.len(), 2);
    }

    #[test]
    fn a_file_with_mistakes_is_not_kept() {
        assert!(!keep(&parse_file(b"kind: [\n"), &mut Vec::new()));
    }

    proptest! {
        #[test]
        fn bytes_that_were_cut_or_changed_give_nothing_or_a_file_and_never_a_panic(at in 0_usize..400, byte in any::<u8>(), noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = kept(&parse_file(DOCUMENTS.as_bytes()));
            let at = at % bytes.len();
            prop_assert!(recall(&bytes[..at]).is_none());
            bytes[at] = byte;
            let _ = recall(&bytes);
            let _ = recall(&noise);
        }
    }
}
