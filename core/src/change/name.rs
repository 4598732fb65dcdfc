//! The name of a field. Nearly all names that documents use are those of the kinds: a fleet holds millions of them, so that
//! one of these is a number, and only others are text of their own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::LazyLock;

/// The name of a field, as text.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldName(Text);

/// One text is always held the same way.
#[derive(Clone, PartialEq, Eq)]
enum Text {
    Known(u16),
    Other(Box<str>),
}

const _: () = assert!(size_of::<FieldName>() == 2 * size_of::<usize>());

/// What is not here costs an allocation, and nothing else. A test holds it against the schemas of all kinds.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "acknowledge", "allow", "annotations", "apiVersion", "appliesTo", "approvals", "artifacts", "at", "backups",
    "blocks", "breaking", "capabilities", "catchUpWindow", "changelog", "channel", "component", "config",
    "configSchema", "consecutive", "contact", "contract", "count", "cpu", "credentialId", "cron", "dangerous", "data",
    "dataResidency", "database", "days", "deadline", "default", "deny", "description", "destination", "displayName",
    "domains", "driver", "dst", "duration", "email", "enforcement", "engine", "estimate", "every", "exclude", "expand",
    "expires", "expression", "failedPercent", "failures", "fixes", "floor", "forceBy", "format", "from", "gap", "gate",
    "global", "halt", "health", "id", "instance", "instances", "interval", "issuer", "jitter", "job", "kind", "labels",
    "lifecycle", "login", "lts", "match", "max", "maxFailures", "maxTenantsMoving", "maxUnavailable", "mayIgnoreWindow",
    "memory", "message", "metadata", "method", "migration", "minHealthy", "minSample", "minSeverity", "minSucceeded",
    "missed", "mode", "name", "network", "offset", "oidc", "overlap", "owner", "partner", "passkey", "path", "pause",
    "perPartner", "perRegion", "percent", "pin", "plan", "policy", "previousName", "profiles", "program", "publicKey",
    "queue", "quotas", "reason", "region", "replicas", "requires", "resources", "retain", "reversibleFor", "roles",
    "rollout", "schedule", "secretRef", "security", "securityOverride", "select", "settings", "severity", "soak",
    "spec", "stage", "start", "storage", "subject", "successes", "suites", "summary", "suspend", "target", "tenants",
    "tier", "tighten", "timeout", "timezone", "tls", "to", "track", "type", "until", "update", "upgradeFrom",
    "upstream", "url", "values", "version", "waveDeadline", "waves", "windows",
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

impl Deref for FieldName {
    type Target = str;
    fn deref(&self) -> &str {
        match &self.0 {
            Text::Known(number) => KNOWN[usize::from(*number)],
            Text::Other(name) => name,
        }
    }
}

impl AsRef<str> for FieldName {
    fn as_ref(&self) -> &str {
        self
    }
}

impl std::fmt::Display for FieldName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl std::fmt::Debug for FieldName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        Self(known(name).unwrap_or_else(|| Text::Other(name.into())))
    }
}

impl From<String> for FieldName {
    fn from(name: String) -> Self {
        Self(known(&name).unwrap_or_else(|| Text::Other(name.into())))
    }
}

impl From<Box<str>> for FieldName {
    fn from(name: Box<str>) -> Self {
        Self(known(&name).unwrap_or(Text::Other(name)))
    }
}

impl From<&String> for FieldName {
    fn from(name: &String) -> Self {
        Self::from(name.as_str())
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
            assert!(all.iter().all(|one: &FieldName| **one == *name && *one == FieldName::from(name)), "{name}");
        }
        assert_ne!(FieldName::from("spec"), FieldName::from("specs"));
    }

    #[test]
    fn every_field_of_every_kind_is_known() {
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
        Catalog::standard().iter().for_each(|kind| names(&kind.schema, &mut all));
        let unknown: Vec<&str> = all.iter().copied().filter(|name| known(name).is_none()).collect();
        assert!(all.len() > 100 && unknown.is_empty(), "{unknown:?}");
    }
}
