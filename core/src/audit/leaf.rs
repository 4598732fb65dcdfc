//! The leaf: UTF-8 JSON with sorted keys, integers above 2^53 as text, RFC 3339 with six decimals,
//! U+0000 mapped to U+FFFD.

use super::patch::json_patch;
use super::record::{Draft, Sealed};
use crate::change::{Digest, Value as Tree, field_changes};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Bodies above this are kept by hash; the text is in Git.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The place a record takes in the log.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The writer's slot.
    pub writer: i32,
    /// The writer's running number.
    pub seq: i64,
    /// The database's clock.
    pub time: Timestamp,
    /// Random bytes, so that the hash of the sealed part gives nothing away.
    pub salt: [u8; 16],
}

/// The bytes of a record.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// What is hashed into the tree.
    pub leaf: Vec<u8>,
    /// What the leaf holds the salted hash of.
    pub sealed: Option<Vec<u8>>,
}

/// The bytes of `draft` at `place`.
pub fn leaf(draft: &Draft, place: Place) -> Leaf {
    let sealed = draft.sealed.as_ref().map(sealed_bytes);
    let hash = sealed.as_ref().map(|bytes| Digest::of(&[&place.salt[..], bytes].concat()).to_string());
    let json = json!({
        "v": 1,
        "id": draft.id,
        "stage": draft.stage,
        "correlation": draft.correlation,
        "writer": place.writer,
        "seq": place.seq,
        "time": format!("{:.6}", place.time),
        "actor": draft.actor,
        "approvals": draft.approvals,
        "scope": {"partner": draft.partner},
        "action": draft.action,
        "resource": draft.resource.as_ref().map(|(key, uid)| json!({"kind": key.kind, "name": key.name, "uid": uid})),
        "git": draft.git,
        "job": draft.job,
        "outcome": draft.outcome,
        "reason": draft.reason,
        "sealed": hash,
    });
    Leaf { leaf: written(&canonical(json)), sealed }
}

fn sealed_bytes(sealed: &Sealed) -> Vec<u8> {
    let empty = Tree::map();
    let changes = field_changes(sealed.before.as_ref().unwrap_or(&empty), sealed.after.as_ref().unwrap_or(&empty));
    let diff = bounded(written(&canonical(json_patch(&changes))));
    let [after, before] = [&sealed.after, &sealed.before].map(|body| bounded(bytes_of(body.as_ref())));
    [&b"{\"after\":"[..], &after, b",\"before\":", &before, b",\"diff\":", &diff, b"}"].concat()
}

fn bytes_of(body: Option<&Tree>) -> Vec<u8> {
    written(&body.map(Canonical))
}

fn bounded(text: Vec<u8>) -> Vec<u8> {
    if text.len() <= MAX_BODY_BYTES {
        return text;
    }
    written(&json!({"sha256": Digest::of(&text), "bytes": text.len()}))
}

/// A tree, whose keys are sorted already, written without building JSON first.
struct Canonical<'a>(&'a Tree);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Tree::String(text) if !text.contains('\0') => out.serialize_str(text),
            Tree::List(items) => out.collect_seq(items.iter().map(Canonical)),
            Tree::Map(map) if !map.keys().any(|key| key.contains('\0')) => {
                out.collect_map(map.iter().map(|(key, value)| (key, Canonical(value))))
            }
            other => canonical(Value::from(other)).serialize(out),
        }
    }
}

/// Keys are sorted by serde_json's map; this maps what other readers of JSON would stumble over, of which there is rarely
/// anything.
fn canonical(mut json: Value) -> Value {
    mend(&mut json);
    json
}

fn mend(json: &mut Value) {
    match json {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Number(number)
            if number.as_u64().is_some_and(|n| n > 1 << 53) || number.as_i64().is_some_and(|n| n < -(1 << 53)) =>
        {
            *json = Value::String(number.to_string());
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        Value::Object(map) => {
            map.values_mut().for_each(mend);
            if map.keys().any(|key| key.contains('\0')) {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (without_nul(&key), value)).collect();
            }
        }
        _ => {}
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Writing to memory does not fail, and the keys of what is written are text.
fn written(json: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(json).unwrap_or_else(|_| b"null".to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::record::{Actor, Outcome, Stage};
    use super::*;

    fn draft(reason: &str) -> Draft {
        let actor = Actor { kind: "system", id: "daemon".into() };
        let outcome = Outcome { status: "ok", code: None };
        Draft {
            id: uuid::Uuid::nil(),
            stage: Stage::System,
            correlation: None,
            actor,
            approvals: Vec::new(),
            partner: None,
            action: "start".into(),
            resource: None,
            git: None,
            job: None,
            outcome,
            reason: Some(reason.into()),
            sealed: Some(Sealed::default()),
        }
    }

    fn place() -> Place {
        Place {
            writer: 1,
            seq: 1 << 60,
            time: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
            salt: [7; 16],
        }
    }

    #[test]
    fn the_same_record_has_the_same_bytes_sorted_and_with_six_decimals() {
        let bytes = leaf(&draft("x"), place()).leaf;
        assert_eq!(bytes, leaf(&draft("x"), place()).leaf);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"action":"start","actor":{"#), "{text}");
        assert!(text.contains(r#""time":"2023-11-14T22:13:20.000001Z""#), "{text}");
        assert!(text.contains(r#""seq":"1152921504606846976""#), "{text}");
    }

    #[test]
    fn a_tree_is_written_as_its_json_would_be() {
        let text = r#"{"b":{"n":9007199254740993,"m":-9007199254740993,"f":1.5,"t":true,"z":null},"a":["x\u0000y",{"k\u0000":1,"k":2}],"c":""}"#;
        let json: Value = serde_json::from_str(text).unwrap();
        let tree = Tree::from(&json);
        assert_eq!(String::from_utf8(bytes_of(Some(&tree))).unwrap(), canonical(json).to_string());
        assert_eq!(bytes_of(None), b"null");
    }

    #[test]
    fn a_large_body_is_kept_by_its_hash() {
        let large = bounded(vec![b'x'; MAX_BODY_BYTES + 1]);
        assert!(String::from_utf8(large).unwrap().starts_with(r#"{"bytes":65537,"sha256":""#));
    }

    #[test]
    fn a_nul_becomes_the_replacement_character() {
        let text = String::from_utf8(leaf(&draft("a\0b"), place()).leaf).unwrap();
        assert!(text.contains("a\u{fffd}b"));
    }

    #[test]
    fn the_salt_changes_the_sealed_hash_and_nothing_else() {
        let other = Place { salt: [8; 16], ..place() };
        let (one, two) = (leaf(&draft("x"), place()), leaf(&draft("x"), other));
        assert_eq!(one.sealed, two.sealed);
        assert_ne!(one.leaf, two.leaf);
    }
}
