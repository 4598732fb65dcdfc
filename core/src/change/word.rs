//! A word of what documents are written in: the name of a kind, or of a field. A fleet holds millions of them and few are
//! different, so that one that the kinds use is a number, and only others are text of their own.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// The name of a kind or a field. In order of bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Word(Text);

/// One text is always held the same way.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    Known(u16),
    Other(Box<str>),
}

const _: () = assert!(size_of::<Word>() == 2 * size_of::<usize>());

/// What is not here costs an allocation, and nothing else. A test holds it against the schemas of all kinds. Sorted, so that
/// the numbers are.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "Capability", "Channel", "Guardrail", "Instance", "MaintenanceWindow", "Member", "Partner", "PlatformConfig",
    "Profile", "Rollout", "Schedule", "Suite", "Tenant", "Version", "acknowledge", "allow", "annotations", "apiVersion",
    "appliesTo", "approvals", "artifacts", "at", "backups", "blocks", "breaking", "capabilities", "catchUpWindow",
    "changelog", "channel", "component", "config", "configSchema", "consecutive", "contact", "contract", "count", "cpu",
    "credentialId", "cron", "dangerous", "data", "dataResidency", "database", "days", "deadline", "default", "deny",
    "description", "destination", "displayName", "domains", "driver", "dst", "duration", "email", "enforcement",
    "engine", "estimate", "every", "exclude", "expand", "expires", "expression", "failedPercent", "failures", "fixes",
    "floor", "forceBy", "format", "from", "gap", "gate", "global", "halt", "health", "id", "instance", "instances",
    "interval", "issuer", "jitter", "job", "kind", "labels", "lifecycle", "login", "lts", "match", "max", "maxFailures",
    "maxTenantsMoving", "maxUnavailable", "mayIgnoreWindow", "memory", "message", "metadata", "method", "migration",
    "minHealthy", "minSample", "minSeverity", "minSucceeded", "missed", "mode", "name", "network", "offset", "oidc",
    "overlap", "owner", "partner", "passkey", "path", "pause", "perPartner", "perRegion", "percent", "pin", "plan",
    "policy", "previousName", "profiles", "program", "publicKey", "queue", "quotas", "reason", "region", "replicas",
    "requires", "resources", "retain", "reversibleFor", "roles", "rollout", "schedule", "secretRef", "security",
    "securityOverride", "select", "settings", "severity", "soak", "spec", "stage", "start", "storage", "subject",
    "successes", "suites", "summary", "suspend", "target", "tenants", "tier", "tighten", "timeout", "timezone", "tls",
    "to", "track", "type", "until", "update", "upgradeFrom", "upstream", "url", "values", "version", "waveDeadline",
    "waves", "windows",
];

/// Short texts are hashed faster by this than by what withstands an attacker, who cannot choose what is in the table.
#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

type Numbers = HashMap<&'static str, u16, BuildHasherDefault<Fnv>>;

static NUMBERS: LazyLock<Numbers> =
    LazyLock::new(|| KNOWN.iter().zip(0_u16..).map(|(name, number)| (*name, number)).collect());

fn known(name: &str) -> Option<Text> {
    NUMBERS.get(name).map(|number| Text::Known(*number))
}

impl Deref for Word {
    type Target = str;
    fn deref(&self) -> &str {
        match &self.0 {
            Text::Known(number) => KNOWN[usize::from(*number)],
            Text::Other(name) => name,
        }
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Text::Known(one), Text::Known(two)) => one.cmp(two),
            _ => (**self).cmp(&**other),
        }
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Word;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E>(self, word: &str) -> Result<Word, E> {
                Ok(word.into())
            }
        }
        input.deserialize_str(Text)
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl From<&str> for Word {
    fn from(name: &str) -> Self {
        Self(known(name).unwrap_or_else(|| Text::Other(name.into())))
    }
}

impl From<String> for Word {
    fn from(name: String) -> Self {
        Self(known(&name).unwrap_or_else(|| Text::Other(name.into())))
    }
}

impl From<Box<str>> for Word {
    fn from(name: Box<str>) -> Self {
        Self(known(&name).unwrap_or(Text::Other(name)))
    }
}

impl From<Arc<str>> for Word {
    fn from(name: Arc<str>) -> Self {
        Self::from(&*name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Catalog;

    #[test]
    fn a_name_is_the_same_however_it_came_and_is_read_as_it_was_written() {
        for name in ["spec", "windows", "specs", "", "ä"] {
            let all = [name.into(), name.to_owned().into(), Box::<str>::from(name).into()];
            assert!(all.iter().all(|one: &Word| **one == *name && *one == Word::from(name)), "{name}");
        }
        assert_ne!(Word::from("spec"), Word::from("specs"));
    }

    #[test]
    fn words_are_in_order_of_their_bytes() {
        assert!(KNOWN.is_sorted_by(|one, two| one < two));
        let words: Vec<Word> = ["Instance", "Zebra", "apple", "spec", "specs"].map(Word::from).into();
        assert!(words.is_sorted(), "{words:?}");
    }

    #[test]
    fn every_kind_and_every_field_of_it_is_known() {
        fn names<'a>(schema: &'a serde_json::Value, all: &mut Vec<&'a str>) {
            let below: Vec<&serde_json::Value> = match schema {
                serde_json::Value::Object(map) => {
                    all.extend(
                        map.get("properties")
                            .and_then(|one| one.as_object())
                            .into_iter()
                            .flat_map(|one| one.keys().map(String::as_str)),
                    );
                    map.values().collect()
                }
                serde_json::Value::Array(list) => list.iter().collect(),
                _ => Vec::new(),
            };
            for one in below {
                names(one, all);
            }
        }
        let mut all = Vec::new();
        for kind in Catalog::standard().iter() {
            all.push(kind.name);
            names(&kind.schema, &mut all);
        }
        let unknown: Vec<&str> = all.iter().copied().filter(|name| known(name).is_none()).collect();
        assert!(all.len() > 100 && unknown.is_empty(), "{unknown:?}");
    }
}
